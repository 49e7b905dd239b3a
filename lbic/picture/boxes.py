"""Boxes of ISO files: the colours that AVIF, HEIC and JPEG 2000 files state, and gain maps.

Sources: ISO/IEC 14496-12 (boxes, colr), ISO/IEC 23008-12 (pitm, iprp, ipma), ISO/IEC 15444-1,
annex I (JP2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction

from lbic.picture import cicp
from lbic.picture.cicp import Stated

_JP2_SRGB, _JP2_GRAY, _JP2_SYCC, _JP2_ROMM = 16, 17, 18, 21
_JP2_KNOWN = (0, 15, 12, 14, _JP2_SRGB, _JP2_GRAY, _JP2_SYCC)
"""EnumCS values that need nothing more: bilevel, CMYK and CIELab, which Pillow's mode shows, and
those of sRGB and gray."""
GAIN_MAPS = b"urn:com:apple:photo:2020:aux:hdrgainmap", b"urn:iso:std:iso:ts:21496:-1"


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, first content byte and end of the boxes in a range, up to a malformed one."""
    at, end = start, len(data) if end is None else end
    while at + 8 <= end:
        size, kind, body = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, body = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        stop = end if size == 0 else at + size
        if stop < body or stop > end:
            return
        yield kind, body, stop
        at = stop


