"""Peak signal-to-noise ratio of 8-bit pictures.

PSNR = 10 log10(255^2 / MSE), in dB, with the MSE over all samples. Equal pictures give infinity:
a cap would turn a perfect result into an arbitrary number.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Levels = NDArray[np.uint8]

_PEAK = 255


def psnr(reference: NDArray[Any], other: NDArray[Any]) -> float:
    """PSNR in dB of two arrays of 8-bit levels of one shape; infinity when they are equal."""
    if reference.shape != other.shape:
        raise ValueError(f"pictures of different shapes: {reference.shape} and {other.shape}")
    difference = reference.astype(np.float64) - other
    mse = float(np.mean(difference * difference))
    return math.inf if mse == 0 else 10 * math.log10(_PEAK * _PEAK / mse)


def psnr_rgb(reference: Image.Image, other: Image.Image) -> float:
    """PSNR over the R, G and B samples together; gray pictures count as three equal channels."""
    return psnr(rgb(reference), rgb(other))


def psnr_luma(reference: Image.Image, other: Image.Image) -> float:
    """PSNR of 8-bit luma (see luma), the protocol of most published restoration networks."""
    return psnr(luma(reference), luma(other))


def psnr_picture(original: Image.Image, other: Image.Image) -> float:
    """What targets and choices go by: psnr_luma of a gray original (mode L), psnr_rgb of any other."""
    if original.mode == "L":
        return psnr_luma(original, other.convert("L"))
    return psnr_rgb(original, other.convert("RGB"))


def rgb(image: Image.Image) -> Levels:
    """The picture as (height, width, 3) levels."""
    return np.asarray(image.convert("RGB"))


def luma(image: Image.Image) -> Levels:
    """Y of MATLAB's rgb2ycbcr, rounded to 8 bits: 16 + (65.481 R + 128.553 G + 24.966 B) / 255.

    A picture of mode L is luma already and comes back as it is.
    """
    if image.mode == "L":
        return np.asarray(image)
    y = 16 + rgb(image) @ (np.array([65.481, 128.553, 24.966]) / 255)
    # MATLAB rounds halves up; np.rint would round them to even.
    levels: Levels = np.floor(y + 0.5).astype(np.uint8)
    return levels


def gray(image: Image.Image) -> Levels:
    """MATLAB's rgb2gray, rounded to 8 bits: about 0.299 R + 0.587 G + 0.114 B, by which SSIM is published."""
    weights = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
    levels: Levels = np.floor(rgb(image) @ weights + 0.5).astype(np.uint8)
    return levels
