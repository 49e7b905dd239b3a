"""SSIM and MS-SSIM, the structural similarity of two pictures: 1 is equal, higher is better.

Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
Similarity" (IEEE Transactions on Image Processing, 2004), and Wang, Simoncelli and Bovik,
"Multi-scale Structural Similarity for Image Quality Assessment" (Asilomar, 2003). Published
figures use MATLAB's rgb2gray (see psnr.gray) and leave out the border where the window does not
fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = 11
"""Side in pixels of the Gaussian window (standard deviation 1.5), and the smallest side for SSIM.
"""
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales of MS-SSIM, from fine to coarse (2003, section 3.2)."""
LEAST_SIDE = WINDOW * 2 ** (len(WEIGHTS) - 1)
"""The smallest side in pixels for MS-SSIM: the window fits into the coarsest scale."""
_LUMINANCE, CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""The constants C1 and C2 (2004, equations 7 and 9)."""

Floats = NDArray[np.float64]


def ssim(reference: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the SSIM of two planes, a number in -1..1 (2004, equation 13).

    Both are (height, width) in 0..255 with sides of at least WINDOW. Raises ValueError for smaller
    planes and for different shapes.
    """
    _check(reference, other, WINDOW)
    luminance, structure = similarity(reference.astype(np.float64), other.astype(np.float64))
    return float(np.mean(luminance * structure))


def ms_ssim(reference: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the MS-SSIM of two planes, a number in 0..1 (2003, equation 7).

    Both are (height, width) in 0..255 with sides of at least LEAST_SIDE. A scale with a negative
    mean (opposed structures) counts as 0. Raises ValueError for smaller planes and for different
    shapes.
    """
    return float(np.prod(np.maximum(scales(reference, other), 0) ** WEIGHTS))


def scales(reference: NDArray[Any], other: NDArray[Any]) -> Floats:
    """Return the factors of MS-SSIM, (5,): structure of four scales, SSIM of the last.

    Raises ValueError as ``ms_ssim`` does.
    """
    _check(reference, other, LEAST_SIDE)
    planes = [reference.astype(np.float64), other.astype(np.float64)]
    means = []
    for _ in WEIGHTS:
        luminance, structure = similarity(*planes)
        means.append(float(np.mean(structure)))
        planes = [_halve(plane) for plane in planes]
    return np.array([*means[:-1], np.mean(luminance * structure)])


def similarity(one: Floats, two: Floats) -> tuple[Floats, Floats]:
    """Return two maps: the similarity of luminance, and that of contrast and structure together.

    The planes are (height, width) in 0..255, the maps (height - WINDOW + 1, width - WINDOW + 1),
    one value for each position of the window (2004, equations 6, 9 and 10).
    """
    mean_one, mean_two = window_means(one), window_means(two)
    covariance = window_means(one * two) - mean_one * mean_two
    variances = window_means(one * one) - mean_one**2 + window_means(two * two) - mean_two**2
    luminance = (2 * mean_one * mean_two + _LUMINANCE) / (mean_one**2 + mean_two**2 + _LUMINANCE)
    structure = (2 * covariance + CONTRAST) / (variances + CONTRAST)
    return luminance, structure


def _check(reference: NDArray[Any], other: NDArray[Any], least: int) -> None:
    if reference.shape != other.shape:
        raise ValueError(f"pictures of different shapes: {reference.shape} and {other.shape}")
    if min(reference.shape) < least:
        height, width = reference.shape
        raise ValueError(f"SSIM needs sides of {least} pixels or more; the picture is {width}x{height}")


def window_means(plane: Floats) -> Floats:
    """Return the mean of a plane under each position of the window.

    The result has WINDOW - 1 rows and columns less than the plane.
    """
    kernel = np.exp(-0.5 * (np.arange(-(WINDOW // 2), WINDOW // 2 + 1) / 1.5) ** 2)
    kernel /= kernel.sum()
    rows, columns = (length - WINDOW + 1 for length in plane.shape)
    plane = sum(weight * plane[k : k + rows] for k, weight in enumerate(kernel))
    blurred: Floats = sum(weight * plane[:, k : k + columns] for k, weight in enumerate(kernel))
    return blurred


def _halve(plane: Floats) -> Floats:
    """Return the means of 2x2 pixels; the last row and column of odd sides are repeated."""
    rows, columns = plane.shape
    even = np.pad(plane, ((0, rows % 2), (0, columns % 2)), mode="edge")
    means: Floats = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return means
