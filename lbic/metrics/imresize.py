"""MATLAB's imresize: bicubic resizing of a plane, which published metrics are computed with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def imresize(plane: Floats, shape: tuple[int, int]) -> Floats:
    """Resize a plane, (height, width) of any range, to ``shape`` with MATLAB's bicubic kernel.

    The kernel is that of Keys (1981) with a = -0.5. It is widened where the plane gets smaller,
    which prevents aliasing, and the plane is mirrored at its borders.
    """
    for length in shape:
        plane = _resize_rows(plane, length).T
    return plane


def _resize_rows(plane: Floats, length: int) -> Floats:
    old = len(plane)
    stretch = max(1.0, old / length)
    centres = (np.arange(length) + 0.5) * old / length - 0.5
    first = np.floor(centres - 2 * stretch).astype(int) + 1
    indices = first[:, None] + np.arange(int(np.ceil(4 * stretch)))
    weights = _kernel((centres[:, None] - indices) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    indices %= 2 * old
    indices = np.where(indices < old, indices, 2 * old - 1 - indices)
    result = np.zeros((length, plane.shape[1]))
    for index, weight in zip(indices.T, weights.T, strict=True):
        result += weight[:, None] * plane[index]
    return result


def _kernel(offsets: Floats) -> Floats:
    distance = np.abs(offsets)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights: Floats = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    return weights
