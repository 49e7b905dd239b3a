"""Flatness: the texture that an enhancement adds where the original has none.

A network trained to restore texture may draw a fine pattern on plain walls and skies. The eye sees
it at once, but a mean over the whole picture does not show it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lbic import color
from lbic.metrics.psnr import rgb

SIDE = 16
"""Side of the blocks in pixels. Incomplete blocks at the right and lower border are ignored."""
FLAT = 1.5
"""A block is flat if the standard deviation of its original luma is below this, in levels."""

Floats = NDArray[np.float64]


def added_deviation(original: Image.Image, before: Image.Image, after: Image.Image) -> Floats:
    """Return the standard deviation of ``after`` - ``before`` in each flat block of ``original``.

    The result has shape (flat blocks,) and is in levels. ``before`` is the codec's picture and
    ``after`` the enhanced one. Luma is BT.601 full range, 0..255. Raises ValueError for pictures
    of different sizes.
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
