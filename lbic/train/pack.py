"""``lbic train pack``: pictures and their streams in tar files small enough to carry to a machine with a GPU.

There they are unpacked side by side, and ``lbic train prepare`` finds every stream made: it needs only PyAV to decode
them (its wheel may travel along), no encoder.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lbic.errors import FileError, UsageError
from lbic.train.prepare import pictures

_BLOCK = 512  # tar's unit: a header, and contents rounded up to it
_END = 20 * _BLOCK
_NAME = 100  # bytes of a name that fit in a header; longer ones have a header and contents of their own


@dataclass(frozen=True)
class Item:
    """A file and its name in the pack."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        """Bytes that the file takes in a tar file."""
        name = len(self.name.encode()) + 1
        return _size(self.path.stat().st_size) + (_size(name) if name > _NAME else 0)


def _size(contents: int) -> int:
    """A header and contents of so many bytes."""
    return _BLOCK - (-contents // _BLOCK) * _BLOCK


def items(folder: Path, data: Path, also: Iterable[Path]) -> list[Item]:
    """What a pack holds: the pictures of a folder, the streams of its prepared folder, and other files.

    FileError when there are no streams.
    """
    streams = sorted((data / "streams").glob("*.lbic"))
    if not streams:
        raise FileError(f"{data}: no streams there; lbic train prepare makes them")
    return [
        *(Item(path, f"pictures/{path.relative_to(folder)}") for path in pictures(folder)),
        *(Item(path, f"data/streams/{path.name}") for path in streams),
        *(Item(path, f"also/{path.name}") for path in also),
    ]


def pack(wanted: Iterable[Item], folder: Path, limit: int) -> list[Path]:
    """Fill part-01.tar, part-02.tar, ... of at most ``limit`` bytes each, in order; returns the parts.

    Raises UsageError for a file that fits in no part, and for a folder that has parts already, which would be taken
    for parts of this pack.
    """
    if any(folder.glob("part-*.tar")):
        raise UsageError(f"{folder}: there are parts already; name another folder")
    groups: list[list[Item]] = [[]]
    room = limit - _END
    for item in wanted:
        if item.size > limit - _END:
            raise UsageError(f"{item.path}: {item.size:,} bytes do not fit in a part of {limit:,}")
        if item.size > room:
            groups.append([])
            room = limit - _END
        groups[-1].append(item)
        room -= item.size
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / f"part-{number:02}.tar", group) for number, group in enumerate(groups, start=1)]


def _write(path: Path, group: list[Item]) -> Path:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, dereference=True) as archive:
        for item in group:
            archive.add(item.path, item.name, recursive=False, filter=_ownerless)
    return path


def _ownerless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose the file is means nothing on another machine."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
