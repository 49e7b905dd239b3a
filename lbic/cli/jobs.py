"""Files in and out: which inputs a command line means, and where each output goes.

The promises made here and in ``writing`` hold for every command: an input is never written to or deleted, a file
that is there is never replaced unasked, and an output appears whole or not at all.
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
"""Stands for stdin as an input and for stdout as an output."""

PICTURES = frozenset(
    {".png", ".jpg", ".jpeg", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx"}
)
"""Suffixes taken for pictures where a folder is searched; a file named by the user may have any."""

COMPRESSED = frozenset({".lbic"})

_OWN_PICTURES = (".lbic.png", ".enhanced.png")
"""What lbic itself writes beside an input: searching a folder twice must not feed it its own results."""


class Skipped(Exception):  # noqa: N818 - nothing went wrong
    """The output, whose name this says, is there, and the user wants no other: nothing is left to do."""


@dataclass(frozen=True)
class Source:
    """One input: a file, or stdin."""

    name: str
    """As the user wrote it, or as it was found below a folder the user wrote; ``-`` is stdin."""
    root: Path | None = None
    """The folder it was found in, where a folder was searched."""
    trouble: str | None = None
    """Why it cannot be read, where the search already knows: a folder that may not be entered."""

    @property
    def path(self) -> Path | None:
        return None if self.name == STDIO else Path(self.name)

    @property
    def place(self) -> Path:
        """Its place in an output folder: sub-folders of a searched folder are kept."""
        path = self.path or Path("stdin")
        # "." and "/" have no name; they are directories, which ``read`` refuses with a sentence.
        place = path.relative_to(self.root) if self.root else Path(path.name)
        return place if place.name else Path("folder")

    def read(self) -> bytes:
        """The whole content.

        Raises FileError (UsageError for a directory) with a sentence that follows the name; what is longer than
        limits.MAX_FILE, or never ends, is refused without being read further.
        """
        if self.trouble:
            raise FileError(self.trouble)
        if self.path is None:
            return files.read_stdin()
        if os.path.isdir(self.path):
            raise UsageError("is a directory; use -r to go through it")
        return files.read(self.path)


@dataclass(frozen=True)
class Job:
    """One input and where its output goes."""

    source: Source
    target: Path | None
    """None is stdout."""
    force: bool = False
    in_folder: bool = False
    """The target lies in an output folder, which is made when it is missing."""
    skip_existing: bool = False
    """A target that is there counts as done."""

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def output(self) -> str:
        return STDIO if self.target is None else str(self.target)

    def check(self) -> None:
        """Raise FileError when the output cannot be written as things are; worth asking before long work.

        Raises Skipped instead when it is there and that is enough.
        """
        if self.source.trouble:
            raise FileError(self.source.trouble)
        if self.target is not None:
            if self.skip_existing and os.path.isfile(self.target):
                raise Skipped(self.output)
            files.check_target(self.target, force=self.force, made=self.in_folder)

    def write(self, data: bytes) -> None:
        """Write the output, whole or not at all; FileError says why not, Skipped that another has just written it."""
        if self.target is None:
            files.write_stdout(data)
        else:
            self.check()
            if self.in_folder:
                files.make_folder(self.target.parent)
            try:
                files.write(self.target, data, replace=self.force)
            except FileError:
                self.check()  # another process may have written it meanwhile
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
    """The inputs that the names of a command line stand for, in their order.

    With ``recursive`` a folder stands for every file in and below it that has one of the
    suffixes, sorted by name, except for pictures that lbic wrote there itself. A name that
    cannot be read is kept: it fails alone, when its turn comes. Raises UsageError for a folder
    in which nothing is found, for an empty name and for stdin named twice.
    """
    sources: list[Source] = []
    for name in names:
        if not name:
            raise UsageError("the name of an input is empty")
        folder = Path(name)
        if name != STDIO and recursive and os.path.isdir(folder):
            found = list(_search(folder, suffixes))
            if not found:
                but = f", but for {' and '.join(_OWN_PICTURES)}" if ".png" in suffixes else ""
                raise UsageError(f"{name} holds no file that ends with {' '.join(sorted(suffixes))}{but}")
            sources += found
        else:
            sources.append(Source(name))
    if sum(source.path is None for source in sources) > 1:
        raise UsageError("- (stdin) can be an input only once")
    return sources


def plan(sources: Sequence[Source], output: str | None, *, rename: Callable[[str], str], force: bool) -> list[Job]:
    """Decide the output of every input before any work is done.

    ``output`` is what -o was given: a file for one input, a folder for several (one that exists,
    ends with a separator, or is made), ``-`` for stdout, or None for names beside the inputs,
    derived by ``rename`` from the input's name. Raises UsageError when two inputs would be
    written to one file, when an output is an input, or when bytes would go to a terminal; FileError when stdout is
    closed.
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
    """Raise UsageError when an output is an input (even by another name) or two writers share one output.

    ``outputs`` are pairs of who writes, for the sentence, and where.
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
    """The inputs without those that are the same file as one before, whatever their names."""
    first: dict[object, Source] = {}
    for source in sources:
        first.setdefault(_identity(source.path), source)
    return list(first.values())


def _search(folder: Path, suffixes: frozenset[str]) -> Iterator[Source]:
    """The files, and the folders that cannot be searched: each of those fails alone."""
    refused: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=refused.append):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() in suffixes and not name.lower().endswith(_OWN_PICTURES):
                path = str(Path(parent, name))
                if os.path.isfile(path) or not os.path.exists(path):  # a pipe might never end; a dead link is told
                    yield Source(path, root=folder)
    for error in refused:
        yield Source(str(error.filename), folder, f"cannot be searched: {reason(error)}")


def _is_folder(output: str, sources: Sequence[Source]) -> bool:
    """Tell whether -o names a folder: it is one, is written as one, or has to hold more than one file."""
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
        # Only stdin among several inputs has no place of its own; it lands in the current folder.
        return source.path.parent / renamed.name if source.path else renamed
    return Path(output) / renamed if folder else Path(output)


def _identity(path: Path | None) -> object:
    """The same value for two names of one file, links and hard links included; None is stdin, which may be a file."""
    try:
        status = path.stat() if path else os.fstat(sys.stdin.fileno())
    except (OSError, ValueError, AttributeError):  # nothing there; stdin is closed, or no file at all
        return os.path.normcase(os.path.realpath(path)) if path else STDIO
    return (status.st_dev, status.st_ino) if path or stat.S_ISREG(status.st_mode) else STDIO
