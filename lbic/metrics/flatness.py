"""How much texture an enhancement adds where the original has none.

A network trained to restore texture may draw a fine pattern on plain walls and skies, which the eye finds at once and
no mean over a whole picture shows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lbic import color
from lbic.metrics.psnr import rgb

SIDE = 16
"""Side in pixels of the blocks that are looked at; incomplete ones at the right and lower border are not."""
FLAT = 1.5
"""Levels: a block of the original with a smaller standard deviation of luma is flat."""

Floats = NDArray[np.float64]


def added_deviation(original: Image.Image, before: Image.Image, after: Image.Image) -> Floats:
    """Standard deviation, in levels, of (``after`` - ``before``) in each flat block of ``original``: (flat blocks,).

    Luma is BT.601 full range, 0..255; ``before`` is the codec's picture, ``after`` the enhanced one. Raises
    ValueError for pictures of different sizes.
    """
    if not original.size == before.size == after.size:
        raise ValueError(f"pictures of different sizes: {original.size}, {before.size} and {after.size}")
    reference, plain, enhanced = (_luma(image) for image in (original, before, after))
    added: Floats = _block_deviations(enhanced - plain)[_block_deviations(reference) < FLAT]
    return added


def _luma(image: Image.Image) -> Floats:
    return color.rgb_to_ycbcr(rgb(image))[0].astype(np.float64) * 255


def _block_deviations(plane: Floats) -> Floats:
    rows, columns = (length // SIDE for length in plane.shape)
    blocks = plane[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE)
    deviations: Floats = blocks.std(axis=(1, 3))
    return deviations
