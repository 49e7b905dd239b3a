"""NIQE, the natural image quality evaluator: the distance from natural pictures; lower is better.

It needs no reference. Mittal, Soundararajan and Bovik, "Making a 'Completely Blind' Image Quality
Analyzer" (IEEE Signal Processing Letters, 2013). The pristine model is the authors' (LIVE,
University of Texas at Austin; NOTICE). Published figures differ in the luma that they measure:
MATLAB's function uses rgb2gray, the PIRM challenge the Y of rgb2ycbcr without 4 pixels on each
side.
"""

from __future__ import annotations

import io
import math
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic.metrics.imresize import imresize

BLOCK = 96
"""Side in pixels of the blocks that statistics are taken of; a picture needs at least two."""
_PARAMETERS = files("lbic.metrics") / "data" / "niqe_pristine.npz"
_ROUNDING = 1e-9
"""Smaller differences to the local mean are rounding noise; its sign would distort the fit."""
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Neighbours whose products are fitted: (rows, columns)."""

Floats = NDArray[np.float64]


def niqe(luma: NDArray[Any]) -> float:
    """Return NIQE of a luma plane, above 0; NaN where fewer than two blocks have any structure.

    The plane is (height, width) in 0..255. Both sides have at least 96 pixels, and one has at
    least 192. Raises ValueError for smaller planes.
    """
    rows, columns = luma.shape[0] // BLOCK, luma.shape[1] // BLOCK
    if rows * columns < 2:
        raise ValueError(
            f"NIQE needs two blocks of {BLOCK}x{BLOCK} pixels; the picture is {luma.shape[1]}x{luma.shape[0]}"
        )
    plane = luma[: rows * BLOCK, : columns * BLOCK].astype(np.float64)
    fine = _block_features(_structure(plane), BLOCK)
    coarse = _block_features(_structure(imresize(plane, (plane.shape[0] // 2, plane.shape[1] // 2))), BLOCK // 2)
    features = np.concatenate([fine, coarse], axis=1)
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        return math.nan
    pristine_mean, pristine_covariance = _pristine()
    difference = pristine_mean - np.nanmean(features, axis=0)
    covariance = (pristine_covariance + np.cov(whole, rowvar=False)) / 2
    return float(np.sqrt(difference @ np.linalg.pinv(covariance) @ difference))


def pirm_luma(luma: NDArray[Any]) -> NDArray[Any]:
    """Return a luma plane without 4 pixels on each side, as the PIRM protocol measures it."""
    return luma[4:-4, 4:-4]


@lru_cache(maxsize=1)
def _pristine() -> tuple[Floats, Floats]:
    """Return mean, (36,), and covariance, (36, 36), of the features of undamaged pictures."""
    with np.load(io.BytesIO(_PARAMETERS.read_bytes())) as stored:
        return stored["mu_pris_param"].astype(np.float64).ravel(), stored["cov_pris_param"].astype(np.float64)


def _structure(plane: Floats) -> Floats:
    """Return mean-subtracted, contrast-normalised coefficients (equations 1 to 3)."""
    mean = _blur(plane)
    difference = plane - mean
    difference[np.abs(difference) < _ROUNDING] = 0
    deviation = np.sqrt(np.abs(_blur(plane * plane) - mean * mean))
    coefficients: Floats = difference / (deviation + 1)
    return coefficients


def _blur(plane: Floats) -> Floats:
    """Blur with a 7x7 Gaussian of standard deviation 7/6; border pixels are repeated."""
    kernel = np.exp(-0.5 * (np.arange(-3, 4) / (7 / 6)) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        size = plane.shape[axis]
        padded = np.pad(plane, [(3, 3) if axis == k else (0, 0) for k in (0, 1)], mode="edge")
        plane = sum(weight * np.take(padded, range(k, k + size), axis) for k, weight in enumerate(kernel))
    return plane


def _block_features(coefficients: Floats, side: int) -> Floats:
    """Return 18 features of each block, (blocks, 18), from blocks of ``side`` pixels.

    They are fits to the coefficients and to the products of neighbours (section II-B).
    """
    rows, columns = (length // side for length in coefficients.shape)
    blocks = coefficients.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
    return np.array([_features(block) for block in blocks])


def _features(block: Floats) -> list[float]:
    shape, left, right = _fit(block)
    features = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        shape, left, right = _fit(block * np.roll(block, shift, axis=(0, 1)))
        mean = (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape) if not math.isnan(shape) else math.nan
        features += [shape, mean, left, right]
    return features


def _fit(values: Floats) -> tuple[float, float, float]:
    """Fit an asymmetric generalised Gaussian by moments; return its shape and both scales.

    The scales are those below and above zero. All are NaN where no value is below or none is above
    zero, as in MATLAB's function.
    """
    below, above = values[values < 0], values[values > 0]
    if not below.size or not above.size:
        return math.nan, math.nan, math.nan
    left, right = (float(np.sqrt(np.mean(np.square(part)))) for part in (below, above))
    ratio = left / right
    moments = float(np.mean(np.abs(values)) ** 2 / np.mean(np.square(values)))
    target = moments * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, ratios = _shapes()
    shape = float(shapes[np.argmin(np.square(ratios - target))])
    scale = math.sqrt(math.gamma(1 / shape) / math.gamma(3 / shape))
    return shape, left * scale, right * scale


@lru_cache(maxsize=1)
def _shapes() -> tuple[Floats, Floats]:
    """Return the shapes 0.2 to 10 that are tried, and the ratio of moments of each."""
    shapes = np.arange(0.2, 10.0005, 0.001)
    gamma = np.vectorize(math.gamma)
    return shapes, gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))
