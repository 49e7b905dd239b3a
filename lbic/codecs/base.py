"""What a codec is to lbic: one row of the table in lbic.codecs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lbic.color import Planes
from lbic.errors import CodecError

EFFORTS = range(5)
DEFAULT_EFFORT = 2


@dataclass(frozen=True)
class Geometry:
    """What the container knows of the coded picture: its size in pixels and whether it is gray."""

    width: int
    height: int
    gray: bool

    @property
    def pixels(self) -> int:
        return self.width * self.height


class Rated(Protocol):
    """What has qualities of its own: whole numbers in a range, both ends included."""

    @property
    def name(self) -> str: ...

    @property
    def quality_range(self) -> tuple[int, int]: ...

    @property
    def lower_is_better(self) -> bool: ...


class Codec(Protocol):
    """A row of the codec table.

    ``name`` is what the user types and ``id`` what the file stores (docs/format.md). ``quality_range``
    is the codec's own scale, both ends included, ``useful_quality`` the part of it worth trying;
    ``lower_is_better`` its direction. ``lambda_scales``, 1 first and falling, lie between two qualities: what the
    encoder can multiply its rate-distortion multiplier by, files growing.
    """

    id: int
    name: str
    summary: str
    quality_symbol: str
    quality_range: tuple[int, int]
    useful_quality: tuple[int, int]
    default_quality: int
    lower_is_better: bool
    lambda_scales: tuple[float, ...]

    def availability(self) -> str | None:
        """None when pictures can be encoded here, else the sentence that says what is missing."""

    def programs(self) -> tuple[str, ...]:
        """The paths of the program that encodes here and of what it reads; none where it is missing, or where lbic
        encodes in process."""

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Code planes (4:2:0 or gray) into one standard stream; ``lambda_scale`` is one of ``lambda_scales``.

        Raises MissingError when the encoder is not there and CodecError when it fails.
        """

    def shorten(self, stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
        """The payload form and payload that a file holds for a stream (docs/format.md): without what ``restore`` can
        write itself, or whole."""

    def restore(self, form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
        """The stream, bit for bit, that ``shorten`` got. Raises FormatError for a damaged payload."""

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode a stream of exactly this geometry.

        Raises CodecError for a damaged stream or one of another size, before pixels are allocated.
        """


def check_length(stream: bytes, width: int, height: int, pixels_per_byte: int, name: str) -> None:
    """Raise CodecError for a stream that is too short to be a picture of this size (limits.py)."""
    if width * height > len(stream) * pixels_per_byte:
        raise CodecError(f"the {name} stream has {len(stream):,} bytes, too few for {width}x{height} pixels")


def pad_to(side: int, multiple: int, least: int) -> int:
    """A side rounded up to a multiple, and at least ``least``."""
    return max(least, -(-side // multiple) * multiple)
