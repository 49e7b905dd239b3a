"""The bar on a terminal. Apart from the rest, since rich takes longer to import than --help may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lbic.cli.report import Report

_PERIOD = 3600
"""Seconds that the time left is estimated from: a step may take minutes, and rich's 30 would know of none."""


@contextmanager
def file_bar(report: Report) -> Iterator[Callable[[], None]]:
    """Show how many of the report's steps are done and the time left; its lines go above the bar meanwhile."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # A transient bar still writes a newline to a stderr that is no terminal.
    progress = Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=_PERIOD,
    )
    with progress:
        task = progress.add_task(report.verb, total=report.all_steps)
        # Not console.print: a file's name may look like markup or an emoji.
        plain, report.say = report.say, lambda text: console.out(text, highlight=False)
        try:
            yield lambda: progress.advance(task)
        finally:
            report.say = plain
