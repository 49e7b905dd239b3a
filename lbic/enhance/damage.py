"""Measure whether a picture shows the damage of a lossy codec.

Two signs are measured in blocks of 8x8 pixels with texture or edges:

- A codec drops the highest frequencies of most blocks; what is left of them is the rounding to 8
  bits. In a photo from a camera, noise keeps them. docs/models.md has the measurements.
- In screenshots and drawings the pixels beside an edge are equal. A codec leaves ringing there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

SMOOTH_BLOCKS = 0.01
"""The share of textured blocks without high frequencies, from which on a picture is damaged."""
EQUAL_PIXELS = 0.45
"""The share of equal neighbours in textured blocks, from which on a picture is a clean drawing."""

_SIDE = 8
_MOST_BLOCKS = 8192
"""Blocks that are measured, spread over the picture."""
_FEWEST_BLOCKS = 8
"""With fewer textured blocks a picture has nothing that a network could restore."""
_TEXTURE = 1.0
"""The least RMS in levels of the middle frequencies of a textured block."""
_ROUNDING = 0.35
"""The most RMS in levels that rounding to 8 bits leaves in the high frequencies."""


def is_clean(image: Image.Image) -> bool:
    """Return whether a picture (mode L or RGB) shows no damage of a lossy codec."""
    blocks = _blocks(image.convert("L"))
    coefficients = np.asarray(_DCT @ blocks @ _DCT.T, np.float32)
    textured = _rms(coefficients, _MIDDLE) > _TEXTURE
    if np.count_nonzero(textured) < _FEWEST_BLOCKS:
        return True
    equal = np.mean(np.diff(blocks[textured], axis=2) == 0)
    smooth = np.mean(_rms(coefficients[textured], _HIGH) < _ROUNDING)
    return bool(equal >= EQUAL_PIXELS or smooth < SMOOTH_BLOCKS)


def _blocks(image: Image.Image) -> Floats:
    """Return blocks of a gray picture as (count, 8, 8) levels, evenly spread over it."""
    levels = np.asarray(image)
    rows, columns = (side // _SIDE for side in levels.shape)
    count = min(rows * columns, _MOST_BLOCKS)
    chosen = np.arange(count) * rows * columns // max(count, 1)
    tiled = levels[: rows * _SIDE, : columns * _SIDE].reshape(rows, _SIDE, columns, _SIDE)
    return tiled[chosen // max(columns, 1), :, chosen % max(columns, 1)].astype(np.float32)


def _rms(coefficients: Floats, frequencies: NDArray[np.bool_]) -> Floats:
    """Return the RMS of each block over some frequencies."""
    result: Floats = np.sqrt(np.mean(coefficients[:, frequencies] ** 2, axis=1))
    return result


def _dct() -> Floats:
    """Return the matrix of the orthonormal DCT-II of 8 samples."""
    k = np.arange(_SIDE)
    matrix = np.sqrt(2 / _SIDE) * np.cos((2 * k[None] + 1) * k[:, None] * np.pi / (2 * _SIDE))
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)


_DCT = _dct()
_ORDER = np.add.outer(np.arange(_SIDE), np.arange(_SIDE))
_MIDDLE, _HIGH = (_ORDER >= 3) & (_ORDER <= 6), _ORDER >= 9
