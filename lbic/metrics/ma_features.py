"""Features of Ma's metric: statistics of local and global frequencies and of space.

Ma, Yang, Yang and Yang, "Learning a No-Reference Quality Metric for Single-Image Super-Resolution"
(Computer Vision and Image Understanding, 2017), with the constants of the authors' published
program (chaoma99/sr-metric).
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lbic.metrics.imresize import imresize
from lbic.metrics.ssim import similarity
from lbic.metrics.steerable import pyramid

_STEP, _BORDER = 3, 2
"""Blocks of the cosine transform are 3 pixels apart and overlap by 2 pixels on each side."""
_SIDE = _STEP + 2 * _BORDER
_PATCH = 5
"""Side of the patches in pixels."""
SIZES = (18, 45, 75)
"""Features in the three groups: local frequencies, global frequencies, space."""
LEAST_SIDE = 4 * (_PATCH * (_PATCH - 1) + 1)
"""The smallest side in pixels: at a quarter of the size there are still 25 patches."""
_ORIENTATIONS, _SCALES = 6, 2
_GUARD = 16
"""Border of the finest bands in pixels that is left out, since the transform wraps around there.

It is half as wide on the next scale.
"""
_TINY, _TINIER = 1e-7, 1e-8
"""Added to divisors, which are 0 in flat blocks; the forests were trained with these values."""

Floats = NDArray[np.float64]


def features(plane: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
    """Return the features of local frequencies, global frequencies and space: vectors of SIZES.

    The plane is luma, (height, width) in 0..255. Raises ValueError when a side is below
    LEAST_SIDE.
    """
    if min(plane.shape) < LEAST_SIDE:
        raise ValueError(
            f"Ma's metric needs sides of {LEAST_SIDE} pixels; the picture is {plane.shape[1]}x{plane.shape[0]}"
        )
    sizes = [plane / 255]
    for _ in range(2):
        sizes.append(_smaller(sizes[-1]))
    local = np.concatenate([_local(size) for size in sizes])
    space = np.concatenate([_singular_values(size) for size in sizes])
    return local, _global(plane.astype(np.float64)), space


def _smaller(plane: Floats) -> Floats:
    """Blur with a 3x3 Gaussian (standard deviation 0.5, black beyond the borders) and halve."""
    kernel = np.exp([-2.0, 0.0, -2.0])
    kernel /= kernel.sum()
    for _ in (0, 1):
        padded = np.pad(plane, ((1, 1), (0, 0)))
        plane = sum(weight * padded[k : k + len(plane)] for k, weight in enumerate(kernel)).T
    return plane[1::2, 1::2]


# Local frequencies


def _local(plane: Floats) -> Floats:
    """Return six statistics of the blocks.

    Two each are of their shape, of their variation, and of its variance over orientations.
    """
    rows, columns = (math.ceil(length / _STEP) * _STEP - length + _BORDER for length in plane.shape)
    windows = sliding_window_view(np.pad(plane, ((_BORDER, rows), (_BORDER, columns))), (_SIDE, _SIDE))
    # One row of blocks at a time: all blocks of a large picture would need too much memory.
    blocks = np.concatenate([_block_statistics(row[::_STEP]) for row in windows[::_STEP]])
    shapes, variations, differences = np.sort(blocks, axis=0).T
    count = len(blocks)
    low, high = math.ceil(count * 0.1), int(count * 0.9) - 1
    pooled = [shapes[:low], shapes, variations[high:], variations, differences[high:], differences]
    return np.array([part.mean() for part in pooled])


def _block_statistics(blocks: Floats) -> Floats:
    """Return shape, variation, and variance of the variation over orientations: (blocks, 3).

    ``blocks`` is (blocks, 7, 7).
    """
    basis, orientations = _transform()
    coefficients = (basis @ blocks @ basis.T).reshape(len(blocks), -1)
    shapes = _shape(coefficients[:, 1:])
    by_orientation = [_variation(coefficients[:, chosen], _TINIER) for chosen in orientations]
    return np.stack([shapes, _variation(coefficients[:, 1:], _TINY), np.var(by_orientation, axis=0, ddof=1)], axis=1)


@lru_cache(maxsize=1)
def _transform() -> tuple[Floats, list[NDArray[np.bool_]]]:
    """Return the cosine transform, (7, 7), and three masks of its 49 coefficients.

    The masks select changes along rows, along diagonals and along columns.
    """
    n = np.arange(_SIDE)
    basis = np.sqrt(2 / _SIDE) * np.cos(np.pi * n[:, None] * (2 * n + 1) / (2 * _SIDE))
    basis[0] /= math.sqrt(2)
    rows = np.zeros((_SIDE, _SIDE), bool)
    for row, start in enumerate((1, 2, 4, 5)):
        rows[row, start:] = True
    diagonal = ~(rows | rows.T)
    diagonal[0, 0] = False
    return basis, [rows.ravel(), diagonal.ravel(), rows.T.ravel()]


def _variation(values: Floats, tiny: float) -> Floats:
    """Return the coefficient of variation of the magnitudes along the last axis."""
    magnitudes = np.abs(values)
    variation: Floats = magnitudes.std(axis=-1, ddof=1) / (magnitudes.mean(axis=-1) + tiny)
    return variation


def _shape(values: Floats) -> Floats:
    """Fit generalised Gaussians along the last axis by their ratio of moments; return the shapes.

    A normal distribution has shape 2, a Laplacian one 1.
    """
    deviation = np.abs(values - values.mean(axis=-1, keepdims=True)).mean(axis=-1)
    shapes, borders = _shapes()
    fitted: Floats = shapes[np.searchsorted(borders, -values.var(axis=-1, ddof=1) / (deviation**2 + _TINY))]
    return fitted


@lru_cache(maxsize=1)
def _shapes() -> tuple[Floats, Floats]:
    """Return the shapes 0.03 to 10 that are tried, and the borders between them.

    A border is minus the ratio of moments half way between two shapes, so that borders rise.
    """
    shapes = np.arange(30, 10_001) / 1000
    gamma = np.vectorize(math.gamma)
    ratios = gamma(1 / shapes) * gamma(3 / shapes) / gamma(2 / shapes) ** 2
    return shapes, -(ratios[1:] + ratios[:-1]) / 2


# Global frequencies


def _global(plane: Floats) -> Floats:
    """Return the shapes of the bands, and their similarity across scales and orientations."""
    residual, bands = pyramid(plane, _SCALES, _ORIENTATIONS)
    fine, coarse = (_normalised(bands, scale) for scale in range(_SCALES))
    both = [np.concatenate([one.ravel(), two.ravel()]) for one, two in zip(fine, coarse, strict=True)]
    shapes = [float(_shape(band.ravel())) for band in (*fine, *coarse, *both)]
    across = [
        _alike(imresize(band, (residual.shape[0], residual.shape[1])), residual) for scale in bands for band in scale
    ]
    return np.array(shapes + across + [_alike(one, two) for one, two in combinations(fine, 2)])


def _alike(one: Floats, two: Floats) -> float:
    return float(similarity(one, two)[1].mean())


def _normalised(bands: list[list[Floats]], scale: int) -> list[Floats]:
    """Divide the bands of a scale by the magnitude that their neighbours predict.

    The model is a Gaussian scale mixture (Portilla et al., "Image Denoising Using Scale Mixtures
    of Gaussians in the Wavelet Domain", IEEE Transactions on Image Processing, 2003), whose
    multiplier is estimated for each coefficient. Neighbours are the coefficients of the
    surrounding 3x3, of the other orientations, and of the next coarser scale. The results have
    mean zero and no guard.
    """
    results = []
    guard = _GUARD >> scale
    inner = [band[1:-1, 1:-1] for band in bands[scale]]
    rows, columns = inner[0].shape
    for index, band in enumerate(bands[scale]):
        near = [band[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
        # The last orientation has no parent, as when the forests were trained.
        if scale + 1 < len(bands) and index + 1 < len(inner):
            parent = bands[scale + 1][index]
            near.append(imresize(parent, (2 * parent.shape[0], 2 * parent.shape[1]))[1 : rows + 1, 1 : columns + 1])
        count = len(near)
        near += [other for number, other in enumerate(inner) if number != index]
        stack = np.stack(near, axis=-1).reshape(rows * columns, -1)
        inverse = np.linalg.pinv(stack.T @ stack / len(stack), hermitian=True)
        # The divisor leaves out the other orientations, as when the forests were trained.
        multiplier = np.sqrt(np.maximum((stack @ inverse * stack).sum(axis=1), 0) / count).reshape(rows, columns)
        centred = inner[index] - inner[index].mean()
        quotient = np.divide(centred, multiplier, out=np.zeros_like(centred), where=multiplier > 0)
        quotient = quotient[guard:-guard, guard:-guard]
        results.append(quotient - quotient.mean())
    return results


# Space


def _singular_values(plane: Floats) -> Floats:
    """Return the singular values of the 5x5 patches, (25,); black completes the last ones."""
    rows, columns = (-length % _PATCH for length in plane.shape)
    padded = np.pad(plane, ((0, rows), (0, columns)))
    patches = padded.reshape(len(padded) // _PATCH, _PATCH, -1, _PATCH).swapaxes(1, 2).reshape(-1, _PATCH**2)
    return np.linalg.svd(patches, compute_uv=False).astype(np.float64)
