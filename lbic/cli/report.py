"""What a command says about its files: one line or one JSON object each, and the exit code in the end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

from lbic.cli import hints
from lbic.errors import ExitCode, LbicError

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "?")
"""What a terminal may obey, and what would begin a line that looks like lbic's own: names of files can hold it."""


def one_line(text: str) -> str:
    """A text for a terminal, where it stays one line and does nothing."""
    return text.translate(_CONTROLS)


@dataclass(frozen=True)
class Talk:
    """How much a command says, as --json, --quiet and --verbose ask."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False


@dataclass(frozen=True)
class Outcome:
    """What there is to say about one file that went well.

    ``record`` is its JSON object, ``notes`` what the user should know, ``details`` what --verbose adds; ``taken`` and
    ``given`` are the bytes read and written, which the sum in the end adds up.
    """

    line: str
    record: dict[str, Any]
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    taken: int = 0
    given: int = 0


@dataclass
class Report:
    """Counts files and tells about each; ``verb`` is what was done to them ("compressed"), empty for no sum."""

    verb: str
    total: int
    talk: Talk
    steps: int | None = None
    """How many parts the work on a file has when it calls ``advance`` itself after each; None: a file is a step."""
    advance: Callable[[], None] = lambda: None
    """Moves the bar on by a step, while there is one."""
    result_to_stdout: bool = False
    """The lines are what the command is for, not talk about it: shown as they are."""
    say: Callable[[str], None] = field(default=lambda text: click.echo(text, err=True))
    """Where lines go: stderr, or above the bar while there is one."""
    done: int = 0
    skipped: int = 0
    failures: list[ExitCode] = field(default_factory=list)
    taken: int = 0
    given: int = 0
    started: float = field(default_factory=time.perf_counter)

    @property
    def all_steps(self) -> int:
        """What the bar counts to."""
        return self.total * (self.steps or 1)

    def success(self, name: str, outcome: Outcome) -> None:
        """Tell about a file that went well: a JSON object on stdout, or a line on stderr."""
        self.done += 1
        self.taken += outcome.taken
        self.given += outcome.given
        for note in outcome.notes:
            self.note(f"{name}: {note}")
        if self.talk.json:
            emit(outcome.record)
        elif self.result_to_stdout:
            click.echo(outcome.line)
        elif not self.talk.quiet:
            self._tell(outcome.line)
        if self.talk.verbose:
            for detail in outcome.details:
                self._tell(f"  {detail}")

    def note(self, text: str) -> None:
        """Tell what the user should know; --quiet silences it."""
        if not self.talk.quiet:
            self._tell(f"lbic: note: {text}")

    def skip(self, name: str, output: str) -> None:
        """Tell about a file whose output is there: in a line only where it is the only one or the user wants more."""
        self.skipped += 1
        if self.talk.json:
            emit({"input": name, "output": output, "skipped": True})
        elif self.talk.verbose or (self.total == 1 and not self.talk.quiet):
            self._tell(f"{name}: skipped, {output} is there")

    def failure(self, name: str, error: LbicError) -> None:
        """Tell about a file that failed; --quiet does not silence it."""
        self.failures.append(error.exit_code)
        sentence = hints.sentence(error)
        if self.talk.json:
            emit({"input": name, "error": {"code": error.code, "message": sentence}})
        self._tell(f"lbic: error: {name}: {sentence}")

    def finish(self) -> ExitCode:
        """Sum up when there was more than one file; the code is the only file's own, or 1 for some of several."""
        if self.verb and self.total > 1 and not self.talk.quiet:
            self._tell(self._sum())
        if not self.failures:
            return ExitCode.OK
        return self.failures[0] if self.total == 1 else ExitCode.FAILED

    def _tell(self, text: str) -> None:
        self.say(one_line(text))

    def _sum(self) -> str:
        """2 compressed, 1 skipped, 1 failed  812,345 B -> 5,120 B  ratio 158.66  3.1 s"""
        counts = ((self.done, self.verb), (self.skipped, "skipped"), (len(self.failures), "failed"))
        text = ", ".join(f"{count:,} {what}" for count, what in counts if count or what == self.verb)
        if self.given:
            text += f"  {self.taken:,} B -> {self.given:,} B  ratio {self.taken / self.given:.2f}"
        return f"{text}  {time.perf_counter() - self.started:.1f} s"


def emit(record: dict[str, Any]) -> None:
    """One JSON object on one line of stdout."""
    click.echo(json.dumps(record))
