"""The files that are compared: .lbic files and pictures of any format, made alike and measured against the original."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lbic import pipeline
from lbic.errors import UsageError
from lbic.format import container
from lbic.metrics.rate import bits_per_pixel
from lbic.metrics.table import Metric
from lbic.picture.load import FORMATS, Picture, from_pillow, load
from lbic.picture.pillow_limits import own_limits
from lbic.pipeline import Decompressed, DecompressSettings

Size = tuple[int, int]
"""Width and height in pixels."""

_ROUNDING = 2
"""How many levels apart a conversion to YCbCr and back makes equal channels."""
LAID_OVER_WHITE = "has alpha; laid over white"


@dataclass(frozen=True)
class Version:
    """One file and the picture in it.

    ``bytes`` is the size of the whole file, ``image`` is upright, mode L or RGB, sRGB, laid over white where it had
    alpha. ``format`` is what a picture file is (png, jpeg, ...), ``decoded`` how a .lbic file was decompressed; one of
    the two is None. ``notes`` say what reading it changed.
    """

    name: str
    bytes: int
    image: Image.Image
    notes: tuple[str, ...]
    format: str | None = None
    decoded: Decompressed | None = None

    @property
    def bpp(self) -> float:
        """Bits of the whole file for each pixel."""
        return bits_per_pixel(self.bytes, *self.image.size)


def read_picture(name: str, data: bytes) -> Version:
    """The version in a picture file. Raises ImageError as image.load does."""
    picture = load(data)
    return _version(name, data, picture, picture.notes, format=_format(data))


def read(name: str, data: bytes, settings: DecompressSettings, size: Size) -> Version:
    """The version in a .lbic or picture file.

    Raises UsageError when it is not of ``size`` (a .lbic file is not decoded then), else what decompress and
    image.load raise.
    """
    if not container.is_lbic(data):
        version = read_picture(name, data)
        _check_size(version.image.size, size)
        return version
    header = container.read_header(data)
    _check_size((header.width, header.height), size)
    done = pipeline.decompress(data, settings)
    # A profile that was kept is applied, and alpha set apart, as in any picture that is read.
    shown = done.image.copy()
    shown.info = {"icc_profile": done.icc} if done.icc else {}  # EXIF would turn what is upright
    picture = from_pillow(shown)
    return _version(name, data, picture, (*done.notes, *picture.notes), decoded=done)


def measure(original: Version, version: Version, metrics: Iterable[Metric]) -> dict[str, float | None]:
    """What the metrics say of a version of the original's size, by their names; None where one is not defined."""
    reference, other = _alike(original.image, version.image)
    return {metric.name: metric.measure(reference, other) for metric in metrics}


def _version(
    name: str,
    data: bytes,
    picture: Picture,
    notes: tuple[str, ...],
    *,
    format: str | None = None,
    decoded: Decompressed | None = None,
) -> Version:
    if picture.alpha is None:
        return Version(name, len(data), picture.image, notes, format, decoded)
    # What nobody sees must not be measured: codecs do what they like with the colours of clear pixels.
    flat = Image.new(picture.image.mode, picture.image.size, "white")
    flat.paste(picture.image, mask=Image.fromarray(picture.alpha))
    return Version(name, len(data), flat, (*notes, LAID_OVER_WHITE), format, decoded)


def _format(data: bytes) -> str:
    """png, jpeg, webp, ...: Pillow's name for a picture file that it has read."""
    with own_limits(), Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        name = str(opened.format).lower()
    return "jpeg" if name == "mpo" else name


def _check_size(found: Size, wanted: Size) -> None:
    if found != wanted:
        raise UsageError(
            f"is {found[0]}x{found[1]} and the original {wanted[0]}x{wanted[1]}; only pictures of one size are compared"
        )


def _alike(reference: Image.Image, other: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Both gray or both colour, since metrics take the luma of gray and of colour in different ranges.

    Many formats know no gray: a gray original's version in three channels that are equal, but for what a conversion
    to YCbCr and back rounds, is gray, too.
    """
    if reference.mode == "L" and other.mode == "RGB" and _is_neutral(other):
        other = other.convert("L")
    if reference.mode == other.mode:
        return reference, other
    return reference.convert("RGB"), other.convert("RGB")


def _is_neutral(picture: Image.Image) -> bool:
    levels = np.asarray(picture)
    return bool((levels.max(-1) - levels.min(-1) <= _ROUNDING).all())
