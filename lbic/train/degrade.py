"""Damage by the real codec: pictures become .lbic files, and those become luma or RGB again."""

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


def camera(image: Image.Image, enlarge: float, grain: float, seed: int) -> Image.Image:
    """The middle of an RGB picture, enlarged, with noise: of the same size, soft and grainy.

    Cameras interpolate two of three colours and smooth noise away, scanners see grain: at full resolution
    their pictures are far softer than those that were made smaller since. ``grain`` is the standard deviation of the
    noise in levels before the enlargement, the same on all three channels; ``seed`` decides its values.
    """
    width, height = image.size
    inner = round(width / enlarge), round(height / enlarge)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    part = np.asarray(image.crop((left, top, left + inner[0], top + inner[1])), np.float32)
    noise = np.random.default_rng(seed).normal(0, grain, (*part.shape[:2], 1))
    grainy = Image.fromarray(np.clip(np.rint(part + noise), 0, 255).astype(np.uint8))
    return grainy.resize(image.size, Image.Resampling.BICUBIC)


def encode(image: Image.Image, data: DataConfig, quality: int) -> bytes:
    """Compress an RGB picture as ``lbic compress`` does; returns the .lbic file."""
    from lbic import pipeline  # needs the codecs, which a machine that only trains may lack

    settings = pipeline.CompressSettings(
        codec=data.codec, quality=quality, scale=data.scale * _SIXTEENTHS, effort=data.effort, type=NONE
    )
    return pipeline.compress(image, settings).data


def coded(data: bytes, channels: int) -> Bytes:
    """A .lbic file as its codec left it, (height, width, channels) at the original size, 8 bits."""
    from lbic import pipeline

    planes = pipeline.decode_planes(data)
    return _luma(planes.y) if channels == 1 else color.planes_to_uint8(planes)


def true(image: Image.Image, channels: int) -> Bytes:
    """An undamaged RGB picture, (height, width, channels), 8 bits: its luma, or as it is."""
    rgb = np.asarray(image)
    return _luma(color.rgb_to_ycbcr(rgb)[0]) if channels == 1 else rgb


def _luma(y: color.Plane) -> Bytes:
    return color.to_levels(y, 255).astype(np.uint8)[..., None]
