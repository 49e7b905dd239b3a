"""``lbic train pack``: put pictures and their streams in tar files for another machine.

Unpack the parts in one folder there. ``lbic train prepare`` then finds all streams and only
decodes them: it needs PyAV, whose wheel the pack can hold, but no encoder.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lbic.errors import FileError, UsageError
from lbic.train.prepare import pictures

_BLOCK = 512
"""Bytes of a tar header; tar pads contents to a multiple of it."""
_END = 20 * _BLOCK
"""Most bytes after the last entry: tarfile pads an archive to a multiple of 20 blocks."""
_NAME = 100
"""Longest name in bytes that fits in a header. A longer name is an entry of its own."""


@dataclass(frozen=True)
class Item:
    """A file of a pack."""

    path: Path
    """The file on this machine."""
    name: str
    """Its name in the pack."""

    @property
    def size(self) -> int:
        """Bytes that the file takes in a part, headers included."""
        name = len(self.name.encode()) + 1
        return _size(self.path.stat().st_size) + (_size(name) if name > _NAME else 0)


def _size(contents: int) -> int:
    """Return the bytes of a tar entry: a header and the padded contents."""
    return _BLOCK - (-contents // _BLOCK) * _BLOCK


def items(folder: Path, data: Path, also: Iterable[Path]) -> list[Item]:
    """List what a pack holds.

    These are the pictures of ``folder``, their streams in the prepared folder ``data``, and the
    files ``also``. Raises FileError if there are no streams or no pictures.
    """
    streams = sorted((data / "streams").glob("*.lbic"))
    if not streams:
        raise FileError(f"{data}: holds no streams (see lbic train prepare)")
    return [
        *(Item(path, f"pictures/{path.relative_to(folder)}") for path in pictures(folder)),
        *(Item(path, f"data/streams/{path.name}") for path in streams),
        *(Item(path, f"also/{path.name}") for path in also),
    ]


def pack(contents: Iterable[Item], folder: Path, limit: int) -> list[Path]:
    """Write part-01.tar, part-02.tar, ... of at most ``limit`` bytes each and return their paths.

    Raises UsageError if a file is too large for a part, or if ``folder`` already holds parts: they
    would be mistaken for parts of this pack.
    """
    if any(folder.glob("part-*.tar")):
        raise UsageError(f"{folder}: already holds part-*.tar files of another pack")
    groups: list[list[Item]] = [[]]
    room = limit - _END
    for item in contents:
        if item.size > limit - _END:
            raise UsageError(f"{item.path}: its {item.size:,} bytes do not fit in a part of {limit:,} bytes")
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
    """Remove the owner: it means nothing on another machine."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