def find(data: bytes, path: tuple[bytes, ...], start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Return the range of the content of the first box at a path, such as (meta, iprp, ipco)."""
    for kind, body, stop in boxes(data, start, end):
        if kind == path[0]:
            body += 4 if kind == b"meta" else 0  # version and flags
            return (body, stop) if len(path) == 1 else find(data, path[1:], body, stop)
    return None


def primary_properties(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return type and content of the properties of an AVIF or HEIC file's primary item."""
    pitm, ipco = find(data, (b"meta", b"pitm")), find(data, (b"meta", b"iprp", b"ipco"))
    if pitm is None or ipco is None:
        return []
    version = data[pitm[0]]
    item = int.from_bytes(data[pitm[0] + 4 : pitm[0] + (8 if version else 6)], "big")
    known = [(kind, data[body:stop]) for kind, body, stop in boxes(data, *ipco)]
    return [known[index - 1] for index in _associations(data, item) if 1 <= index <= len(known)]


def primary_item(data: bytes) -> bytes | None:
    """Return the content of an AVIF file's primary item, an AV1 image; None for other items."""
    pitm, iinf, iloc = (find(data, (b"meta", name)) for name in (b"pitm", b"iinf", b"iloc"))
    if pitm is None or iinf is None or iloc is None:
        return None
    item = int.from_bytes(data[pitm[0] + 4 : pitm[0] + (8 if data[pitm[0]] else 6)], "big")
    entries = boxes(data, iinf[0] + (8 if data[iinf[0]] else 6), iinf[1])
    kinds = {}
    for _, body, _ in entries:
        wide = data[body] == 3
        number = int.from_bytes(data[body + 4 : body + (8 if wide else 6)], "big")
        at = body + (10 if wide else 8)
        kinds[number] = data[at : at + 4]
    return _located(data, iloc, item) if kinds.get(item) == b"av01" else None


def _located(data: bytes, iloc: tuple[int, int], item: int) -> bytes | None:
    """Return an item's content by the box iloc (ISO/IEC 14496-12, 8.11.3); None if not found."""
    at = iloc[0]

    def number(size: int) -> int:
        nonlocal at
        at += size
        return int.from_bytes(data[at - size : at], "big")

    version = number(1)
    at += 3
    sizes = number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    for _ in range(number(4 if version == 2 else 2)):
        if at >= iloc[1]:
            return None
        identity = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        at += 2  # the number of the file; 0 is this one
        base, parts = number(base_size), []
        for _ in range(number(2)):
            if at >= iloc[1]:
                return None
            at += index_size
            offset, length = number(offset_size), number(length_size)
            parts.append((base + offset, length))
        if identity == item:
            start = 0
            if method == 1:  # in the box idat
                idat = find(data, (b"meta", b"idat"))
                if idat is None:
                    return None
                start = idat[0]
            elif method:
                return None
            return b"".join(data[start + offset : start + offset + length] for offset, length in parts)
    return None


def _associations(data: bytes, item: int) -> list[int]:
    """Return the numbers, from 1, of an item's properties (ipma)."""
    iprp = find(data, (b"meta", b"iprp"))
    for kind, body, _ in boxes(data, *iprp) if iprp else ():
        if kind != b"ipma":
            continue
        version, wide = data[body], data[body + 3] & 1
        count, at = int.from_bytes(data[body + 4 : body + 8], "big"), body + 8
        id_size, entry_size = (4 if version else 2), (2 if wide else 1)
        for _ in range(min(count, len(data))):
            number, at = int.from_bytes(data[at : at + id_size], "big"), at + id_size
            length, at = data[at] if at < len(data) else 0, at + 1
            if number == item:
                ends = range(at, at + length * entry_size, entry_size)
                mask = 0x7FFF if wide else 0x7F  # the top bit: must be understood
                return [int.from_bytes(data[each : each + entry_size], "big") & mask for each in ends]
            at += length * entry_size
            if at >= len(data):
                return []
    return []


def nclx(data: bytes, notes: list[str]) -> Stated | None:
    """Return the colours that an AVIF or HEIC file's nclx states for its primary item, or None.

    The range is not part of it: decoders return full range.
    """
    for kind, content in primary_properties(data):
        if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 11:
            primaries, transfer = (int.from_bytes(content[at : at + 2], "big") for at in (4, 6))
            if primaries == transfer == cicp.UNSPECIFIED:
                return None
            return cicp.from_numbers(primaries, transfer, notes)
    return None


def clean_aperture(data: bytes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the part of an AVIF file's primary item that is the picture (property clap), or None.

    ``size`` is the item's width and height in pixels; the result is left, top, right, bottom. A
    part that is not within the item, or between pixels, is ignored (ISO/IEC 14496-12, 12.1.4).
    """
    content = next((content for kind, content in primary_properties(data) if kind == b"clap"), b"")
    if len(content) < 32:
        return None
    values = struct.unpack(">IIIIiIiI", content[:32])
    if not all(values[1::2]):
        return None
    width, height, across, down = (Fraction(*values[at : at + 2]) for at in (0, 2, 4, 6))
    left, top = Fraction(size[0]) / 2 + across - width / 2, Fraction(size[1]) / 2 + down - height / 2
    edges = left, top, left + width, top + height
    if any(edge.denominator > 1 for edge in edges) or min(width, height) < 1:
        return None
    if min(left, top) < 0 or edges[2] > size[0] or edges[3] > size[1]:
        return None
    return int(edges[0]), int(edges[1]), int(edges[2]), int(edges[3])


def has_gain_map(data: bytes) -> bool:
    """Return whether an AVIF or HEIC file has a gain map for high dynamic range."""
    meta = find(data, (b"meta",))
    if meta is None:
        return False
    head = data[meta[0] : meta[1]]
    entries = find(data, (b"meta", b"iinf"))
    tmap = entries is not None and b"tmap" in data[entries[0] : entries[1]]
    return tmap or any(name in head for name in GAIN_MAPS)


def jp2_colours(data: bytes, notes: list[str]) -> tuple[bytes | None, Stated | None]:
    """Return a JP2 file's ICC profile and the colours that its first colr box states, or None."""
    header = find(data, (b"jp2h",))
    colr = find(data, (b"colr",), *header) if header else None
    if colr is None or colr[1] - colr[0] < 4:
        return None, None
    content = data[colr[0] : colr[1]]
    method, body = content[0], content[3:]
    if method in (2, 3):  # a restricted or any ICC profile
        return body, None
    if method == 5 and len(body) >= 6:  # code points of H.273
        primaries, transfer = (int.from_bytes(body[at : at + 2], "big") for at in (0, 2))
        return None, cicp.from_numbers(primaries, transfer, notes)
    space = int.from_bytes(body[:4], "big")
    if method == 1 and space == _JP2_ROMM:
        return None, Stated(cicp.PROPHOTO, gamma=1.8)
    if method != 1 or space not in _JP2_KNOWN:
        notes.append(f"the file states JPEG 2000's colour space {space}, unknown to lbic; read as sRGB")
    return None, None
