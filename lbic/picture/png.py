"""The chunks of a PNG file: colour, and damage outside of the picture (PNG, third edition)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lbic.errors import printable
from lbic.picture import cicp
from lbic.picture.cicp import Stated

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"})
"""The chunks that make the picture, and those of an animation, which is refused."""
_MOST_NAMES = 20
_LOOKS = frozenset({b"tRNS", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf"})
"""The ancillary chunks that change how the picture looks."""


@dataclass(frozen=True)
class Chunk:
    """One chunk of a PNG file."""

    name: bytes
    """Its four letters."""
    start: int
    """Offset of its length field in the file."""
    data: bytes
    """Its content."""
    intact: bool
    """Whether its CRC is right."""

    @property
    def end(self) -> int:
        """Offset of the byte after its CRC."""
        return self.start + 12 + len(self.data)


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks of a PNG file up to a cut; image data (IDAT, fdAT) come without content.

    The CRC of image data is left to the decoder.
    """
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if at + 12 + length > len(data):
            return
        if name in (b"IDAT", b"fdAT"):
            at += 12 + length
            continue
        content = data[at + 8 : at + 8 + length]
        stated = int.from_bytes(data[at + 8 + length : at + 12 + length], "big")
        yield Chunk(name, at, content, zlib.crc32(content, zlib.crc32(name)) == stated)
        at += 12 + length


def without_damage(data: bytes, notes: list[str]) -> bytes:
    """Return a PNG file without those ancillary chunks whose CRC is wrong, with a note."""
    damaged = [chunk for chunk in chunks(data) if not chunk.intact and chunk.name not in _CRITICAL]
    return _without(data, damaged, notes) if damaged else data


def without_ancillary(data: bytes) -> Iterator[tuple[bytes, list[str]]]:
    """Yield copies of a PNG file without some of its ancillary chunks, each with its notes.

    They are tried if Pillow refuses a file. First each kind of chunk is left out alone, then
    several kinds; those that change how the picture looks come last.
    """
    extra = [chunk for chunk in chunks(data) if chunk.name not in _CRITICAL]
    names = sorted({chunk.name for chunk in extra}, key=lambda name: name in _LOOKS)[:_MOST_NAMES]
    for left_out in (*({name} for name in names), {*names} - _LOOKS, {*names} - {b"tRNS"}):
        if left_out:
            notes: list[str] = []
            yield _without(data, [chunk for chunk in extra if chunk.name in left_out], notes), notes


def _without(data: bytes, left_out: list[Chunk], notes: list[str]) -> bytes:
    names = sorted({printable(chunk.name.decode("latin-1")) for chunk in left_out})
    notes += [f"the PNG chunk {name} cannot be read and was left out" for name in names]
    parts, at = [], 0
    for chunk in left_out:
        parts.append(data[at : chunk.start])
        at = chunk.end
    return b"".join([*parts, data[at:]])


def cicp_chunk(data: bytes, notes: list[str]) -> Stated | None:
    """Return the colours that the chunk cICP states, which overrides a profile; else None."""
    content = next((chunk.data for chunk in chunks(data) if chunk.name == b"cICP"), None)
    if content is None:
        return None
    if len(content) != 4 or content[2] != 0:  # the matrix must be the identity: samples are RGB
        notes.append("the chunk cICP is invalid and was ignored")
        return None
    return cicp.from_numbers(content[0], content[1], notes, full_range=content[3] != 0)


def from_info(info: dict[str | tuple[int, int], object], notes: list[str]) -> Stated | None:
    """Return the colours that gAMA and cHRM state, as Pillow keeps them in ``info``; else None.

    The chunk sRGB overrides them.
    """
    gamma, points = info.get("gamma"), info.get("chromaticity")
    if "srgb" in info or (gamma is None and points is None):
        return None
    primaries = cicp.SRGB
    if isinstance(points, tuple) and len(points) == 8:
        stated = (*points[2:], *points[:2])  # the chunk begins with white
        if cicp.is_valid(stated):
            primaries = stated
        else:
            notes.append("the chunk cHRM is invalid and was ignored")
    if not isinstance(gamma, float) or not 0.01 <= gamma <= 10:
        return Stated(primaries)
    if cicp.near(primaries, cicp.SRGB) and cicp.is_usual_gamma(1 / gamma):
        return Stated()  # sRGB's curve is written as the exponent 1 / 0.45455
    return Stated(primaries, gamma=1 / gamma)
