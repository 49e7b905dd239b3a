"""Samples of other than 8 bits: how they are told, and made samples of 8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from lbic.errors import ImageError

REDUCED = "samples of more than 8 bits reduced to 8"
_OVERSHOOT = 2.0
"""What resampling and HDR may add to samples of 0..1; a picture of 0..255 below it would be black."""
_LEVELS = {"L;2": 85, "L;4": 17}
"""By Pillow's raw mode, the 8-bit levels from one gray level to the next."""

_AV1_CONFIGURATION = b"av1C"
_AV1_DEEP = 0x40  # high_bitdepth, in the third byte of the box (AV1-ISOBMFF, section 2.3.3): 10 or 12 bits
_JPEG2000_SIZE = b"\xff\x4f\xff\x51"  # SOC and SIZ
_JPEG2000_DEPTHS = 40  # from SOC to the number of components, 3 bytes each after it (T.800, A.5.1)


def is_deep(image: Image.Image, data: bytes) -> bool:
    """Tell files of more than 8 bits that Pillow opens as 8; ``image`` is opened and not yet loaded."""
    if image.mode[0] in "IF":
        return False  # the mode tells
    if image.format == "AVIF":
        return _avif(data)
    if image.format == "JPEG2000":
        return _jpeg2000(data)
    return _by_tile(image)


def _avif(data: bytes) -> bool:
    at = data.find(_AV1_CONFIGURATION) + len(_AV1_CONFIGURATION) + 2
    return bool(data[at : at + 1]) and bool(data[at] & _AV1_DEEP)


def _jpeg2000(data: bytes) -> bool:
    """By the first codestream's SIZ segment; the top bit of a depth tells signed samples, the rest is depth - 1."""
    at = data.find(_JPEG2000_SIZE) + _JPEG2000_DEPTHS
    count = int.from_bytes(data[at : at + 2], "big")
    return any(depth & 0x7F >= 8 for depth in data[at + 2 : at + 2 + 3 * count : 3])


def _by_tile(image: Image.Image) -> bool:
    """How the first tile is coded: the only trace that Pillow leaves of a PNG's, TIFF's or PPM's depth."""
    values = _tile_values(image)
    if image.format == "PPM":
        return bool(values) and isinstance(values[-1], int) and values[-1] > 255  # PPM's own largest level
    # A BMP's "BGR;16" are 5 and 6 bits a sample.
    return bool(values) and isinstance(values[0], str) and "16" in values[0] and image.format != "BMP"


def _tile_values(image: Image.Image) -> tuple[Any, ...]:
    """The arguments of the first tile's decoder; empty for an image that is loaded or never was a file."""
    tiles = getattr(image, "tile", None)
    if not tiles:
        return ()
    return tiles[0].args if isinstance(tiles[0].args, tuple) else (tiles[0].args,)


def clear(image: Image.Image) -> Any:
    """A PNG's clear level or colour, or its palette's alpha, for samples of 8 bits as Pillow makes them; None: none.

    Of a PNG of 2 or 4 bits that Pillow has loaded nothing tells any more: its level stays as it is.
    """
    level, values = image.info.get("transparency"), _tile_values(image)
    if image.format == "PNG" and isinstance(level, tuple) and (values[:1] == ("RGB;16B",) or max(level) > 255):
        return tuple(sample >> 8 for sample in level)
    if image.format == "PNG" and isinstance(level, int) and values:
        return level * _LEVELS.get(values[0], 1)
    return level


@dataclass(frozen=True)
class Gray:
    """What samples of more than 8 bits mean: whole numbers end at ``top``, which ``inverted`` makes black."""

    top: int = 65535
    inverted: bool = False

    @classmethod
    def of(cls, image: Image.Image) -> Gray:
        """As a TIFF file's tags have it, which Pillow minds for samples of 8 bits alone."""
        tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
        top = 4095 if tags.get(ExifTags.Base.BitsPerSample) == (12,) else cls.top
        return cls(top, tags.get(ExifTags.Base.PhotometricInterpretation) == 0)


def reduce(image: Image.Image, gray: Gray, notes: list[str]) -> Image.Image:
    """16-bit or float gray to 8 bits; floats are taken to be 0..1 or 0..255.

    Raises ImageError for whole numbers that are not within 0..65535.
    """
    import numpy as np

    values = np.nan_to_num(np.asarray(image, np.float64), posinf=0, neginf=0)
    highest, lowest = values.max(initial=0), values.min(initial=0)
    if image.mode == "F":
        top = 1.0 if highest <= _OVERSHOOT else 255.0
        notes.append(f"float samples, taken for 0..{top:g}, reduced to 8 bits")
    elif lowest < 0 or highest > Gray.top:
        raise ImageError(f"samples of {lowest:.0f} to {highest:.0f}; lbic reads whole numbers within 0..{Gray.top}")
    else:
        notes.append(REDUCED)
        top = gray.top
    shares = np.nan_to_num(np.clip(np.asarray(image, np.float64), 0, top) / top)
    return Image.fromarray(np.rint((1 - shares if gray.inverted else shares) * 255).astype(np.uint8))
