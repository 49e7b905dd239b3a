"""``lbic train pack``: pictures and their streams in tar files small enough to carry to a machine with a GPU.

There they are unpacked side by side, and ``lbic train prepare`` finds every stream made: it needs only PyAV to decode
them (its wheel may travel along), no encoder.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lbic.errors import UsageError
from lbic.train.prepare import pictures

_BLOCK = 512  # tar's unit: a header, and contents rounded up to it
_END = 20 * _BLOCK


@dataclass(frozen=True)
class Item:
    """A file and its name in the pack."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        """Bytes that the file takes in a tar file."""
        return _BLOCK + -(-self.path.stat().st_size // _BLOCK) * _BLOCK


def items(folder: Path, data: Path, also: Iterable[Path]) -> list[Item]:
    """What a pack holds: the pictures of a folder, the streams of its prepared folder, and other files."""
    return [
        *(Item(path, f"pictures/{path.relative_to(folder)}") for path in pictures(folder)),
        *(Item(path, f"data/streams/{path.name}") for path in sorted((data / "streams").glob("*.lbic"))),
        *(Item(path, f"also/{path.name}") for path in also),
    ]


def pack(wanted: Iterable[Item], folder: Path, limit: int) -> list[Path]:
    """Fill part-01.tar, part-02.tar, ... of at most ``limit`` bytes each, in order; returns the parts.

    Raises UsageError for a file that fits in no part.
    """
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
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for item in group:
            archive.add(item.path, item.name, recursive=False)
    return path
