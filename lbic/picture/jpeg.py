"""The structure of a JPEG file: its markers and its end (Rec. ITU-T T.81, annex B)."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field

from PIL import Image, ImageChops

SOI, EOI, SOS = b"\xff\xd8", b"\xff\xd9", 0xDA
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7})
"""The codes of SOFn, and of JPEG-LS (T.87)."""
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
"""The codes of the Huffman-coded processes that libjpeg decodes."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""The codes of markers without a segment, apart from SOI and EOI: TEM and RSTn."""
_PROBE = bytes((index * index * 73 + index * 41 + 89) % 251 for index in range(300))
"""Bytes that no decoder takes for the end of a scan."""
_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
"""A marker that ends entropy-coded data: neither a stuffed byte nor RSTn."""


@dataclass
class Structure:
    """The markers of a JPEG file's first picture."""

    precision: int = 8
    """Bits per sample."""
    process: int = 0xC0
    """The frame's marker code, SOFn: 0xC0 baseline, 0xC2 progressive, 0xC3 lossless."""
    scans: list[bytes] = field(default_factory=list)
    """The content of each scan's header, SOS."""
    components: list[int] = field(default_factory=list)
    """The identifiers of the frame's components."""
    end: int | None = None
    """Offset after the marker EOI; None if it is missing."""


def structure(data: bytes) -> Structure | None:
    """Return the markers of a JPEG file up to EOI or a cut; None for other data."""
    if not data.startswith(SOI):
        return None
    result, at = Structure(), 2
    while at + 2 <= len(data):
        if data[at] != 0xFF:
            at += 1  # as decoders do: look for the next marker
            continue
        code = data[at + 1]
        if code == 0xFF:
            at += 1
            continue
        at += 2
        if code == EOI[1]:
            result.end = at
            return result
        if code in _ALONE or code in (0x00, SOI[1]):
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        content = data[at + 2 : at + length]
        if len(content) != length - 2:
            return result
        at += length
        if code in _FRAMES and len(content) >= 6:
            result.process, result.precision = code, content[0]
            result.components = list(content[6 : 6 + 3 * content[5] : 3])
        elif code == SOS:
            result.scans.append(content)
            marker = _AFTER_SCAN.search(data, at)
            at = len(data) if marker is None else marker.end() - 2
    return result


def completed(data: bytes, markers: Structure) -> bytes | None:
    """Add the missing end marker to a JPEG file; return None if blocks are missing too.

    Cameras write such files when they are switched off. ``markers`` is the file's structure.
    """
    if not _all_scanned(markers):
        return None
    body = data.removesuffix(b"\xff")
    return body + EOI if _is_scan_complete(body) else None


def has_all_blocks(data: bytes, markers: Structure) -> bool:
    """Return whether no block is missing before the end marker; true for arithmetic coding.

    A cut file may have got an end marker later. Decoders fill the rest of the picture silently.
    The last scan is looked at in an eighth of the size.
    """
    if markers.end is None or markers.process not in (*_SEQUENTIAL, _PROGRESSIVE):
        return True
    return _all_scanned(markers) and _is_scan_complete(data[: markers.end - len(EOI)], reduced=True)


def _is_scan_complete(body: bytes, *, reduced: bool = False) -> bool:
    """Return whether a JPEG file without its end has all blocks of its last scan.

    If a block is missing, decoders take it from the bytes that follow. So the picture changes with
    them.
    """
    pictures = [_decoded(body + rest + EOI, reduced) for rest in (b"", _PROBE)]
    return ImageChops.difference(*pictures).getbbox() is None


def _decoded(data: bytes, reduced: bool) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    if reduced:
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
    image.load()
    return image


def _all_scanned(markers: Structure) -> bool:
    """Return whether the scans cover all components, coefficients and bits (T.81, annex G)."""
    if markers.process in _SEQUENTIAL:
        seen = {part for scan in markers.scans for part in scan[1 : 1 + 2 * scan[0] : 2]}
        return bool(seen) and seen >= set(markers.components)
    if markers.process != _PROGRESSIVE:
        return False
    missing = {(part, index): 1 for part in markers.components for index in range(64)}
    for scan in markers.scans:
        first, last, low_bit = scan[-3], scan[-2], scan[-1] & 15
        for part in scan[1 : 1 + 2 * scan[0] : 2]:
            missing |= {(part, index): low_bit for index in range(first, last + 1)}
    return bool(missing) and not any(missing.values())
