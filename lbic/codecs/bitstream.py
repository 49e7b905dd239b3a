"""Read and change a few fields of a VVC stream: size, bit depth and chroma format; size and QP.

lbic checks what a stream claims before it decodes the stream.

Source: Rec. ITU-T H.266 (V3), sections 7.3.1 (NAL units), 7.3.2.4 (SPS), 7.3.2.5 (PPS), 7.3.3.1
(profile, tier, level), 7.3.3.2 (general constraints), 7.4.2.1 (emulation prevention), 9.2
(Exp-Golomb codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lbic.errors import CodecError

NAL_SPS, NAL_PPS = 15, 16
_NAL_HEADER = 2
_BEFORE_PPS_SIZE = 6 + 4 + 1  # PPS and SPS identifiers, mixed NAL unit types
_QP_ORIGIN = 26
"""A PPS codes its initial QP as the difference from this, as se(v)."""
_START_CODE = re.compile(b"\x00\x00\x01")
_EMULATION = re.compile(b"\x00\x00(?=[\x00-\x03])")


@dataclass(frozen=True)
class SequenceFacts:
    """Fields of a sequence parameter set (SPS)."""

    coded_width: int
    """Luma samples, before cropping."""
    coded_height: int
    """Luma samples, before cropping."""
    width: int
    """Luma samples, after cropping."""
    height: int
    """Luma samples, after cropping."""
    chroma_format: int
    """0 gray, 1 4:2:0, 2 4:2:2, 3 4:4:4."""
    bit_depth: int
    """Bits per sample."""


def sequence_facts(stream: bytes) -> SequenceFacts:
    """Read the SPS of an Annex B stream.

    Raises CodecError if there is not exactly one, or if it is damaged. A second SPS could replace
    the first, and the decoder would allocate memory for a size that was not checked.
    """
    units = [unit for unit in split(stream) if len(unit) > _NAL_HEADER and unit[1] >> 3 == NAL_SPS]
    if len(units) != 1:
        raise CodecError(f"the VVC stream has {len(units) or 'no'} sequence parameter sets instead of one")
    return _parse_sps(_reader(units[0]))


def split(stream: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex B stream with their headers.

    A unit includes the zero byte that may precede the next start code.
    """
    starts = [match.end() for match in _START_CODE.finditer(stream)]
    for start, following in pairwise([*starts, len(stream) + 3]):
        yield stream[start : following - 3]


def resized(unit: bytes, width: int, height: int) -> bytes:
    """Return an SPS or PPS for another coded size, in luma samples; nothing else changes."""
    bits = _reader(unit)
    if unit[1] >> 3 == NAL_SPS:
        _skip_to_size(bits)
    else:
        bits.skip(_BEFORE_PPS_SIZE)
    return _recoded(unit, bits.position, (width, height))


def with_initial_qp(unit: bytes, qp: int) -> bytes:
    """Return a PPS with another initial QP; nothing else changes.

    The PPS must have no windows and no partitions.
    """
    bits = _reader(unit)
    bits.skip(_BEFORE_PPS_SIZE)
    bits.golombs(2)
    bits.skip(6)  # windows, output, partition, subpicture identifiers, CABAC initialisation
    bits.golombs(2)  # active references of both lists
    bits.skip(4)  # entries of the second list, weighted prediction of both lists, wraparound
    difference = qp - _QP_ORIGIN
    return _recoded(unit, bits.position, (2 * difference - 1 if difference > 0 else -2 * difference,))


def _recoded(unit: bytes, start: int, values: Sequence[int]) -> bytes:
    """Replace ue(v) codes, from bit ``start`` of the content; later bits move up."""
    content, bits = _unescape(unit[_NAL_HEADER:]), _reader(unit)
    bits.skip(start)
    bits.golombs(len(values))
    text = "".join(f"{byte:08b}" for byte in content).rstrip("0")  # ends with the stop bit
    text = text[:start] + "".join(map(_golomb, values)) + text[bits.position :]
    text += "0" * (-len(text) % 8)
    return unit[:_NAL_HEADER] + _escape(int(text, 2).to_bytes(len(text) // 8, "big"))


def _reader(unit: bytes) -> _BitReader:
    """Return a reader of a NAL unit's content after its header."""
    return _BitReader(_unescape(unit[_NAL_HEADER:]))


def _unescape(content: bytes) -> bytes:
    return content.replace(b"\x00\x00\x03", b"\x00\x00")


def _escape(content: bytes) -> bytes:
    return _EMULATION.sub(b"\x00\x00\x03", content)


def _golomb(value: int) -> str:
    """Return a ue(v) code as a string of 0 and 1."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def _skip_to_size(bits: _BitReader) -> int:
    """Skip an SPS up to the picture size; return the chroma format."""
    bits.skip(4 + 4)  # SPS and VPS identifiers
    sublayers = bits.read(3)
    chroma_format = bits.read(2)
    bits.skip(2)  # CTU size
    if bits.read(1):
        _skip_profile_tier_level(bits, sublayers)
    bits.skip(1)  # gradual decoding refresh
    if bits.read(1):
        bits.skip(1)  # resolution may change within a sequence
    return chroma_format


def _parse_sps(bits: _BitReader) -> SequenceFacts:
    chroma_format = _skip_to_size(bits)
    width, height = bits.golombs(2)
    left = right = top = bottom = 0
    if bits.read(1):
        left, right, top, bottom = bits.golombs(4)
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
    """Reads bits from the most significant on."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def read(self, count: int) -> int:
        value = 0
        for _ in range(count):
            byte, bit = divmod(self.position, 8)
            if byte >= len(self._data):
                raise CodecError("the VVC stream ends inside its sequence parameter set")
            value = value << 1 | self._data[byte] >> 7 - bit & 1
            self.position += 1
        return value

    def skip(self, count: int) -> None:
        self.position += count

    def align(self) -> None:
        self.position = -(-self.position // 8) * 8

    def golomb(self) -> int:
        """Read a ue(v) code of at most 32 bits."""
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > 31:
                raise CodecError("the VVC stream's sequence parameter set is damaged")
        return (1 << zeros) - 1 + self.read(zeros)

    def golombs(self, count: int) -> list[int]:
        return [self.golomb() for _ in range(count)]
