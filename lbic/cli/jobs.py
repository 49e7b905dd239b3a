"""Jobs: the inputs of a command line (lbic.cli.inputs) and the output of each.

Three rules hold for every command, here and in lbic.system.files: an input is never changed or
deleted, an existing file is never replaced without -f, and an output appears whole or not at all.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from lbic.cli.inputs import (
    COMPRESSED,
    STDIO,
    Source,
    expand,
    identity,
    left_out_note,
    once,
    source_identity,
    stream_identity,
)
from lbic.cli.report import Talk, one_line
from lbic.errors import FileError, UsageError
from lbic.system import descriptors, files


class Skipped(Exception):  # noqa: N818 - nothing went wrong
    """The output exists and is to be kept, so there is nothing to do; the message is its name."""


@dataclass(frozen=True)
class Job:
    """An input and its output."""

    source: Source
    target: Path | None
    """The output file; None for stdout."""
    force: bool = False
    """An existing target is overwritten; otherwise it is an error."""
    in_folder: bool = False
    """The target is in an output folder, which is created if it is missing."""
    skip_existing: bool = False
    """An existing target is kept, and the job is skipped."""
    keep_time: bool = False
    """The output gets the input's file time."""
    conflict: str | None = None
    """Why the job cannot be done beside the others: another has the same output."""

    @property
    def name(self) -> str:
        """The name of the input."""
        return self.source.name

    @property
    def output(self) -> str:
        """The name of the output; ``-`` for stdout."""
        return STDIO if self.target is None else str(self.target)

    def check(self) -> None:
        """Check before long work that the output can be written.

        Raises FileError if it cannot, UsageError if another job has the same output, and Skipped
        if it exists and is to be kept.
        """
        if self.source.trouble:
            raise FileError(self.source.trouble)
        if self.conflict:
            raise UsageError(self.conflict)
        if self.target is not None:
            if self.skip_existing and os.path.isfile(self.target):
                raise Skipped(self.output)
            files.check_target(self.target, force=self.force, made=self.in_folder)

    def write(self, data: bytes) -> None:
        """Write the output, whole or not at all.

        Raises FileError if that fails, and Skipped if another process has just written the file
        and it is to be kept.
        """
        if self.target is None:
            files.write_stdout(data)
            return
        self.check()
        if self.in_folder:
            files.make_folder(self.target.parent)
        try:
            files.write(self.target, data, replace=self.force)
        except FileError:
            self.check()  # for the sentence if another process has just written it
            raise
        if self.keep_time and self.source.path:
            files.copy_time(self.source.path, self.target)


def compressed_name(name: str) -> str:
    """a.png -> a.lbic"""
    return Path(name).stem + ".lbic"


def decompressed_name(name: str) -> str:
    """a.lbic -> a.lbic.png: never the name of the picture that was compressed."""
    return name + ".png"


def extracted_name(name: str) -> str:
    """a.lbic -> a.lbic.stream"""
    return name + ".stream"


def enhanced_name(name: str) -> str:
    """a.jpg -> a.enhanced.png"""
    return Path(name).stem + ".enhanced.png"


def with_suffix_kept(rename: Callable[[str], str]) -> Callable[[str], str]:
    """Return ``rename`` for --name full: a.jpg -> a.jpg.lbic instead of a.lbic."""
    return lambda name: rename(f"{name}.suffix")


def plan(sources: Sequence[Source], output: str | None, *, rename: Callable[[str], str], force: bool) -> list[Job]:
    """Return a job for each input; nothing is written yet.

    ``output`` is the value of -o: a file for one input, a folder for several (it exists, ends with
    a separator, or is created), ``-`` for stdout, or None for names beside the inputs, derived by
    ``rename`` from the inputs' names; streams go to stdout. Jobs that share an output fail when
    their turn comes. Raises UsageError if an output is an input, FileError if stdout is closed.
    """
    if output is None and all(source.path is None for source in sources):
        output = STDIO
    descriptor = 1 if output == STDIO else descriptors.number(output or "")
    if output is not None and descriptor is not None:
        return _to_stream(sources, STDIO if descriptor == 1 else output, descriptor)
    folder = output is not None and _is_folder(output, sources)
    jobs = [Job(source, _target(source, output, folder, rename), force, folder) for source in sources]
    return _with_conflicts(jobs)


def _to_stream(sources: Sequence[Source], output: str, descriptor: int) -> list[Job]:
    """Return the job of the only input, whose output is an open descriptor."""
    if len(sources) > 1:
        raise UsageError(f"-o {output} takes one input, not {len(sources)}")
    if output == STDIO and sys.stdout is None:
        raise FileError("stdout is closed")
    if sys.stdout.isatty() if output == STDIO else os.isatty(descriptor):
        where = "redirect stdout" if output == STDIO else "redirect it"
        raise UsageError(f"binary data is not written to a terminal; {where} or use -o FILE")
    # The shell's >> puts the output at the end of a file, which may be the input.
    written = stream_identity(descriptor)
    if any(source.path and identity(source.path) == written for source in sources):
        raise UsageError(f"the output {output} is an input; name another")
    return [Job(source, None if output == STDIO else Path(output)) for source in sources]


