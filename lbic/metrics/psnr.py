"""Peak signal-to-noise ratio (PSNR) of 8-bit pictures, in dB; higher is better.

PSNR = 10 log10(255^2 / MSE), with the MSE over all samples. Equal pictures give infinity: a cap
would turn a perfect result into an arbitrary number.
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
    """Return the PSNR in dB of two arrays of levels in 0..255; infinity when they are equal.

    Raises ValueError for different shapes.
    """
    if reference.shape != other.shape:
        raise ValueError(f"pictures of different shapes: {reference.shape} and {other.shape}")
    difference = reference.astype(np.float64) - other
    mse = float(np.mean(difference * difference))
    return math.inf if mse == 0 else 10 * math.log10(_PEAK * _PEAK / mse)


def psnr_rgb(reference: Image.Image, other: Image.Image) -> float:
    """Return the PSNR in dB over all R, G and B samples; gray counts as three equal channels."""
    return psnr(rgb(reference), rgb(other))


def psnr_luma(reference: Image.Image, other: Image.Image) -> float:
    """Return the PSNR in dB of 8-bit luma (see ``luma``).

    Most papers on restoration networks publish this PSNR.
    """
    return psnr(luma(reference), luma(other))


def psnr_picture(original: Image.Image, other: Image.Image) -> float:
    """Return psnr_luma for a gray original (mode L) and psnr_rgb for any other, in dB.

    Targets and the choice of a type use this PSNR.
    """
    if original.mode == "L":
        return psnr_luma(original, other.convert("L"))
    return psnr_rgb(original, other.convert("RGB"))


def rgb(image: Image.Image) -> Levels:
    """Return the picture as (height, width, 3) uint8."""
    return np.asarray(image.convert("RGB"))


def luma(image: Image.Image) -> Levels:
    """Return the luma of a picture as MATLAB's rgb2ycbcr computes it: (height, width) uint8.

    Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, rounded, in 16..235 (BT.601). A gray picture
    (mode L) is returned unchanged.
    """
    if image.mode == "L":
        return np.asarray(image)
    y = 16 + rgb(image) @ (np.array([65.481, 128.553, 24.966]) / 255)
    # MATLAB rounds halves up; np.rint would round them to even.
    levels: Levels = np.floor(y + 0.5).astype(np.uint8)
    return levels


def gray(image: Image.Image) -> Levels:
    """Return MATLAB's rgb2gray of a picture: (height, width) uint8.

    It is about 0.299 R + 0.587 G + 0.114 B, rounded. Published values of SSIM use it.
    """
    weights = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
    levels: Levels = np.floor(rgb(image) @ weights + 0.5).astype(np.uint8)
    return levels
