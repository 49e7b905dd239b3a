"""Contrast similarity: how close the local contrast of a picture is to the original's; 1 is equal.

This is the contrast factor of SSIM (Wang et al., 2004, equation 9) without the structure factor.
It measures how much texture there is and not whether it is the same texture. Like people, it
prefers a picture to a blurred one. It would also reward noise, so it suits only pictures that are
made to resemble the original, such as the output of networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lbic.metrics.psnr import luma
from lbic.metrics.ssim import CONTRAST, WINDOW, window_means


def contrast(reference: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the mean contrast similarity of two planes, a number above 0 and at most 1.

    Both planes are (height, width) in 0..255. Their border pixels are repeated outwards. Raises
    ValueError for different shapes.
    """
    if reference.shape != other.shape:
        raise ValueError(f"pictures of different shapes: {reference.shape} and {other.shape}")
    one, two = _variances(reference), _variances(other)
    return float(np.mean((2 * np.sqrt(one * two) + CONTRAST) / (one + two + CONTRAST)))


def contrast_picture(original: Image.Image, other: Image.Image) -> float:
    """Return the contrast similarity of the luma of two pictures (see psnr.luma)."""
    return contrast(luma(original), luma(other))


def _variances(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Return the variance under SSIM's window around each pixel, in the plane's shape."""
    padded = np.pad(plane.astype(np.float64), WINDOW // 2, mode="edge")
    variances: NDArray[np.float64] = np.maximum(window_means(padded * padded) - window_means(padded) ** 2, 0)
    return variances
