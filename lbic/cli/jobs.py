"""Jobs: the inputs that a command line names, and the output of each.

Three rules hold for every command, here and in lbic.system.files: an input is never changed or
deleted, an existing file is never replaced without -f, and an output appears whole or not at all.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lbic.errors import FileError, UsageError, reason
from lbic.system import files

STDIO = "-"
"""The name of stdin as an input and of stdout as an output."""

_OWN_PICTURES = (".lbic.png", ".enhanced.png")
"""Pictures that lbic itself wrote; a second search of a folder leaves them out."""


COMPRESSED = frozenset({".lbic"})
"""The suffix of .lbic files in a folder that is searched."""


class Skipped(Exception):  # noqa: N818 - nothing went wrong
    """The output exists and is to be kept, so there is nothing to do; the message is its name."""


@dataclass(frozen=True)
class Source:
    """An input: a file or stdin."""

    name: str
    """The name as the user wrote it, or below a folder that the user named; ``-`` is stdin."""
    root: Path | None = None
    """The folder that was searched and held the file; None for a file that the user named."""
    trouble: str | None = None
    """Why it cannot be read, if the search found out: a folder without permission."""

    @property
    def path(self) -> Path | None:
        """The path of the file; None for stdin."""
        return None if self.name == STDIO else Path(self.name)

    @property
    def place(self) -> Path:
        """The relative path in an output folder; sub-folders of a searched folder are kept."""
        path = self.path or Path("stdin")
        # "." and "/" have no name; ``read`` refuses directories.
        place = path.relative_to(self.root) if self.root else Path(path.name)
        return place if place.name else Path("folder")

    def read(self) -> bytes:
        """Return the whole content.

        Raises FileError if it cannot be read or is longer than limits.MAX_FILE, and UsageError for
        a directory. The message goes after the name: "NAME: is a directory".
        """
        if self.trouble:
            raise FileError(self.trouble)
        if self.path is None:
            return files.read_stdin()
        if os.path.isdir(self.path):
            raise UsageError("is a directory; use -r to search it")
        return files.read(self.path)


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

        Raises FileError if it cannot, and Skipped if it exists and is to be kept.
        """
        if self.source.trouble:
            raise FileError(self.source.trouble)
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
        else:
            self.check()
            if self.in_folder:
                files.make_folder(self.target.parent)
            try:
                files.write(self.target, data, replace=self.force)
            except FileError:
                self.check()  # for the sentence if another process has just written it
                raise


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


def expand(names: Iterable[str], *, recursive: bool, suffixes: frozenset[str]) -> list[Source]:
    """Return the inputs that the names of a command line stand for, in their order.

    With ``recursive`` a folder stands for the files in and below it that have one of the suffixes,
    sorted by name, without the pictures that lbic wrote itself. A name that cannot be read is kept
    and fails when its turn comes. Raises UsageError for a folder without such files, for an empty
    name and for stdin named twice.
    """
    sources: list[Source] = []
    for name in names:
        if not name:
            raise UsageError("the name of an input is empty")
        folder = Path(name)
        if name != STDIO and recursive and os.path.isdir(folder):
            files_found = list(_search(folder, suffixes))
            if not files_found:
                but = f" (except {' and '.join(_OWN_PICTURES)})" if ".png" in suffixes else ""
                raise UsageError(f"{name} holds no file that ends with {' '.join(sorted(suffixes))}{but}")
            sources += files_found
        else:
            sources.append(Source(name))
    if sum(source.path is None for source in sources) > 1:
        raise UsageError("- (stdin) can be an input only once")
    return sources


def plan(sources: Sequence[Source], output: str | None, *, rename: Callable[[str], str], force: bool) -> list[Job]:
    """Return a job for each input; nothing is written yet.

    ``output`` is the value of -o: a file for one input, a folder for several (it exists, ends with
    a separator, or is created), ``-`` for stdout, or None for names beside the inputs, derived by
    ``rename`` from the inputs' names. Raises UsageError if two inputs have one output or an output
    is an input, and FileError if stdout is closed.
    """
    if output == STDIO or (output is None and all(source.path is None for source in sources)):
        if len(sources) > 1:
            raise UsageError(f"-o - takes one input, not {len(sources)}")
        if sys.stdout is None:
            raise FileError("stdout is closed")
        if sys.stdout.isatty():
            raise UsageError("binary data is not written to a terminal; redirect stdout or use -o FILE")
        return [Job(source, None) for source in sources]
    folder = output is not None and _is_folder(output, sources)
    jobs = [Job(source, _target(source, output, folder, rename), force, folder) for source in sources]
    refuse_conflicts([(job.name, job.target) for job in jobs if job.target and not job.source.trouble], sources)
    return jobs


def refuse_conflicts(outputs: Iterable[tuple[str, Path]], sources: Iterable[Source]) -> None:
    """Raise UsageError if an output is an input, or if two inputs share an output.

    ``outputs`` are pairs of an input's name, for the message, and its output.
    """
    inputs = {_identity(source.path) for source in sources}
    writers: dict[object, str] = {}
    for writer, target in outputs:
        identity = _identity(target)
        if identity in inputs:
            raise UsageError(f"the output {target} is an input; name another")
        if identity in writers:
            raise UsageError(f"{writers[identity]} and {writer} would both be written to {target}")
        writers[identity] = writer


def distinct(sources: Iterable[Source]) -> list[Source]:
    """Return the inputs without repetitions of a file under any of its names."""
    first: dict[object, Source] = {}
    for source in sources:
        first.setdefault(_identity(source.path), source)
    return list(first.values())


def _search(folder: Path, suffixes: frozenset[str]) -> Iterator[Source]:
    """Yield the files in a folder, then the folders that cannot be searched."""
    refused: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=refused.append):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() in suffixes and not name.lower().endswith(_OWN_PICTURES):
                path = str(Path(parent, name))
                # No pipes, which might never end; a dead link is kept and fails later.
                if os.path.isfile(path) or not os.path.exists(path):
                    yield Source(path, root=folder)
    for error in refused:
        yield Source(str(error.filename), folder, f"cannot be searched: {reason(error)}")


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


def _identity(path: Path | None) -> object:
    """Return one value for all names of a file, links included; ``path`` None is stdin."""
    try:
        status = path.stat() if path else os.fstat(sys.stdin.fileno())
    # There is no such file, or stdin is closed or not a file.
    except (OSError, ValueError, AttributeError):
        return os.path.normcase(os.path.realpath(path)) if path else STDIO
    return (status.st_dev, status.st_ino) if path or stat.S_ISREG(status.st_mode) else STDIO
