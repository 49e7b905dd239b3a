"""Inputs: the files, folders and streams that a command line names."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from lbic.errors import FileError, UsageError, reason
from lbic.system import descriptors, files

STDIO = "-"
"""The name of stdin as an input and of stdout as an output."""

COMPRESSED = frozenset({".lbic"})
"""The suffix of .lbic files in a folder that is searched."""

_OWN_PICTURES = (".lbic.png", ".enhanced.png")
"""Pictures that lbic itself wrote; a second search of a folder leaves them out."""

_LISTED = 5
"""The most suffixes that the note on left-out files names."""


@dataclass(frozen=True)
class Source:
    """An input: a file or a stream."""

    name: str
    """The name as the user wrote it, or below a folder that the user named; ``-`` is stdin."""
    root: Path | None = None
    """The folder that was searched and held the file; None for a file that the user named."""
    trouble: str | None = None
    """Why it cannot be read, if the search found out: a folder without permission."""
    prefix: Path = Path()
    """The folder of ``root``'s files in an output folder, where several folders are searched."""

    @cached_property
    def descriptor(self) -> int | None:
        """The open descriptor that the name stands for, 0 for stdin; None for a file."""
        return 0 if self.name == STDIO else descriptors.number(self.name)

    @property
    def path(self) -> Path | None:
        """The path of the file; None for a stream."""
        return None if self.descriptor is not None else Path(self.name)

    @property
    def place(self) -> Path:
        """The relative path in an output folder; sub-folders of a searched folder are kept."""
        path = self.path or Path(f"fd{self.descriptor}" if self.descriptor else "stdin")
        # "." and "/" have no name; ``read`` refuses directories.
        place = self.prefix / path.relative_to(self.root) if self.root else Path(path.name)
        return place if place.name else Path("folder")

    def read(self) -> bytes:
        """Return the whole content.

        Raises FileError if it cannot be read or is longer than limits.MAX_FILE, and UsageError for
        a directory. The message goes after the name: "NAME: is a directory".
        """
        if self.trouble:
            raise FileError(self.trouble)
        if self.name == STDIO:
            return files.read_stdin()
        if os.path.isdir(self.name):
            raise UsageError("is a directory; use -r to search it")
        return files.read(Path(self.name))


def expand(
    names: Iterable[str], *, recursive: bool, suffixes: frozenset[str], left_out: Counter[str] | None = None
) -> list[Source]:
    """Return the inputs that the names of a command line stand for, in their order.

    With ``recursive`` a folder stands for the files in and below it that have one of the suffixes,
    sorted by name, without the pictures that lbic wrote itself and without the side files ``._*``
    of macOS. ``left_out`` counts the other files by suffix. A name that cannot be read is kept and
    fails when its turn comes. Raises UsageError for a folder without such files, for an empty name
    and for a stream named twice.
    """
    names, sources = list(names), list[Source]()
    prefixes = _prefixes([name for name in names if recursive and name != STDIO and os.path.isdir(name)])
    for name in names:
        if not name:
            raise UsageError("the name of an input is empty")
        if name in prefixes:
            members = list(_search(Path(name), suffixes, Counter() if left_out is None else left_out))
            if not members:
                raise _nothing(name, suffixes, left_out)
            sources += [replace(member, prefix=prefixes[name]) for member in members]
        else:
            sources.append(Source(STDIO if descriptors.number(name) == 0 else name))
    streams = [source.descriptor for source in sources if source.descriptor is not None]
    for number in streams:
        if streams.count(number) > 1:
            raise UsageError(f"{'- (stdin)' if number == 0 else f'/dev/fd/{number}'} can be an input only once")
    return sources


def once(sources: Iterable[Source]) -> list[Source]:
    """Return the inputs without repetitions of a path; links of other names are other inputs."""
    first: dict[object, Source] = {}
    for source in sources:
        folder, name = os.path.split(source.name)
        key = source.descriptor if source.path is None else (os.path.realpath(folder), name)
        first.setdefault(key, source)
    return list(first.values())


def distinct(sources: Iterable[Source]) -> list[Source]:
    """Return the inputs without repetitions of a file under any of its names."""
    first: dict[object, Source] = {}
    for source in sources:
        first.setdefault(source_identity(source), source)
    return list(first.values())


def left_out_note(left_out: Counter[str]) -> str | None:
    """Return "12 other files left out: 10 .heic, 2 .mpo", most frequent first; None for none."""
    total = left_out.total()
    if not total:
        return None
    rows = sorted(left_out.items(), key=lambda row: (-row[1], row[0]))
    words = [f"{count:,} {suffix or 'without suffix'}" for suffix, count in rows[:_LISTED]]
    rest = total - sum(count for _, count in rows[:_LISTED])
    words += [f"{rest:,} of other kinds"] if rest else []
    return f"{total:,} other {'file' if total == 1 else 'files'} left out: {', '.join(words)}"


def source_identity(source: Source) -> object:
    """Return one value for all names of an input, links included."""
    return identity(source.path) if source.path else stream_identity(source.descriptor or 0)


def identity(path: Path) -> object:
    """Return one value for all names of a file, links included."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # there is no such file
        return os.path.normcase(os.path.realpath(path))
    return status.st_dev, status.st_ino


def stream_identity(descriptor: int) -> object:
    """Return the identity of the file behind a descriptor, or the number if there is none."""
    try:
        standard = {0: sys.stdin, 1: sys.stdout}.get(descriptor)
        status = os.fstat(standard.fileno() if standard else descriptor)
    except (OSError, ValueError, AttributeError):  # closed or not a file
        return descriptor
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else descriptor


def _search(folder: Path, suffixes: frozenset[str], left_out: Counter[str]) -> Iterator[Source]:
    """Yield the files in a folder, then the folders that cannot be searched."""
    refused: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=refused.append):
        folders.sort()
        for name in sorted(names):
            suffix, path = Path(name).suffix.lower(), str(Path(parent, name))
            if name.startswith("._") or name.lower().endswith(_OWN_PICTURES):
                continue
            if suffix not in suffixes:
                # Hidden files and lbic's own are no loss.
                if suffix not in COMPRESSED and not name.startswith("."):
                    left_out[suffix] += 1
            # No pipes, which might never end; a dead link is kept and fails later.
            elif os.path.isfile(path) or not os.path.exists(path):
                yield Source(path, root=folder)
    for error in refused:
        yield Source(str(error.filename), folder, f"cannot be searched: {reason(error)}")


def _nothing(name: str, suffixes: frozenset[str], left_out: Counter[str] | None) -> UsageError:
    """Return the error for a folder without files of these suffixes."""
    pictures = ".png" in suffixes
    but = f" (except {' and '.join(_OWN_PICTURES)})" if pictures else ""
    note = left_out_note(left_out or Counter()) if pictures else None
    return UsageError(
        f"{name} holds no file that ends with {' '.join(sorted(suffixes))}{but}{f'; {note}' if note else ''}"
    )


def _prefixes(folders: list[str]) -> dict[str, Path]:
    """Return the place of each searched folder in an output folder.

    A single folder's files go directly into it. Several get sub-folders of their names; where two
    have one name, of their paths below the folder that holds them all.
    """
    real = {name: os.path.realpath(name) for name in folders}
    if len(set(real.values())) < 2:
        return dict.fromkeys(folders, Path())
    names = {name: Path(Path(path).name) for name, path in real.items()}
    if len(set(names.values())) == len(set(real.values())):
        return names
    try:
        common = os.path.commonpath(real.values())
    except ValueError:  # several drives of Windows
        return names
    return {name: Path(os.path.relpath(path, common)) for name, path in real.items()}
