"""Just enough of a VVC stream's syntax to know what it claims before it is decoded.

Source: Rec. ITU-T H.266 (V3), sections 7.3.1 (NAL units), 7.3.2.4 (SPS), 7.3.3.1 (profile, tier,
level), 7.3.3.2 (general constraints), 9.2 (Exp-Golomb codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lbic.errors import CodecError

NAL_SPS = 15
_START_CODE = re.compile(b"\x00\x00\x01")


@dataclass(frozen=True)
class SequenceFacts:
    """What an SPS says of the pictures: coded size, cropped size, chroma format (0 gray, 1 4:2:0), bit depth."""

    coded_width: int
    coded_height: int
    width: int
    height: int
    chroma_format: int
    bit_depth: int


def sequence_facts(stream: bytes) -> SequenceFacts:
    """Read the one SPS of an Annex B stream; CodecError when there is none, more than one or it makes no sense.

    A second one could replace the first, and the decoder would allocate what nobody has checked.
    """
    units = [unit for unit in _units(stream) if len(unit) > 2 and unit[1] >> 3 == NAL_SPS]
    if len(units) != 1:
        raise CodecError(f"the VVC stream has {len(units) or 'no'} sequence parameter sets instead of one")
    return _parse_sps(_BitReader(units[0][2:].replace(b"\x00\x00\x03", b"\x00\x00")))


def _units(stream: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B stream, headers included."""
    starts = [match.end() for match in _START_CODE.finditer(stream)]
    for start, following in pairwise([*starts, len(stream) + 3]):
        yield stream[start : following - 3]


def _parse_sps(bits: _BitReader) -> SequenceFacts:
    bits.skip(4 + 4)  # SPS and VPS identifiers
    sublayers = bits.read(3)
    chroma_format = bits.read(2)
    bits.skip(2)  # CTU size
    if bits.read(1):
        _skip_profile_tier_level(bits, sublayers)
    bits.skip(1)  # gradual decoding refresh
    if bits.read(1):
        bits.skip(1)  # resolution may change within a sequence
    width, height = bits.golomb(), bits.golomb()
    left = right = top = bottom = 0
    if bits.read(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
    if bits.read(1):
        raise CodecError("the VVC stream is split into subpictures, which lbic never writes")
    unit = 2 if chroma_format == 1 else 1
    return SequenceFacts(
        coded_width=width,
        coded_height=height,
        width=width - unit * (left + right),
        height=height - unit * (top + bottom),
        chroma_format=chroma_format,
        bit_depth=8 + bits.golomb(),
    )


def _skip_profile_tier_level(bits: _BitReader, sublayers: int) -> None:
    bits.skip(7 + 1 + 8 + 1 + 1)  # profile, tier, level, frame-only, multilayer
    if bits.read(1):  # general constraints
        bits.skip(71)
        bits.skip(bits.read(8))
    bits.align()
    present = [bits.read(1) for _ in range(sublayers)]
    bits.align()
    bits.skip(8 * sum(present))
    bits.skip(32 * bits.read(8))  # sub-profiles


class _BitReader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, count: int) -> int:
        value = 0
        for _ in range(count):
            byte, bit = divmod(self._at, 8)
            if byte >= len(self._data):
                raise CodecError("the VVC stream ends inside its sequence parameter set")
            value = value << 1 | self._data[byte] >> 7 - bit & 1
            self._at += 1
        return value

    def skip(self, count: int) -> None:
        self._at += count

    def align(self) -> None:
        self._at = -(-self._at // 8) * 8

    def golomb(self) -> int:
        """ue(v), at most 32 bits."""
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > 31:
                raise CodecError("the VVC stream's sequence parameter set is damaged")
        return (1 << zeros) - 1 + self.read(zeros)
