"""Damage by the real codec: pictures become .lbic files, and those become luma again."""

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
    """Squeeze the contrast of an RGB picture to 16..235."""
    return image.point([round(16 + level * 219 / 255) for level in range(256)] * 3)


def encode(image: Image.Image, data: DataConfig, quality: int) -> bytes:
    """Compress an RGB picture as ``lbic compress`` does; returns the .lbic file."""
    from lbic import pipeline  # needs the codecs, which a machine that only trains may lack

    settings = pipeline.CompressSettings(
        codec=data.codec, quality=quality, scale=data.scale * _SIXTEENTHS, effort=data.effort, type=NONE
    )
    return pipeline.compress(image, settings).data


def coded_luma(data: bytes) -> Bytes:
    """The luma of a .lbic file as its codec left it, (height, width) at the original size, 8 bits."""
    from lbic import pipeline

    return _rounded(pipeline.decode_planes(data).y)


def true_luma(image: Image.Image) -> Bytes:
    """The luma of an undamaged RGB picture, (height, width), rounded to 8 bits."""
    return _rounded(color.rgb_to_ycbcr(np.asarray(image))[0])


def _rounded(luma: color.Plane) -> Bytes:
    return color.to_levels(luma, 255).astype(np.uint8)
