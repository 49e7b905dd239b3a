"""The statistics of a picture that Ma's metric judges it by: three groups, of blocks, of bands and of patches.

Ma, Yang, Yang and Yang, "Learning a No-Reference Quality Metric for Single-Image Super-Resolution" (Computer Vision
and Image Understanding, 2017), with the constants of the authors' published program (chaoma99/sr-metric).
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lbic.metrics.ssim import similarity
from lbic.metrics.steerable import pyramid

_STEP, _BORDER = 3, 2
"""Blocks of the cosine transform lie 3 pixels apart and reach 2 further on each side."""
_SIDE = _STEP + 2 * _BORDER
_PATCH = 5
SIZES = (18, 45, 75)
"""Numbers of features in the three groups."""
LEAST_SIDE = 4 * (_PATCH * (_PATCH - 1) + 1)
"""Pixels: the smallest picture that has as many patches as a patch has pixels on a quarter of its size, too."""
_ORIENTATIONS, _SCALES = 6, 2
_GUARD = 16
"""Border of the finest bands, in pixels, that wraps around or has no neighbours; half of it on the next scale."""
_TINY, _TINIER = 1e-7, 1e-8
"""Keep flat blocks from dividing by zero; the forests were trained with just these."""

Floats = NDArray[np.float64]


def features(plane: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
    """Features of local frequencies, of global frequencies and of space: vectors of SIZES.

    The plane is (height, width) in 0..255. Raises ValueError when a side is below LEAST_SIDE.
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
    """Every second pixel after a 3x3 Gaussian of standard deviation 0.5; black lies beyond the borders."""
    kernel = np.exp([-2.0, 0.0, -2.0])
    kernel /= kernel.sum()
    for _ in (0, 1):
        padded = np.pad(plane, ((1, 1), (0, 0)))
        plane = sum(weight * padded[k : k + len(plane)] for k, weight in enumerate(kernel)).T
    return plane[1::2, 1::2]


# Local frequencies


def _local(plane: Floats) -> Floats:
    """Six statistics of the blocks: of their shape, of their variation, and of its differences by orientation."""
    rows, columns = (math.ceil(length / _STEP) * _STEP - length + _BORDER for length in plane.shape)
    windows = sliding_window_view(np.pad(plane, ((_BORDER, rows), (_BORDER, columns))), (_SIDE, _SIDE))
    # A row of blocks at a time: all of a large picture's would fill the memory.
    blocks = np.concatenate([_block_statistics(row[::_STEP]) for row in windows[::_STEP]])
    shapes, variations, differences = np.sort(blocks, axis=0).T
    count = len(blocks)
    low, high = math.ceil(count * 0.1), int(count * 0.9) - 1
    pooled = [shapes[:low], shapes, variations[high:], variations, differences[high:], differences]
    return np.array([part.mean() for part in pooled])


def _block_statistics(blocks: Floats) -> Floats:
    """Of each block, (blocks, 7, 7): shape, variation, and variance of the orientations' variations: (blocks, 3)."""
    basis, orientations = _transform()
    coefficients = (basis @ blocks @ basis.T).reshape(len(blocks), -1)
    shapes = _shape(coefficients[:, 1:])
    by_orientation = [_variation(coefficients[:, chosen], _TINIER) for chosen in orientations]
    return np.stack([shapes, _variation(coefficients[:, 1:], _TINY), np.var(by_orientation, axis=0, ddof=1)], axis=1)


@lru_cache(maxsize=1)
def _transform() -> tuple[Floats, list[NDArray[np.bool_]]]:
    """The cosine transform, (7, 7), and which of the 49 coefficients change along rows, diagonally, along columns."""
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
    """Coefficient of variation of the magnitudes in each row."""
    magnitudes = np.abs(values)
    variation: Floats = magnitudes.std(axis=-1, ddof=1) / (magnitudes.mean(axis=-1) + tiny)
    return variation


def _shape(values: Floats) -> Floats:
    """Shape of the generalised Gaussian whose ratio of moments is that of the last axis: 2 normal, 1 Laplacian."""
    deviation = np.abs(values - values.mean(axis=-1, keepdims=True)).mean(axis=-1)
    shapes, borders = _shapes()
    found: Floats = shapes[np.searchsorted(borders, -values.var(axis=-1, ddof=1) / (deviation**2 + _TINY))]
    return found


