"""JPEG through Pillow (libjpeg-turbo): 8 bits, 4:2:0 or gray."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from lbic import limits
from lbic.codecs import payload_jpeg
from lbic.codecs.base import Geometry, check_length
from lbic.codecs.raster import check_geometry, reading
from lbic.color import Planes, from_levels, to_levels
from lbic.errors import CodecError, TooLargeError
from lbic.format.container import PAYLOAD_JPEG, PAYLOAD_STREAM
from lbic.picture.pillow_limits import own_limits

_TOP = 255
_MIDDLE = 128
_MOST_SIDE = 65_500  # libjpeg's own limit, a little below the 16 bits of the frame header
_WAYS: tuple[dict[str, bool], ...] = ({}, {"optimize": True}, {"progressive": True})
"""Standard Huffman tables, which cost nothing in a .lbic file; tables of its own; several scans. All decode alike."""


class JpegCodec:
    """JPEG in the way that gives the smallest file; effort has no meaning here."""

    id = 3
    name = "jpeg"
    summary = "JPEG, 4:2:0 or gray, the smallest of baseline and progressive (Pillow)"
    quality_symbol = "q"
    quality_range = (1, 95)
    useful_quality = (5, 60)
    default_quality = 20
    lower_is_better = False
    lambda_scales: tuple[float, ...] = (1.0,)

    def availability(self) -> str | None:
        return None

    def programs(self) -> tuple[str, ...]:
        return ()

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Code planes as JPEG; chroma goes in at full size by repetition, which libjpeg's 2x2 mean undoes exactly."""
        if max(planes.width, planes.height) > _MOST_SIDE:
            raise TooLargeError(f"{planes.width}x{planes.height}: a JPEG's sides may be at most {_MOST_SIDE} pixels")
        luma = to_levels(planes.y, _TOP).astype(np.uint8)
        if planes.cb is None or planes.cr is None:
            image = Image.fromarray(luma)
        else:
            chroma = (_repeat(to_levels(c, _TOP, _MIDDLE), planes) for c in (planes.cb, planes.cr))
            image = Image.fromarray(np.stack([luma, *chroma], axis=-1), mode="YCbCr")
        geometry = Geometry(planes.width, planes.height, planes.gray)
        streams = [stream for options in _WAYS if (stream := _saved(image, quality, options))]
        if not streams:
            raise CodecError("libjpeg cannot code the picture")
        return min(streams, key=lambda stream: len(self.shorten(stream, geometry, quality)[1]))

    def shorten(self, stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
        payload = payload_jpeg.shorten(stream, geometry, quality)
        return (PAYLOAD_JPEG, payload) if payload else (PAYLOAD_STREAM, stream)

    def restore(self, form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
        return payload if form == PAYLOAD_STREAM else payload_jpeg.restore(payload, geometry, quality)

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode to full-size planes: libjpeg's own chroma upsampling is part of what a JPEG looks like."""
        with reading("JPEG"):
            image = opened(data, geometry)
            if not geometry.gray:
                image.draft("YCbCr", image.size)  # the planes as they are coded, no trip through RGB
            image.load()
        levels = np.asarray(image)
        if geometry.gray:
            return Planes(from_levels(levels, _TOP))
        return Planes(from_levels(levels[..., 0], _TOP), *(from_levels(levels[..., i], _TOP, _MIDDLE) for i in (1, 2)))


def opened(data: bytes, geometry: Geometry) -> Image.Image:
    """A stream's picture before it is decoded, once what it claims is what the header says; else CodecError."""
    with reading("JPEG"):
        with own_limits():
            image = Image.open(io.BytesIO(data), formats=["JPEG"])
        if image.mode not in ("L", "RGB"):
            raise CodecError(
                f"the JPEG stream is {image.mode}, the header says {'gray' if geometry.gray else 'colour'}"
            )
        check_geometry(image.size, image.mode == "L", geometry, "JPEG")
        check_length(data, *image.size, limits.JPEG_PIXELS_PER_BYTE, "JPEG")
    return image


def _saved(image: Image.Image, quality: int, options: dict[str, bool]) -> bytes | None:
    """The stream of one way; None where Pillow fails: the last two get room for one byte a pixel (two from quality 95
    on), which noise exceeds, while the first is written piece by piece."""
    out = io.BytesIO()
    try:
        image.save(out, "JPEG", quality=quality, subsampling="4:2:0", **options)
    except OSError:
        return None
    return out.getvalue()


def _repeat(half: np.ndarray, planes: Planes) -> np.ndarray:
    """Each chroma sample four times, cut to the luma's size."""
    return half.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)[: planes.height, : planes.width]
