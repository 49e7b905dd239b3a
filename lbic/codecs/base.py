"""The interface of a codec; lbic.codecs.table has the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lbic.color import Planes
from lbic.errors import CodecError

EFFORTS = range(5)
"""Encoder efforts, from fastest to smallest files."""
DEFAULT_EFFORT = 2


@dataclass(frozen=True)
class Geometry:
    """Size and kind of the coded picture, as the file's header has them."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    gray: bool
    """The picture has only luma."""

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.width * self.height


class Rated(Protocol):
    """An encoder with its own quality scale of integers."""

    @property
    def name(self) -> str:
        """The encoder's name."""

    @property
    def quality_range(self) -> tuple[int, int]:
        """The lowest and the highest quality, both included."""

    @property
    def lower_is_better(self) -> bool:
        """Lower numbers mean better pictures."""


class CodecObject(Protocol):
    """What a codec of another package has to have; lbic's own have more, see Codec."""

    name: str
    """The name that users type."""
    summary: str
    """One line for lists of codecs."""
    quality_symbol: str
    """The short name of the quality in output lines, such as "qp"."""
    quality_range: tuple[int, int]
    """The lowest and the highest quality on the codec's own scale, both included."""
    useful_quality: tuple[int, int]
    """The part of ``quality_range`` that is worth trying."""
    default_quality: int
    """The quality if the user names none."""
    lower_is_better: bool
    """Lower qualities mean better pictures."""

    def availability(self) -> str | None:
        """Return None if the codec can encode here, else a sentence that says what is missing."""

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Encode planes (4:2:0 or gray) to a standard stream.

        ``effort`` is one of EFFORTS, ``lambda_scale`` one of Codec.lambda_scales, which is 1 for a
        codec of another package. Raises MissingError if there is no encoder; TooLargeError,
        NoRoomError or CodecError if it fails.
        """

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode a stream that must have this geometry.

        Raises CodecError for a damaged stream or one of another size, before pixels are allocated.
        """


class Codec(CodecObject, Protocol):
    """A codec."""

    id: int
    """The codec's number in the file (docs/format.md)."""
    lambda_scales: tuple[float, ...]
    """Factors that the encoder can apply to its rate-distortion multiplier, from 1 downwards. They
    give file sizes between those of two qualities; a smaller factor gives a larger file."""

    def programs(self) -> tuple[str, ...]:
        """Return the paths of the encoder program and of the files it reads.

        Empty if the program is missing, or if the codec encodes in this process.
        """

    def shorten(self, stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
        """Return the payload form and the payload for a stream (docs/format.md).

        The payload omits what ``restore`` can rebuild, or is the whole stream.
        """

    def restore(self, form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
        """Return the stream that ``shorten`` was given, bit for bit.

        Raises FormatError if the payload is damaged.
        """


@runtime_checkable
class PerceptualCodec(Codec, Protocol):
    """A codec whose encoder has a mode for the eye; decoding is the same."""

    def encode_perceptual(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Encode as ``encode`` does, with about as many bytes, for the eye instead of PSNR."""


def check_length(stream: bytes, width: int, height: int, pixels_per_byte: int, name: str) -> None:
    """Raise CodecError if a stream is too short for a picture of this size (limits.py)."""
    if width * height > len(stream) * pixels_per_byte:
        raise CodecError(f"the {name} stream has {len(stream):,} bytes, too few for {width}x{height} pixels")


def pad_to(side: int, multiple: int, least: int) -> int:
    """Return a side rounded up to a multiple of ``multiple``, and at least ``least``."""
    return max(least, -(-side // multiple) * multiple)
