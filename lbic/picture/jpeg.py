"""The structure of a JPEG file: its markers and its end (Rec. ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SOI, EOI, SOS = b"\xff\xd8", b"\xff\xd9", 0xDA
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
"""The codes of SOFn."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""The codes of markers without a segment, apart from SOI and EOI: TEM and RSTn."""
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
