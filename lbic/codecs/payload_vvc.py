"""Payload form 1: a VVC stream without the parts that the decoder can rebuild.

The parameter sets of a single picture depend only on the encoder's settings and the coded size,
and take some 50 bytes of a file of a few thousand. This module lists the sets of known encoders
for a picture of 64x64. A stream with one of these sets is stored as its number and the picture
data (docs/format.md, "Payload form 1"). A stream that cannot be rebuilt bit for bit is stored
whole.
"""

from __future__ import annotations

from typing import NamedTuple

from lbic.codecs.bitstream import NAL_PPS, NAL_SPS, resized, split, with_initial_qp
from lbic.errors import FormatError
from lbic.format import varint

_LONG, _SHORT = b"\x00\x00\x00\x01", b"\x00\x00\x01"
_APS, _SLICE = b"\x00\x89", b"\x00\x41"
"""NAL unit headers of PREFIX_APS_NUT and IDR_N_LP in layer 0, temporal sublayer 0."""
_MAX_APS = 3
_HEADER = 2
_QPS = range(64)


class ParameterSets(NamedTuple):
    """The parameter sets of an encoder for pictures of 64x64."""

    sps: bytes
    """Sequence parameter set, a NAL unit."""
    pps: bytes
    """Picture parameter set, a NAL unit."""
    holds_qp: bool = False
    """The initial QP in ``pps`` is the file's quality."""


_SPS = (
    "0079000b0266800080820411a80fffd6109b2b182041382a86608ce208",
    "0079000b0266800080820411a80fd109a293de709b2b182041382afbd2ec567204",
    "0079000d0266800080820411a80fa6dd32348a4de709b2b182041382affd2ecbfce408",
    "0079000d0266800080820411a80fa23744234ca4c99c26cac608104e0abffeef93f39020",
    "0079000d0266800080820411a80fa23744234ca4c9dc26cac608104e0abffeef93f39020",
)
"""libvvenc 1.15, 4:2:0, presets faster to slower."""
_PPS = ("0081000041020898729404", *4 * ("00810000410208987296c080",))
"""Of the same encoder, with chroma QP offsets of -2."""
_PERCEPTUAL_PPS = ("0081000041020898729504", *4 * ("00810000410208987296e080",))
"""Of the same encoder in its perceptual mode, with chroma QP offsets of -2."""
_PLAIN_PPS = ("00810000410208986082", *4 * ("00810000410208987ec080",))
"""Of the same encoder, without chroma QP offsets. The first has one bit too many and no encoder
writes it; row 15 has the correct one."""
_GRAY_SPS = (
    "007900030266800080820411a80ffeb182a866087104",
    "007900030266800080820411a80fd109ef382afbd2ec539020",
    "007900050266800080820411a80fa6da4526f382affd2ecbf72040",
    "007900050266800080820411a80fa236994993382afffbbe4f7204",
    "007900050266800080820411a80fa236994993b82afffbbe4f7204",
)
"""libvvenc 1.15, 4:0:0, presets faster to slower."""
_BARE_PPS = "00810000410208986080"
"""Of libvvenc without chroma QP offsets: for 4:0:0, and for 4:2:0 at preset faster."""
_VTM = (
    ("0079000d0266800040410208d407d11ba211a214991b84d8a3150c1be1571fc1f91020", "00810000410208a420059ec85165165162"),
    ("007900050266800040410208d407d11b44293237855c7f07a204", "00810000410208a42005885162"),
)
"""VTM 23.13, all-intra configuration, 4:2:0 and 4:0:0, at QP 37."""
KNOWN = tuple(
    ParameterSets(bytes.fromhex(sps), bytes.fromhex(pps), (sps, pps) in _VTM)
    for sps, pps in (
        *zip(_SPS, _PPS, strict=True),
        *zip(_SPS, _PLAIN_PPS, strict=True),
        *((sps, _BARE_PPS) for sps in (*_GRAY_SPS, _SPS[0])),
        *_VTM,
        *zip(_SPS, _PERCEPTUAL_PPS, strict=True),
    )
)
"""The parameter sets by the number in the payload. Rows are never changed, only appended."""


def shorten(stream: bytes, width: int, height: int, qp: int) -> bytes | None:
    """Return the payload for a stream, or None if it could not be restored bit for bit.

    ``width`` and ``height`` are the coded size, ``qp`` is the file's quality.
    """
    units = [unit.removesuffix(b"\x00") for unit in split(stream)]
    if len(units) < 3 or [unit[1] >> 3 for unit in units[:2] if len(unit) > _HEADER] != [NAL_SPS, NAL_PPS]:
        return None
    *aps, picture = units[2:]
    number = next((n for n in range(len(KNOWN)) if _sets(n, width, height, qp) == tuple(units[:2])), None)
    if number is None or len(aps) > _MAX_APS:
        return None
    payload = bytes([number << 2 | len(aps)])
    payload += b"".join(varint.write(len(unit) - _HEADER) + unit[_HEADER:] for unit in aps) + picture[_HEADER:]
    return payload if restore(payload, width, height, qp) == stream else None


def restore(payload: bytes, width: int, height: int, qp: int) -> bytes:
    """Return the VVC stream of a payload.

    Raises FormatError if the payload is damaged or needs parameter sets that this version of lbic
    does not have.
    """
    if not payload:
        raise FormatError("there is no codec stream after the header")
    number, count = payload[0] >> 2, payload[0] & _MAX_APS
    if number >= len(KNOWN):
        raise FormatError(f"parameter sets {number} are unknown to this lbic; upgrade lbic")
    if KNOWN[number].holds_qp and qp not in _QPS:
        raise FormatError(f"quality {qp} is not a QP")
    stream = b"".join(_LONG + unit for unit in _sets(number, width, height, qp))
    at = 1
    for _ in range(count):
        size, at = varint.read(payload, at, "payload")
        stream += _LONG + _APS + payload[at : at + size]
        at += size
    if at >= len(payload):
        raise FormatError(f"the payload ends before its picture, after {len(payload)} bytes")
    return stream + _SHORT + _SLICE + payload[at:]


def _sets(number: int, width: int, height: int, qp: int) -> tuple[bytes, bytes]:
    known = KNOWN[number]
    sps, pps = (resized(unit, width, height) for unit in (known.sps, known.pps))
    return sps, with_initial_qp(pps, qp) if known.holds_qp else pps