def _with_conflicts(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs, with a conflict in those that share an output.

    Raises UsageError if an output is an input.
    """
    inputs = {source_identity(job.source) for job in jobs}
    writers: dict[object, list[Job]] = {}
    for job in jobs:
        if job.target and not job.source.trouble:
            _refuse_input(job.target, inputs)
            writers.setdefault(identity(job.target), []).append(job)
    conflicts: dict[Job, str] = {}
    for first, *others in writers.values():
        if others:
            sentence = f"{first.name} and {others[0].name} would both be written to {first.output}"
            if first.source.place.name != others[0].source.place.name:
                sentence += "; --name full keeps them apart"
            conflicts |= dict.fromkeys([first, *others], sentence)
    return [replace(job, conflict=conflicts.get(job)) for job in jobs]


def refuse_conflicts(outputs: Iterable[tuple[str, Path]], sources: Iterable[Source]) -> None:
    """Raise UsageError if an output is an input, or if two inputs share an output.

    ``outputs`` are pairs of an input's name, for the message, and its output.
    """
    inputs = {source_identity(source) for source in sources}
    writers: dict[object, str] = {}
    for writer, target in outputs:
        _refuse_input(target, inputs)
        previous = writers.setdefault(identity(target), writer)
        if previous != writer:
            raise UsageError(f"{previous} and {writer} would both be written to {target}")


def _refuse_input(target: Path, inputs: set[object]) -> None:
    if identity(target) in inputs:
        raise UsageError(f"the output {target} is an input; name another")


def _is_folder(output: str, sources: Sequence[Source]) -> bool:
    """Return whether -o names a folder: it is one, ends like one, or has to hold several files."""
    if os.path.isdir(output) or output.endswith((os.sep, "/")):
        return True
    if len(sources) == 1 and sources[0].root is None:
        return False
    if os.path.exists(output):
        raise UsageError(f"-o {output} is a file; several inputs need a folder")
    return True


def _target(source: Source, output: str | None, folder: bool, rename: Callable[[str], str]) -> Path:
    place = source.place
    renamed = place.with_name(rename(place.name))
    if output is None:
        # Of several inputs only stdin has no folder; its output goes to the current one.
        return source.path.parent / renamed.name if source.path else renamed
    return Path(output) / renamed if folder else Path(output)


@dataclass(frozen=True)
class Files:
    """The inputs of a command, its outputs and how many files it works on at a time."""

    inputs: tuple[str, ...]
    """The words of the command line: names of files and folders, or ``-`` for stdin."""
    recursive: bool = False
    """Folders are searched; otherwise a folder is an error."""
    jobs: int = 1
    """Files at the same time."""
    output: str | None = None
    """The value of -o; None puts each output beside its input."""
    force: bool = False
    """Existing outputs are overwritten; otherwise each is an error."""
    skip_existing: bool = False
    """Inputs with an existing output are skipped."""
    keep_time: bool = False
    """Outputs get the file times of their inputs."""
    full_names: bool = False
    """Derived names keep the input's suffix: a.jpg.lbic instead of a.lbic."""

    def sources(self, suffixes: frozenset[str]) -> list[Source]:
        """Return the inputs, each path once; in folders those with one of the suffixes."""
        return once(expand(self.inputs, recursive=self.recursive, suffixes=suffixes))

    def plan(self, suffixes: frozenset[str], rename: Callable[[str], str], talk: Talk) -> list[Job]:
        """Return a job for each input of a command that writes one file for each.

        ``rename`` derives an output's name from its input's. Prints a note on the files that a
        search for pictures left out. Raises UsageError if options exclude each other or an output
        is an input.
        """
        if self.force and self.skip_existing:
            raise UsageError("-f and --skip-existing exclude each other")
        left_out = Counter[str]()
        sources = once(expand(self.inputs, recursive=self.recursive, suffixes=suffixes, left_out=left_out))
        note = left_out_note(left_out)
        if note and suffixes != COMPRESSED and not talk.quiet:
            click.echo(one_line(f"lbic: note: {note}"), err=True)
        rename = with_suffix_kept(rename) if self.full_names else rename
        planned = plan(sources, self.output, rename=rename, force=self.force)
        planned = [replace(job, skip_existing=self.skip_existing, keep_time=self.keep_time) for job in planned]
        if talk.json and any(job.target is None for job in planned):
            raise UsageError("--json and the output cannot both go to stdout; use -o FILE")
        return planned
