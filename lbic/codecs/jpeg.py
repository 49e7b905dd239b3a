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
_MAX_SIDE = 65_500  # libjpeg's limit, slightly below the 16 bits of the frame header
_VARIANTS: tuple[dict[str, bool], ...] = ({}, {"optimize": True}, {"progressive": True})
"""Save options: the standard's Huffman tables, which take no bytes in a .lbic file; optimised
tables; several scans. All decode to the same picture."""


class JpegCodec:
    """JPEG in the variant with the smallest payload; effort has no effect."""

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
        """Return None: JPEG is always available."""
        return None

    def programs(self) -> tuple[str, ...]:
        """Return nothing: the encoder is part of Pillow."""
        return ()

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Encode planes, see Codec.encode.

        Chroma is repeated to full size; libjpeg's 2x2 mean undoes that exactly.
        """
        if max(planes.width, planes.height) > _MAX_SIDE:
            raise TooLargeError(f"{planes.width}x{planes.height}: a JPEG's sides may be at most {_MAX_SIDE} pixels")
        luma = to_levels(planes.y, _TOP).astype(np.uint8)
        if planes.cb is None or planes.cr is None:
            image = Image.fromarray(luma)
        else:
            chroma = (_repeat(to_levels(c, _TOP, _MIDDLE), planes) for c in (planes.cb, planes.cr))
            image = Image.fromarray(np.stack([luma, *chroma], axis=-1), mode="YCbCr")
        geometry = Geometry(planes.width, planes.height, planes.gray)
        streams = [stream for options in _VARIANTS if (stream := _saved(image, quality, options))]
        if not streams:
            raise CodecError("libjpeg cannot encode the picture")
        return min(streams, key=lambda stream: len(self.shorten(stream, geometry, quality)[1]))

    def shorten(self, stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
        """Return form and payload of a stream, see Codec.shorten."""
        payload = payload_jpeg.shorten(stream, geometry, quality)
        return (PAYLOAD_JPEG, payload) if payload else (PAYLOAD_STREAM, stream)

    def restore(self, form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
        """Return the stream of a payload, see Codec.restore."""
        return payload if form == PAYLOAD_STREAM else payload_jpeg.restore(payload, geometry, quality)

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode to full-size planes, with the chroma upsampling that libjpeg always applies."""
        with reading("JPEG"):
            image = opened(data, geometry)
            if not geometry.gray:
                # The coded planes, without a conversion to RGB and back.
                image.draft("YCbCr", image.size)
            image.load()
        levels = np.asarray(image)
        if geometry.gray:
            return Planes(from_levels(levels, _TOP))
        return Planes(from_levels(levels[..., 0], _TOP), *(from_levels(levels[..., i], _TOP, _MIDDLE) for i in (1, 2)))


def opened(data: bytes, geometry: Geometry) -> Image.Image:
    """Open a stream without decoding it. Raises CodecError if it does not match ``geometry``."""
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
    """Return the stream of one variant, or None if Pillow fails.

    Pillow's buffer for the last two variants has one byte per pixel (two from quality 95 on), too
    little for noise. The first variant is written in pieces.
    """
    out = io.BytesIO()
    try:
        image.save(out, "JPEG", quality=quality, subsampling="4:2:0", **options)
    except OSError:
        return None
    return out.getvalue()


def _repeat(half: np.ndarray, planes: Planes) -> np.ndarray:
    """Repeat each chroma sample in both directions, cut to the size of luma."""
    return half.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)[: planes.height, : planes.width]
