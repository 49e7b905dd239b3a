"""Progress bars on stderr. rich is imported only when a bar is shown, to keep --help fast."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from lbic.cli.report import Report
from lbic.system import shortages

_PERIOD = 3600
"""Seconds of work on which the remaining time is estimated; one step may exceed rich's 30."""


class Bar:
    """A bar that shows nothing; the base of the visible one."""

    def update(self, completed: int, total: int, note: str = "") -> None:
        """Show ``completed`` of ``total`` steps, followed by a note."""

    def advance(self) -> None:
        """Move on by one step."""

    def print(self, text: str) -> None:
        """Print a line above the bar."""


@contextmanager
def bar(title: str, total: int | None = None, *, keep: bool = False) -> Iterator[Bar]:
    """Show a bar inside the context if stderr is a terminal; with ``keep`` it stays afterwards."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    # Without ``disable`` a transient bar writes a newline even where stderr is no terminal.
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
                # Not console.print: it would take parts of names for markup or emoji.
                console.out(text, highlight=False)

        yield Shown()


def report_bar(report: Report) -> AbstractContextManager[Callable[[], None]]:
    """Show a bar that counts the report's steps; yield the function to call after each step.

    A single step has no bar but a line with what the report shows. There is neither with --quiet
    or --json, if stderr is no terminal, or if the system permits no thread for it.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if report.talk.quiet or report.talk.json or not terminal or shortages.of_threads():
        return nullcontext(lambda: None)
    return _above(report) if report.all_steps > 1 else _status_line(report)


@contextmanager
def _status_line(report: Report) -> Iterator[Callable[[], None]]:
    """Show the report's texts in one line that disappears; nothing before the first text."""
    with ExitStack() as stack:

        def show(text: str) -> None:
            from rich.console import Console
            from rich.markup import escape

            status = stack.enter_context(Console(stderr=True).status(escape(text)))
            report.show = lambda text: status.update(escape(text))

        def say(text: str) -> None:
            stack.close()
            plain(text)

        plain = report.say
        report.show, report.say = show, say
        try:
            yield lambda: None
        finally:
            report.show, report.say = lambda text: None, plain


@contextmanager
def _above(report: Report) -> Iterator[Callable[[], None]]:
    """Show the bar, with the report's lines above it."""
    with bar(report.verb, report.all_steps) as shown:
        plain, report.say = report.say, shown.print
        try:
            yield shown.advance
        finally:
            report.say = plain
