"""The table of codecs. A new codec needs a module, a row here and a row in docs/format.md.

Other packages can add codecs (plugins.py). They are imported only when somebody names them.
"""

from __future__ import annotations

from lbic.codecs import plugins
from lbic.codecs.base import Codec, Rated
from lbic.codecs.jpeg import JpegCodec
from lbic.codecs.raster import AVIF, JPEG2000, WEBP
from lbic.codecs.vtm import VtmCodec
from lbic.codecs.vvc import VvcCodec
from lbic.errors import MissingError, UsageError, whole_number
from lbic.format.container import Header
from lbic.system.entrypoints import Entry

_ROWS: tuple[Codec, ...] = (VvcCodec(), VtmCodec(), JpegCodec(), WEBP, AVIF, JPEG2000)
CODECS: dict[str, Codec] = {codec.name: codec for codec in _ROWS}
"""The codecs of lbic itself."""
DEFAULT_CODEC = "vvc"


def get(name: str) -> Codec:
    """Return the codec with this name, of lbic or of another package.

    Raises UsageError if there is none, and MissingError if its package does not load.
    """
    if name in CODECS:
        return CODECS[name]
    if name in plugins.installed():
        return plugins.load(name)
    raise UsageError(f"unknown codec {name!r}; known: {', '.join(names())}")


def names() -> tuple[str, ...]:
    """Return the names of all codecs: lbic's own, then those of other packages."""
    return (*CODECS, *plugins.installed())


def of(header: Header) -> Codec:
    """Return the codec of a file. Raises MissingError if its package is not installed."""
    if header.package and header.codec not in plugins.installed():
        raise MissingError(
            f"codec {header.codec} is not installed here; the file names the package {header.package} for it"
        )
    return get(header.codec)


def package(name: str) -> str:
    """Return the package that a codec comes from; "" for lbic's own."""
    return "" if name in CODECS else plugins.installed()[name].package


def reference(name: str) -> str:
    """Return what ``referred`` needs to import a codec in another process."""
    return name if name in CODECS else plugins.installed()[name].value


def referred(reference: str) -> Codec:
    """Return the codec that another process referred to, without a search for packages.

    Raises whatever the import of its package raises.
    """
    if reference in CODECS:
        return CODECS[reference]
    return plugins.referred(Entry("", "", "", reference))


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
