"""Payload form 2: a JPEG stream without what the decoder can write itself (docs/format.md, "Payload form 2").

Size, quality and kind of picture decide the quantisation tables and all headers of a stream that libjpeg writes; the
Huffman tables of a baseline stream may be the standard's own. What is left are other Huffman tables and the scans. A
stream that would not come back bit for bit is stored whole.
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
"""The first byte: baseline with tables of its own, baseline with the standard's, progressive with tables of its own."""
_SOI, _SOF0, _SOF2, _DHT, _EOI, _SOS, _DQT, _APP0 = 0xD8, 0xC0, 0xC2, 0xC4, 0xD9, 0xDA, 0xDB, 0xE0
_JFIF = bytes.fromhex("4a46494600010100000100010000")
"""JFIF 1.01, pixels as wide as high, no thumbnail."""
_COUNTS = 16
_BEFORE_TABLE = 5  # marker, length, class and destination
_ZIGZAG = tuple(
    sorted(range(64), key=lambda at: (at // 8 + at % 8, at // 8 if (at // 8 + at % 8) % 2 else at % 8)),
)
"""The places of coefficients, row by row, in the order of T.81 Figure A.6: along diagonals, up and down in turns."""
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
"""ITU-T T.81, Tables K.3 to K.6, by class and destination: how many codes of each length, then their symbols."""


@dataclass(frozen=True)
class Scan:
    """A scan's components (0 luma), its band of coefficients, its bits, and the Huffman tables before it."""

    components: tuple[int, ...]
    band: tuple[int, int]
    bits: int
    tables: tuple[int, ...]


def shorten(stream: bytes, geometry: Geometry, quality: int) -> bytes | None:
    """The payload for a stream; None when it would not come back bit for bit."""
    for kind in (STANDARD, BASELINE, PROGRESSIVE):
        payload = _take_apart(stream, kind, geometry, quality)
        if payload is not None:
            return payload
    return None


def restore(payload: bytes, geometry: Geometry, quality: int) -> bytes:
    """The standard stream of a payload; FormatError when it is damaged."""
    if not payload or payload[0] > PROGRESSIVE or quality not in QUALITIES:
        raise FormatError("the payload is no JPEG stream that this lbic knows")
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


def _take_apart(stream: bytes, kind: int, geometry: Geometry, quality: int) -> bytes | None:
    """The payload of one kind, if the stream is of that kind."""
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
            return None  # of another kind
        if scan is not scans[-1]:
            payload += varint.write(end - at)
        payload += stream[at:end]
        at = end
    try:
        return payload if restore(payload, geometry, quality) == stream else None
    except FormatError:
        return None


def _headers(kind: int, geometry: Geometry, quality: int) -> bytes:
    """Everything before the first scan but its Huffman tables."""
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
    """libjpeg's scans (jcparam.c, jpeg_simple_progression) with the tables that it writes before each."""
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
    """Where the marker segment at an offset ends; its own offset where there is none."""
    return at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")


def _scan_end(stream: bytes, at: int) -> int:
    """Where the entropy-coded data at an offset ends: at the next marker."""
    while (at := stream.find(b"\xff", at)) >= 0 and stream[at + 1 : at + 2] == b"\x00":
        at += 2
    return at if at >= 0 else len(stream)


def _table_end(payload: bytes, at: int) -> int:
    counts = payload[at : at + _COUNTS]
    end = at + _COUNTS + sum(counts)
    if len(counts) < _COUNTS or end > len(payload):
        raise FormatError(f"the payload ends inside a Huffman table, after {len(payload)} bytes")
    return end
