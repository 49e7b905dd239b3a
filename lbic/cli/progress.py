"""Progress bars on stderr. rich is imported when a bar is shown: it takes longer than --help may."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from lbic.cli.report import Report

_PERIOD = 3600
"""Seconds of work that the remaining time is estimated from. A step may take minutes: rich's 30 are too short."""


class Bar:
    """A bar that does nothing; the base of the one that shows."""

    def update(self, completed: int, total: int, note: str = "") -> None:
        """Show ``completed`` of ``total`` steps and a note behind them."""

    def advance(self) -> None:
        """Move on by one step."""

    def print(self, text: str) -> None:
        """Print a line above the bar."""


@contextmanager
def bar(title: str, total: int | None = None, *, keep: bool = False) -> Iterator[Bar]:
    """Show a bar while inside, where stderr is a terminal; with ``keep`` it stays on the screen afterwards."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    # A transient bar still writes a newline to a stderr that is no terminal.
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        transient=not keep,
        disable=not console.is_terminal,
        speed_estimate_period=_PERIOD,
    )
    with progress:
        task = progress.add_task(title, total=total, note="")

        class Shown(Bar):
            def update(self, completed: int, total: int, note: str = "") -> None:
                progress.update(task, completed=completed, total=total, note=note)

            def advance(self) -> None:
                progress.advance(task)

            def print(self, text: str) -> None:
                # Not console.print: a file's name may look like markup or an emoji.
                console.out(text, highlight=False)

        yield Shown()


def report_bar(report: Report) -> AbstractContextManager[Callable[[], None]]:
    """Show a bar that counts the report's steps, if there are several; yields the function to call after each step.

    There is none with --quiet, with --json, and where stderr is no terminal.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if report.talk.quiet or report.talk.json or report.all_steps < 2 or not terminal:
        return nullcontext(lambda: None)
    return _above(report)


@contextmanager
def _above(report: Report) -> Iterator[Callable[[], None]]:
    """Print the report's lines above the bar meanwhile."""
    with bar(report.verb, report.all_steps) as shown:
        plain, report.say = report.say, shown.print
        try:
            yield shown.advance
        finally:
            report.say = plain
