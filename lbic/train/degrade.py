"""Make coded pictures: prepare a picture, compress it, and decode it to luma or RGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lbic import color
from lbic.enhance.types import NONE
from lbic.train.config import DataConfig

Bytes = NDArray[np.uint8]
_SIXTEENTHS = 16


def limit_range(image: Image.Image) -> Image.Image:
    """Reduce the contrast of an RGB picture: map 0..255 to 16..235."""
    return image.point([round(16 + level * 219 / 255) for level in range(256)] * 3)


def camera(image: Image.Image, enlarge: float, grain: float, seed: int) -> Image.Image:
    """Make an RGB picture soft and grainy, like a camera's picture at full resolution.

    Cameras interpolate two of three colours and smooth noise; scanners record grain. So their
    pictures are far softer at full resolution than after downscaling. The middle of the picture
    gets noise and is enlarged by the factor ``enlarge`` to the picture's size. ``grain`` is the
    standard deviation of the noise in 8-bit levels; the noise is the same in all channels and
    follows from ``seed``.
    """
    width, height = image.size
    inner = round(width / enlarge), round(height / enlarge)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    part = np.asarray(image.crop((left, top, left + inner[0], top + inner[1])), np.float32)
    noise = np.random.default_rng(seed).normal(0, grain, (*part.shape[:2], 1))
    grainy = Image.fromarray(np.clip(np.rint(part + noise), 0, 255).astype(np.uint8))
    return grainy.resize(image.size, Image.Resampling.BICUBIC)


def encode(image: Image.Image, data: DataConfig, quality: int) -> bytes:
    """Compress an RGB picture as ``lbic compress`` does and return the .lbic file's bytes."""
    from lbic import pipeline  # loads the codecs, which a machine for training may lack

    settings = pipeline.CompressSettings(
        codec=data.codec, quality=quality, scale=data.scale * _SIXTEENTHS, effort=data.effort, type=NONE
    )
    return pipeline.compress(image, settings).data


def coded_picture(data: bytes, channels: int) -> Bytes:
    """Decode a .lbic file without enhancement to (height, width, channels) uint8, at full size."""
    from lbic import pipeline

    planes = pipeline.decode_planes(data)
    return _luma(planes.y) if channels == 1 else color.planes_to_uint8(planes)


def true_picture(image: Image.Image, channels: int) -> Bytes:
    """Return the luma of an RGB picture, or its RGB, as (height, width, channels) uint8."""
    rgb = np.asarray(image)
    return _luma(color.rgb_to_ycbcr(rgb)[0]) if channels == 1 else rgb


def _luma(y: color.Plane) -> Bytes:
    return color.to_levels(y, 255).astype(np.uint8)[..., None]
