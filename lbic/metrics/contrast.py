"""Similarity of local contrast: whether a picture has as much texture, everywhere, as the original; 1 is equal.

The middle factor of SSIM (Wang et al., 2004, equation 9), without the factor that asks whether the texture is the
same one. It tells pictures from blurred ones as people do; noise would please it, so it compares only what is made
to resemble the original: the networks' pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lbic.metrics.psnr import luma
from lbic.metrics.ssim import CONTRAST, WINDOW, window_means


def contrast(reference: NDArray[Any], other: NDArray[Any]) -> float:
    """The mean contrast similarity, above 0 and at most 1, of two planes of one shape, (height, width) in 0..255.

    Planes are continued by their borders. Raises ValueError for different shapes.
    """
    if reference.shape != other.shape:
        raise ValueError(f"pictures of different shapes: {reference.shape} and {other.shape}")
    one, two = _variances(reference), _variances(other)
    return float(np.mean((2 * np.sqrt(one * two) + CONTRAST) / (one + two + CONTRAST)))


def contrast_picture(original: Image.Image, other: Image.Image) -> float:
    """The contrast similarity of two pictures' luma."""
    return contrast(luma(original), luma(other))


def _variances(plane: NDArray[Any]) -> NDArray[np.float64]:
    """The variance under SSIM's window around each pixel."""
    padded = np.pad(plane.astype(np.float64), WINDOW // 2, mode="edge")
    variances: NDArray[np.float64] = np.maximum(window_means(padded * padded) - window_means(padded) ** 2, 0)
    return variances
