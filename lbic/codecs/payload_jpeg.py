"""Payload form 2: a JPEG stream without the parts that the decoder can rebuild.

Size, quality and gray or colour determine the quantisation tables and all headers that libjpeg
writes. A baseline stream may use the standard's Huffman tables. The payload has the other Huffman
tables and the scans (docs/format.md, "Payload form 2"). A stream that cannot be rebuilt bit for
bit is stored whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lbic.codecs.base import Geometry
from lbic.codecs.jpegquality import CHROMA, LUMA, QUALITIES, table
from lbic.errors import FormatError
from lbic.format import varint

BASELINE, STANDARD, PROGRESSIVE = 0, 1, 2
"""The first byte of a payload: baseline with optimised tables, baseline with the standard's
tables, progressive with optimised tables."""
_SOI, _SOF0, _SOF2, _DHT, _EOI, _SOS, _DQT, _APP0 = 0xD8, 0xC0, 0xC2, 0xC4, 0xD9, 0xDA, 0xDB, 0xE0
_JFIF = bytes.fromhex("4a46494600010100000100010000")
"""JFIF 1.01, square pixels, no thumbnail."""
_COUNTS = 16
_BEFORE_TABLE = 5  # marker, length, class and destination
_ZIGZAG = tuple(
    sorted(range(64), key=lambda at: (at // 8 + at % 8, at // 8 if (at // 8 + at % 8) % 2 else at % 8)),
)
"""Row-by-row positions of the coefficients in zigzag order (T.81, Figure A.6)."""
_STANDARD = {
    0x00: "00010501010101010100000000000000" + bytes(range(12)).hex(),
    0x01: "00030101010101010101010000000000" + bytes(range(12)).hex(),
    0x10: (
        "0002010303020403050504040000017d010203000411051221314106135161072271143281"
        "91a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a43"
        "4445464748494a535455565758595a636465666768696a737475767778797a838485868788"
        "898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9"
        "cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
    0x11: (
        "0002010204040304070504040001027700010203110405213106124151076171132232810814"
        "4291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a4344"
        "45464748494a535455565758595a636465666768696a737475767778797a8283848586878889"
        "8a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2"
        "d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
    ),
}
"""The Huffman tables K.3 to K.6 of ITU-T T.81 by class and destination: the number of codes of
each length, then their symbols."""


@dataclass(frozen=True)
class Scan:
    """One scan of a JPEG stream."""

    components: tuple[int, ...]
    """0 is luma, 1 and 2 are chroma."""
    band: tuple[int, int]
    """First and last coefficient, in zigzag order."""
    bits: int
    """Successive approximation, high and low bit position (T.81, B.2.3)."""
    tables: tuple[int, ...]
    """Class and destination of the Huffman tables that precede the scan."""


def shorten(stream: bytes, geometry: Geometry, quality: int) -> bytes | None:
    """Return the payload for a stream, or None if it could not be restored bit for bit."""
    for kind in (STANDARD, BASELINE, PROGRESSIVE):
        payload = _payload_of_kind(stream, kind, geometry, quality)
        if payload is not None:
            return payload
    return None


def restore(payload: bytes, geometry: Geometry, quality: int) -> bytes:
    """Return the JPEG stream of a payload. Raises FormatError if the payload is damaged."""
    if not payload or payload[0] > PROGRESSIVE or quality not in QUALITIES:
        raise FormatError("the payload is not a JPEG stream of a known kind")
    kind, at = payload[0], 1
    scans = list(_scans(kind, geometry))
    stream = _headers(kind, geometry, quality)
    for scan in scans:
        for number in scan.tables:
            end = at if kind == STANDARD else _table_end(payload, at)
            stream += _segment(_DHT, bytes([number]) + (payload[at:end] or bytes.fromhex(_STANDARD[number])))
            at = end
        size = len(payload) - at
        if scan is not scans[-1]:
            size, at = varint.read(payload, at, "payload")
        if not 0 < size <= len(payload) - at:
            raise FormatError(f"the payload ends inside a scan, after {len(payload)} bytes")
        stream += _scan_header(scan, kind) + payload[at : at + size]
        at += size
    return stream + bytes([0xFF, _EOI])


def _payload_of_kind(stream: bytes, kind: int, geometry: Geometry, quality: int) -> bytes | None:
    """Return the payload if the stream is of this kind, else None."""
    headers = _headers(kind, geometry, quality)
    scans = list(_scans(kind, geometry))
    payload, at = bytes([kind]), len(headers)
    for scan in scans:
        for _ in scan.tables:
            end = _segment_end(stream, at)
            if kind != STANDARD:
                payload += stream[at + _BEFORE_TABLE : end]
            at = end
        at += len(_scan_header(scan, kind))
        end = len(stream) - 2 if scan is scans[-1] else _scan_end(stream, at)
        if end <= at:
            return None  # another kind
        if scan is not scans[-1]:
            payload += varint.write(end - at)
        payload += stream[at:end]
        at = end
    try:
        return payload if restore(payload, geometry, quality) == stream else None
    except FormatError:
        return None


def _headers(kind: int, geometry: Geometry, quality: int) -> bytes:
    """Return all segments before the first scan except its Huffman tables."""
    tables = [LUMA] if geometry.gray else [LUMA, CHROMA]
    sampling = [0x22] if geometry.gray else [0x22, 0x11, 0x11]
    frame = struct.pack(">BHHB", 8, geometry.height, geometry.width, len(sampling))
    frame += b"".join(bytes([index + 1, factor, min(index, 1)]) for index, factor in enumerate(sampling))
    parts = [bytes([0xFF, _SOI]), _segment(_APP0, _JFIF)]
    for index, base in enumerate(tables):
        steps = table(base, quality)
        parts.append(_segment(_DQT, bytes([index, *(int(steps[at]) for at in _ZIGZAG)])))
    return b"".join([*parts, _segment(_SOF2 if kind == PROGRESSIVE else _SOF0, frame)])


def _scans(kind: int, geometry: Geometry) -> Iterator[Scan]:
    """Yield libjpeg's scans (jcparam.c, jpeg_simple_progression)."""
    everything = (0,) if geometry.gray else (0, 1, 2)
    if kind != PROGRESSIVE:
        tables = (0x00, 0x10) if geometry.gray else (0x00, 0x10, 0x01, 0x11)
        yield Scan(everything, (0, 63), 0, tables)
        return
    yield Scan(everything, (0, 0), 0x01, (0x00,) if geometry.gray else (0x00, 0x01))
    yield Scan((0,), (1, 5), 0x02, (0x10,))
    chroma = () if geometry.gray else (2, 1)
    for component in chroma:
        yield Scan((component,), (1, 63), 0x01, (0x11,))
    yield Scan((0,), (6, 63), 0x02, (0x10,))
    yield Scan((0,), (1, 63), 0x21, (0x10,))
    yield Scan(everything, (0, 0), 0x10, ())
    for component in chroma:
        yield Scan((component,), (1, 63), 0x10, (0x11,))
    yield Scan((0,), (1, 63), 0x10, (0x10,))


def _scan_header(scan: Scan, kind: int) -> bytes:
    content = bytes([len(scan.components)])
    for component in scan.components:
        number = min(component, 1)
        dc, ac = number, number
        if kind == PROGRESSIVE:
            dc, ac = (0 if scan.bits == 0x10 else number, 0) if scan.band == (0, 0) else (0, number)
        content += bytes([component + 1, dc << 4 | ac])
    return _segment(_SOS, content + bytes([*scan.band, scan.bits]))


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _segment_end(stream: bytes, at: int) -> int:
    """Return the end of the marker segment at an offset, from the length in the stream."""
    return at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")


def _scan_end(stream: bytes, at: int) -> int:
    """Return the end of the entropy-coded data at an offset: the next marker."""
    while (at := stream.find(b"\xff", at)) >= 0 and stream[at + 1 : at + 2] == b"\x00":
        at += 2
    return at if at >= 0 else len(stream)


def _table_end(payload: bytes, at: int) -> int:
    counts = payload[at : at + _COUNTS]
    end = at + _COUNTS + sum(counts)
    if len(counts) < _COUNTS or end > len(payload):
        raise FormatError(f"the payload ends inside a Huffman table, after {len(payload)} bytes")
    return end
