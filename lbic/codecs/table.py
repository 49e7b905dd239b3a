"""The table of codecs. A new codec needs a module, a row here and a row in docs/format.md."""

from __future__ import annotations

from lbic.codecs.base import Codec, Rated
from lbic.codecs.jpeg import JpegCodec
from lbic.codecs.raster import AVIF, JPEG2000, WEBP
from lbic.codecs.vtm import VtmCodec
from lbic.codecs.vvc import VvcCodec
from lbic.errors import MissingError, UsageError, whole_number

_ROWS: tuple[Codec, ...] = (VvcCodec(), VtmCodec(), JpegCodec(), WEBP, AVIF, JPEG2000)
CODECS: dict[str, Codec] = {codec.name: codec for codec in _ROWS}
DEFAULT_CODEC = "vvc"


def get(name: str) -> Codec:
    """Return the codec with this name. Raises UsageError if there is none."""
    try:
        return CODECS[name]
    except KeyError:
        raise UsageError(f"unknown codec {name!r}; known: {', '.join(CODECS)}") from None


def require(codec: Codec) -> None:
    """Raise MissingError if a codec cannot encode here.

    The message says what to install and which codecs work here.
    """
    sentence = codec.availability()
    if sentence:
        working = ", ".join(other.name for other in CODECS.values() if not other.availability())
        raise MissingError(f"codec {codec.name} cannot compress here: {sentence}. Codecs that work here: {working}")


def check_quality(codec: Rated, quality: int) -> int:
    """Return the quality as an int.

    Raises UsageError if it is not an integer in the codec's range.
    """
    low, high = codec.quality_range
    number = whole_number(quality, "quality")
    if low <= number <= high:
        return number
    better = "lower" if codec.lower_is_better else "higher"
    raise UsageError(f"quality {quality} is not in {codec.name}'s range {low}..{high} ({better} is better)")
