"""Bit depth: detect samples deeper than 8 bits and convert them to 8."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import ExifTags, Image

from lbic.errors import ImageError
from lbic.picture.cicp import Stated
from lbic.picture.icc import chosen_space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REDUCED = "samples of more than 8 bits reduced to 8"
_FLOAT_TOPS = {1.0: (-math.inf, 2.0), 255.0: (100.0, 260.0), 65_535.0: (25_000.0, 66_000.0)}
"""White of float samples, and the range of the highest sample for it. Up to 2 leaves room for
overshoot."""
_GRAY_STEPS = {"L;2": 85, "L;4": 17}
"""The step between gray levels, in 8-bit levels, by Pillow's raw mode."""

_AV1_CONFIGURATION = b"av1C"
_AV1_DEEP = 0x40
"""The bit high_bitdepth (10 or 12 bits) in the third byte of the box (AV1-ISOBMFF, 2.3.3)."""
_JPEG2000_SIZE = b"\xff\x4f\xff\x51"  # SOC and SIZ
_JPEG2000_DEPTHS = 40
"""Offset of the number of components from SOC; 3 bytes per component follow (T.800, A.5.1)."""


@dataclass(frozen=True)
class Deep:
    """A picture of more than 8 bits, as stored."""

    samples: NDArray[np.uint16]
    """(height, width) gray or (height, width, 3) RGB, 0..65535 whatever the depth."""
    alpha: NDArray[np.uint16] | None = None
    """(height, width), 65535 is opaque; None without alpha."""


def is_deep(image: Image.Image, data: bytes) -> bool:
    """Return whether a file has more than 8 bits per sample although Pillow opens it as 8.

    ``image`` is opened and not loaded yet; ``data`` is the file.
    """
    if image.mode[0] in "IF":
        return False  # the mode itself shows it
    if image.format == "AVIF":
        return _avif(data)
    if image.format == "JPEG2000":
        return any(bits > 8 for bits in jpeg2000_depths(data))
    return _by_tile(image)


def _avif(data: bytes) -> bool:
    at = data.find(_AV1_CONFIGURATION) + len(_AV1_CONFIGURATION) + 2
    return bool(data[at : at + 1]) and bool(data[at] & _AV1_DEEP)


def jpeg2000_depths(data: bytes) -> list[int]:
    """Return the bits per sample of each component, from the SIZ segment of the first codestream.

    In the file, the top bit of a depth marks signed samples; the others are the depth minus 1.
    """
    at = data.find(_JPEG2000_SIZE) + _JPEG2000_DEPTHS
    count = int.from_bytes(data[at : at + 2], "big")
    return [(depth & 0x7F) + 1 for depth in data[at + 2 : at + 2 + 3 * count : 3]]


def _by_tile(image: Image.Image) -> bool:
    """Look at the first tile's decoder: only there Pillow keeps the depth of PNG, TIFF and PPM."""
    values = tile_values(image)
    if image.format == "PPM":
        # The last value is the file's own white level.
        return bool(values) and isinstance(values[-1], int) and values[-1] > 255
    # "BGR;16" in a BMP means 5 or 6 bits per sample.
    return bool(values) and isinstance(values[0], str) and "16" in values[0] and image.format != "BMP"


def tile_values(image: Image.Image) -> tuple[Any, ...]:
    """Return the arguments of the first tile's decoder; empty for an image not from a file."""
    tiles = getattr(image, "tile", None)
    if not tiles:
        return ()
    return tiles[0].args if isinstance(tiles[0].args, tuple) else (tiles[0].args,)


def transparency(image: Image.Image) -> Any:
    """Return the transparent level or colour of a PNG in 8 bits, a palette's alpha, or None.

    ``image`` must not be loaded: afterwards 2-bit and 4-bit PNGs cannot be recognised any more,
    and their level is returned unchanged.
    """
    level, values = image.info.get("transparency"), tile_values(image)
    if image.format == "PNG" and isinstance(level, tuple) and (values[:1] == ("RGB;16B",) or max(level) > 255):
        return tuple(sample >> 8 for sample in level)
    if image.format == "PNG" and isinstance(level, int) and values:
        return level * _GRAY_STEPS.get(values[0], 1)
    return level


@dataclass(frozen=True)
class Gray:
    """How to read gray samples of more than 8 bits."""

    top: int = 65535
    """The largest integer sample."""
    inverted: bool = False
    """``top`` is black and 0 is white."""

    @classmethod
    def of(cls, image: Image.Image) -> Gray:
        """Read a TIFF file's tags, which Pillow applies to 8-bit samples only."""
        tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
        top = 4095 if tags.get(ExifTags.Base.BitsPerSample) == (12,) else cls.top
        return cls(top, tags.get(ExifTags.Base.PhotometricInterpretation) == 0)


def reduce(
    image: Image.Image,
    gray: Gray,
    icc: bytes | None,
    stated: Stated | None,
    notes: list[str],
    *,
    keep_icc: bool,
) -> tuple[Image.Image, bytes | None, Stated | None]:
    """Convert integer or float gray (Pillow's modes I and F) to 8 bits, with notes.

    Colours are converted before the depth is reduced; what remains of ``icc`` and ``stated`` still
    has to be applied. Raises ImageError for samples without a clear range.
    """
    import numpy as np

    shares = _shares(image, gray, notes)
    colours = chosen_space(icc, stated, notes, keep_icc=keep_icc)
    if colours is None:
        return Image.fromarray(np.rint(shares * 255).astype(np.uint8)), icc, None
    return Image.fromarray(colours.to_srgb(shares.astype(np.float32))), None, None


def _shares(image: Image.Image, gray: Gray, notes: list[str]) -> NDArray[np.float64]:
    """Return samples as 0..1, 1 is white."""
    import numpy as np

    values = np.nan_to_num(np.asarray(image, np.float64), posinf=0, neginf=0)
    highest, lowest = values.max(initial=0), values.min(initial=0)
    if image.mode == "F":
        top = float_top(highest)
        notes.append(f"float samples, read as 0..{top:g}, reduced to 8 bits")
    elif lowest < 0 or highest > Gray.top:
        raise ImageError(f"the samples are {lowest:.0f} to {highest:.0f}; lbic reads integers from 0 to {Gray.top}")
    else:
        notes.append(REDUCED)
        top = gray.top
    shares = np.nan_to_num(np.clip(np.asarray(image, np.float64), 0, top) / top)
    return 1 - shares if gray.inverted else shares


def float_top(highest: float) -> float:
    """Return the float that is white: 1, 255 or 65535, by the picture's highest sample.

    Raises ImageError if the highest sample is far from all of them, as in a picture of high
    dynamic range, where white is not known.
    """
    for top, (least, most) in _FLOAT_TOPS.items():
        if least <= highest <= most:
            return top
    raise ImageError(f"the float samples reach {highest:.4g}; lbic reads 0 to 1, 0 to 255 and 0 to 65535")
