"""Reports: a line or a JSON object for each file, a summary and the exit code."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

from lbic.cli import hints
from lbic.errors import ExitCode, LbicError

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "?")
"""Control characters, which names of files may contain.

A terminal might obey them, and a line break could fake a line of lbic's.
"""


def one_line(text: str) -> str:
    """Return a text as one line without control characters, safe for a terminal."""
    return text.translate(_CONTROLS)


@dataclass(frozen=True)
class Talk:
    """How much a command prints."""

    json: bool = False
    """JSON objects on stdout instead of lines on stderr."""
    quiet: bool = False
    """Errors only."""
    verbose: bool = False
    """Details too."""


@dataclass(frozen=True)
class Outcome:
    """The report on one file that succeeded."""

    line: str
    """The line for people."""
    record: dict[str, Any]
    """The JSON object."""
    notes: tuple[str, ...] = ()
    """What the user should know, a sentence each."""
    details: tuple[str, ...] = ()
    """Lines that --verbose adds."""
    dropped: tuple[str, ...] = ()
    """The metadata items of the input that the output does not have, for one note of the run."""
    bytes_read: int = 0
    bytes_written: int = 0
    """The sizes of input and output, for the summary."""


@dataclass
class Report:
    """Reports on each file and counts them."""

    verb: str
    """The past participle for the summary ("compressed"); empty for no summary."""
    total: int
    """Number of files."""
    talk: Talk
    """How much is printed."""
    steps: int | None = None
    """Steps of the bar per file, if the work calls ``advance`` itself; None for one step."""
    advance: Callable[[], None] = lambda: None
    """Moves the bar one step on, while there is one."""
    show: Callable[[str], None] = lambda text: None
    """Shows what a single file's work is at, on a terminal, until the next text."""
    result_to_stdout: bool = False
    """The lines are the command's result and go to stdout."""
    say: Callable[[str], None] = field(default=lambda text: click.echo(text, err=True))
    """Prints a line on stderr; above the bar, while there is one."""
    done: int = 0
    """Files that succeeded."""
    skipped: int = 0
    """Files that were skipped."""
    failures: list[ExitCode] = field(default_factory=list)
    """The exit code of each file that failed."""
    bytes_read: int = 0
    bytes_written: int = 0
    """Total sizes of the inputs and outputs that succeeded."""
    dropped: Counter[str] = field(default_factory=Counter)
    """How many files lost each metadata item."""
    started: float = field(default_factory=time.perf_counter)
    """Start of the run, in seconds of time.perf_counter."""

    @property
    def all_steps(self) -> int:
        """The number of steps of the whole bar."""
        return self.total * (self.steps or 1)

    def success(self, name: str, outcome: Outcome) -> None:
        """Report a file that succeeded: a JSON object on stdout or a line on stderr."""
        self.done += 1
        self.bytes_read += outcome.bytes_read
        self.bytes_written += outcome.bytes_written
        self.dropped.update(outcome.dropped)
        for note in outcome.notes:
            self.note(f"{name}: {note}")
        if self.talk.json:
            emit(outcome.record)
        elif self.result_to_stdout:
            click.echo(outcome.line)
        elif not self.talk.quiet:
            self._print(outcome.line)
        if self.talk.verbose:
            for detail in outcome.details:
                self._print(f"  {detail}")

    def trial(self, name: str, line: str) -> None:
        """Report a trial for a target: shown on a terminal, printed with --verbose."""
        if self.talk.verbose:
            self._print(f"  {name}: {line}")
        else:
            self.show(one_line(f"{name}: {line}"))

    def note(self, text: str) -> None:
        """Print a note, unless --quiet."""
        if not self.talk.quiet:
            self._print(f"lbic: note: {text}")

    def skip(self, name: str, output: str) -> None:
        """Report a file that was skipped because its output exists.

        The line appears only for a single file or with --verbose.
        """
        self.skipped += 1
        if self.talk.json:
            emit({"input": name, "output": output, "skipped": True})
        elif self.talk.verbose or (self.total == 1 and not self.talk.quiet):
            self._print(f"{name}: skipped, {output} exists")

    def failure(self, name: str, error: LbicError) -> None:
        """Report a file that failed, even with --quiet."""
        self.failures.append(error.exit_code)
        sentence = hints.sentence(error)
        if self.talk.json:
            emit({"input": name, "error": {"code": error.code, "message": sentence}})
        self._print(f"lbic: error: {name}: {sentence}")

    def finish(self) -> ExitCode:
        """Print the note on metadata and the summary of several files; return the exit code.

        It is a single file's own code; for several files 0 or FAILED.
        """
        if self.dropped:
            self.note(hints.dropped(self.dropped, self.total))
        if self.verb and self.total > 1 and not self.talk.quiet:
            self._print(self._summary())
        if not self.failures:
            return ExitCode.OK
        return self.failures[0] if self.total == 1 else ExitCode.FAILED

    def _print(self, text: str) -> None:
        self.say(one_line(text))

    def _summary(self) -> str:
        """Return "2 compressed, 1 failed  812,345 B -> 5,120 B  ratio 158.66  3.1 s"."""
        counts = ((self.done, self.verb), (self.skipped, "skipped"), (len(self.failures), "failed"))
        text = ", ".join(f"{count:,} {what}" for count, what in counts if count or what == self.verb)
        if self.bytes_written:
            ratio = self.bytes_read / self.bytes_written
            text += f"  {self.bytes_read:,} B -> {self.bytes_written:,} B  ratio {ratio:.2f}"
        return f"{text}  {time.perf_counter() - self.started:.1f} s"


def emit(record: dict[str, Any]) -> None:
    """Print a JSON object on one line of stdout."""
    click.echo(json.dumps(record))