@lru_cache(maxsize=1)
def _shapes() -> tuple[Floats, Floats]:
    """The shapes 0.03 to 10 that are told apart, and minus the ratios of moments where the nearest one changes."""
    shapes = np.arange(30, 10_001) / 1000
    gamma = np.vectorize(math.gamma)
    ratios = gamma(1 / shapes) * gamma(3 / shapes) / gamma(2 / shapes) ** 2
    return shapes, -(ratios[1:] + ratios[:-1]) / 2


# Global frequencies


def _global(plane: Floats) -> Floats:
    """Shapes of the bands, and how alike they are across scales and orientations."""
    residual, bands = pyramid(plane, _SCALES, _ORIENTATIONS)
    fine, coarse = (_normalised(bands, scale) for scale in range(_SCALES))
    both = [np.concatenate([one.ravel(), two.ravel()]) for one, two in zip(fine, coarse, strict=True)]
    shapes = [float(_shape(band.ravel())) for band in (*fine, *coarse, *both)]
    across = [_alike(_enlarge(band, residual.shape), residual) for scale in bands for band in scale]
    return np.array(shapes + across + [_alike(one, two) for one, two in combinations(fine, 2)])


def _alike(one: Floats, two: Floats) -> float:
    return float(similarity(one, two)[1].mean())


def _normalised(bands: list[list[Floats]], scale: int) -> list[Floats]:
    """The bands of a scale divided by what their neighbours let expect, and of mean zero, without their guards.

    Neighbours are the coefficients of the surrounding 3x3, of the other orientations, and of the next coarser scale:
    a Gaussian scale mixture (Portilla et al., "Image Denoising Using Scale Mixtures of Gaussians in the Wavelet
    Domain", IEEE Transactions on Image Processing, 2003), whose multiplier is estimated for each coefficient.
    """
    found = []
    guard = _GUARD >> scale
    inner = [band[1:-1, 1:-1] for band in bands[scale]]
    rows, columns = inner[0].shape
    for index, band in enumerate(bands[scale]):
        near = [band[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
        # The last orientation of the finest scale goes without a parent: so the forests were trained.
        if scale + 1 < len(bands) and index + 1 < len(inner):
            parent = bands[scale + 1][index]
            near.append(_enlarge(parent, (2 * parent.shape[0], 2 * parent.shape[1]))[1 : rows + 1, 1 : columns + 1])
        count = len(near)
        near += [other for number, other in enumerate(inner) if number != index]
        stack = np.stack(near, axis=-1).reshape(rows * columns, -1)
        inverse = np.linalg.pinv(stack.T @ stack / len(stack), hermitian=True)
        # Not by all neighbours, though the other orientations are among them: again as trained.
        multiplier = np.sqrt(np.maximum((stack @ inverse * stack).sum(axis=1), 0) / count).reshape(rows, columns)
        centred = inner[index] - inner[index].mean()
        quotient = np.divide(centred, multiplier, out=np.zeros_like(centred), where=multiplier > 0)
        quotient = quotient[guard:-guard, guard:-guard]
        found.append(quotient - quotient.mean())
    return found


def _enlarge(plane: Floats, shape: tuple[int, ...]) -> Floats:
    """MATLAB's imresize to a shape that is not smaller: bicubic (a = -0.5), borders mirrored."""
    for length in shape:
        old = len(plane)
        at = (np.arange(length) + 0.5) * old / length - 0.5
        below = np.floor(at).astype(int)
        taken = np.zeros((length, plane.shape[1]))
        for k in range(-1, 3):
            distance = np.abs(at - below - k)
            near = 1.5 * distance**3 - 2.5 * distance**2 + 1
            far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
            index = below + k
            index = np.where(index < 0, -1 - index, np.where(index >= old, 2 * old - 1 - index, index))
            taken += np.where(distance <= 1, near, far)[:, None] * plane[index]
        plane = taken.T
    return plane


# Space


def _singular_values(plane: Floats) -> Floats:
    """Singular values, (25,), of the 5x5 patches side by side; black fills up the last ones."""
    rows, columns = (-length % _PATCH for length in plane.shape)
    padded = np.pad(plane, ((0, rows), (0, columns)))
    patches = padded.reshape(len(padded) // _PATCH, _PATCH, -1, _PATCH).swapaxes(1, 2).reshape(-1, _PATCH**2)
    return np.linalg.svd(patches, compute_uv=False).astype(np.float64)
