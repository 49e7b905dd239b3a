"""The table of codecs: a codec is added by its module and one row here (and one in docs/format.md)."""

from __future__ import annotations

import operator

from lbic.codecs.base import Codec, Rated
from lbic.codecs.jpeg import JpegCodec
from lbic.codecs.raster import AVIF, JPEG2000, WEBP
from lbic.codecs.vtm import VtmCodec
from lbic.codecs.vvc import VvcCodec
from lbic.errors import MissingError, UsageError

_ROWS: tuple[Codec, ...] = (VvcCodec(), VtmCodec(), JpegCodec(), WEBP, AVIF, JPEG2000)
CODECS: dict[str, Codec] = {codec.name: codec for codec in _ROWS}
DEFAULT_CODEC = "vvc"


def get(name: str) -> Codec:
    """The row with this name; UsageError lists the names."""
    try:
        return CODECS[name]
    except KeyError:
        raise UsageError(f"unknown codec {name!r}; known: {', '.join(CODECS)}") from None


def require(codec: Codec) -> None:
    """Raise MissingError, with what to install and which codecs do work here, when a codec cannot encode."""
    sentence = codec.availability()
    if sentence:
        working = ", ".join(other.name for other in CODECS.values() if not other.availability())
        raise MissingError(f"codec {codec.name} cannot compress here: {sentence}. Codecs that work here: {working}")


def check_quality(codec: Rated, quality: int) -> int:
    """Return the quality when it is in the codec's range; UsageError names the range."""
    low, high = codec.quality_range
    try:
        number = operator.index(quality)  # NumPy's whole numbers too
    except TypeError:
        raise UsageError(f"quality {quality!r} is not a whole number") from None
    if low <= number <= high:
        return number
    better = "lower" if codec.lower_is_better else "higher"
    raise UsageError(f"quality {quality} is not in {codec.name}'s range {low}..{high} ({better} is better)")
