"""Versions of a picture: read .lbic files and pictures, and measure them against the original."""

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
"""Levels by which a conversion to YCbCr and back separates equal channels, at most."""
LAID_OVER_WHITE = "has alpha; laid over white"
"""The note on a version with alpha."""


@dataclass(frozen=True)
class Version:
    """A file and its picture."""

    name: str
    """The name of the file."""
    bytes: int
    """The size of the whole file."""
    image: Image.Image
    """The picture: upright, sRGB, mode L or RGB, laid over white if it had alpha."""
    notes: tuple[str, ...]
    """What reading changed in the picture, a sentence each."""
    format: str | None = None
    """The format of a picture file (png, jpeg, ...); None for a .lbic file."""
    decoded: Decompressed | None = None
    """The result of decompressing a .lbic file; None for a picture file."""

    @property
    def bpp(self) -> float:
        """Bits of the whole file for each pixel of the picture."""
        return bits_per_pixel(self.bytes, *self.image.size)


def read_picture(name: str, data: bytes) -> Version:
    """Read a picture file. Raises ImageError as picture.load does."""
    picture = load(data)
    return _version(name, data, picture, picture.notes, format=_format(data))


def read(name: str, data: bytes, settings: DecompressSettings, size: Size) -> Version:
    """Read a .lbic file or a picture file.

    Raises UsageError for a picture of another size than ``size``, before a .lbic file is decoded,
    and the errors of pipeline.decompress and picture.load.
    """
    if not container.is_lbic(data):
        version = read_picture(name, data)
        _check_size(version.image.size, size)
        return version
    header = container.read_header(data)
    _check_size((header.width, header.height), size)
    decoded = pipeline.decompress(data, settings)
    # Read the result like any picture: this applies a stored profile and separates alpha.
    image = decoded.image.copy()
    # EXIF is left out: the picture is upright, and its orientation would turn it.
    image.info = {"icc_profile": decoded.icc} if decoded.icc else {}
    picture = from_pillow(image)
    return _version(name, data, picture, (*decoded.notes, *picture.notes), decoded=decoded)


def measure(original: Version, version: Version, metrics: Iterable[Metric]) -> dict[str, float | None]:
    """Measure a version of the original's size; return metrics by name, None where not defined."""
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
    # Colours of transparent pixels are invisible, and codecs change them freely.
    flat = Image.new(picture.image.mode, picture.image.size, "white")
    flat.paste(picture.image, mask=Image.fromarray(picture.alpha))
    return Version(name, len(data), flat, (*notes, LAID_OVER_WHITE), format, decoded)


def _format(data: bytes) -> str:
    """Return the format of a picture file: png, jpeg, webp, ..."""
    with own_limits(), Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        name = str(opened.format).lower()
    return "jpeg" if name == "mpo" else name


def _check_size(size: Size, original: Size) -> None:
    if size != original:
        raise UsageError(
            f"has {size[0]}x{size[1]} pixels and the original {original[0]}x{original[1]}; the sizes have to be equal"
        )


def _alike(reference: Image.Image, other: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Return both pictures in gray or both in colour, since their luma has different ranges.

    Many formats have no gray. A colour version of a gray original counts as gray if its channels
    are equal, apart from the rounding of a conversion to YCbCr and back.
    """
    if reference.mode == "L" and other.mode == "RGB" and _is_neutral(other):
        other = other.convert("L")
    if reference.mode == other.mode:
        return reference, other
    return reference.convert("RGB"), other.convert("RGB")


def _is_neutral(picture: Image.Image) -> bool:
    levels = np.asarray(picture)
    return bool((levels.max(-1) - levels.min(-1) <= _ROUNDING).all())
