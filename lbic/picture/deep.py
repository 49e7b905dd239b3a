"""Pictures deeper than 8 bits: read all bits, convert the colours, and reduce to 8 bits last.

Pillow opens colour of 16 bits as 8. This module gets the other half of each sample from
Pillow's own decoders, or all of it from FFmpeg's.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from PIL import Image

from lbic.picture import depth
from lbic.picture.depth import Deep
from lbic.picture.exif import without_orientation
from lbic.picture.icc import chosen_space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lbic.picture.cicp import Stated

_NATIVE = "L" if sys.byteorder == "little" else "B"
_OTHER = {"L": "B", "B": "L"}
_SHRINKS = ("RGB;16", "RGBA;16", "RGBX;16", "RGBa;16", "LA;16")
"""Pillow's raw modes for colour of 16 bits, of which it keeps 8; a letter for the byte order
follows."""


def convert(
    image: Image.Image, data: bytes, stated: Stated | None, *, keep_icc: bool, notes: list[str]
) -> tuple[Image.Image, Stated | None]:
    """Return a file's picture as 8-bit sRGB with its alpha, and None for its stated colours.

    ``image`` is Pillow's, opened and not loaded; ``data`` is the file. Where Pillow's 8 bits are
    as good, or more cannot be had, ``image`` and ``stated`` come back.
    """
    icc = image.info.get("icc_profile")
    converts = stated is not None and not stated.is_srgb
    deep = read(image, data, needed=converts or bool(icc and not keep_icc))
    return (image, stated) if deep is None else (rendered(image, deep, stated, keep_icc=keep_icc, notes=notes), None)


def rendered(image: Image.Image, deep: Deep, stated: Stated | None, *, keep_icc: bool, notes: list[str]) -> Image.Image:
    """Return deep samples as 8-bit sRGB with alpha; ``image`` has their info, format and profile.

    The result's info has the ICC profile only where it still has to be applied or kept.
    """
    icc = image.info.get("icc_profile")
    info = {name: value for name, value in image.info.items() if name != "transparency"}
    colours = chosen_space(icc, stated, notes, keep_icc=keep_icc)
    if colours is not None or stated is not None:
        info.pop("icc_profile", None)
        info["srgb"] = 0  # as for a PNG file's chunk sRGB: nothing else states the colours now
    if image.format == "TIFF" and isinstance(xmp := info.get("xmp"), bytes):
        info["xmp"] = without_orientation(xmp)  # Pillow turns TIFF pictures itself
    result = Image.fromarray(reduced(deep.samples) if colours is None else colours.to_srgb(deep.samples))
    if deep.alpha is not None:
        result.putalpha(Image.fromarray(reduced(deep.alpha)))
    result.info, result.format = info, image.format
    return result


def read(image: Image.Image, data: bytes, *, needed: bool) -> Deep | None:
    """Return all bits of a file's samples, or None if there is no way to read them.

    PNG and TIFF are always read so, AVIF and JPEG 2000 only if ``needed``: their depth matters to
    a conversion of colours, and rounding is done well by Pillow's reader. It also reads those with
    alpha.
    """
    if image.format in ("PNG", "TIFF"):
        return _halves(image, data)
    if needed and image.format in ("AVIF", "JPEG2000") and image.mode == "RGB":
        from lbic.picture import ffmpeg

        return ffmpeg.avif(data) if image.format == "AVIF" else ffmpeg.jpeg2000(data)
    return None


def reduced(samples: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Round samples of 16 bits to 8."""
    import numpy as np

    table = np.rint(np.arange(65_536) / 257).astype(np.uint8)
    return table[samples]


def _halves(image: Image.Image, data: bytes) -> Deep | None:
    """Decode a PNG or TIFF file twice, for the high and low bytes of its samples.

    Pillow's unpacker of 16-bit colour keeps the byte that the byte order calls high: with the
    other order it keeps the low one.
    """
    import numpy as np

    rawmode = depth.tile_values(image)[:1]
    if not rawmode or not str(rawmode[0]).startswith(_SHRINKS) or _planes(image) > 1:
        return None
    page = image.tell()
    base, order = rawmode[0][:-1], rawmode[0][-1]
    order = _NATIVE if order == "N" else order
    if base == "LA;16":  # four bytes, which are those of RGBA
        halves = _decoded(data, page, "RGBA", "RGBA")
        levels = _joined(halves[..., ::2], halves[..., 1::2])
        return Deep(levels[..., 0], levels[..., 1])
    plain = base.replace("RGBa", "RGBA")  # Pillow would divide by alpha in 8 bits
    levels = _joined(*(_decoded(data, page, image.mode, plain + each) for each in (order, _OTHER[order])))
    colour = np.ascontiguousarray(levels[..., :3])
    clear = image.info.get("transparency")
    if levels.shape[-1] == 4:
        alpha = levels[..., 3]
        return Deep(divided(colour, alpha) if base == "RGBa;16" else colour, alpha)
    if image.format == "PNG" and isinstance(clear, tuple):
        is_clear = (colour == np.array(clear, np.uint16)).all(axis=-1)
        return Deep(colour, np.where(is_clear, np.uint16(0), np.uint16(65_535)))
    return Deep(colour)


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Join the high and low bytes of samples."""
    import numpy as np

    levels = high.astype(np.uint16)
    levels <<= 8
    levels |= low
    return levels


def _planes(image: Image.Image) -> int:
    return int(getattr(image, "_planar_configuration", 1))


def _decoded(data: bytes, page: int, mode: str, rawmode: str) -> NDArray[np.uint8]:
    """Return a file's samples, (height, width, channels), by another raw mode than Pillow's.

    ``page`` is the number of a TIFF file's page, from 0.
    """
    import numpy as np

    with Image.open(io.BytesIO(data), formats=("PNG", "TIFF")) as image:
        image.seek(page)
        image._mode = mode
        image.tile = [
            tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
            for tile in image.tile
        ]
        return np.asarray(image)


def divided(colour: NDArray[np.uint16], alpha: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Divide colour by alpha, which was multiplied with it."""
    import numpy as np

    share = np.maximum(alpha, 1)[..., None].astype(np.float32) / np.float32(65_535)
    return np.minimum(np.rint(colour / share), 65_535).astype(np.uint16)
