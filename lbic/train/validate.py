"""Validation: how much better a network makes coded pictures, in dB of PSNR (luma or RGB)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from lbic.train.data import Bytes, Floats, PairSet

Restore = Callable[[Floats, int], Floats]
"""A network as a function of a picture, (height, width, channels) in [0, 1], and its quality, to the same shape."""


def psnr(truth: Bytes | Floats, picture: Bytes | Floats) -> float:
    """PSNR in dB of pictures in 0..255."""
    error = np.square(truth.astype(np.float64) - picture.astype(np.float64)).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def gains(restore: Restore, pairs: PairSet, multiple: int, crop: int = 0) -> dict[int, float]:
    """Mean PSNR gain over the coded picture for each quality of a prepared folder.

    Pictures are padded to a ``multiple`` as enhance/tiling.py does, by repeating their last column and row. ``crop``
    above 0 looks only at the middle ``crop`` x ``crop`` pixels of every picture.
    """
    found: dict[int, list[float]] = defaultdict(list)
    for pair in pairs.pairs:
        truth, coded = (_middle(picture, crop) for picture in pairs.pictures(pair))
        height, width = coded.shape[:2]
        padded = np.pad(coded, ((0, -height % multiple), (0, -width % multiple), (0, 0)), "edge")
        output = restore(padded.astype(np.float32) / np.float32(255), pair.quality)[:height, :width]
        restored = np.clip(output, 0, 1) * np.float32(255)
        found[pair.quality].append(psnr(truth, restored) - psnr(truth, coded))
    return {quality: float(np.mean(values)) for quality, values in sorted(found.items())}


def _middle(picture: Bytes, crop: int) -> Bytes:
    if not crop:
        return picture
    top, left = (max(0, (side - crop) // 2) for side in picture.shape[:2])
    return picture[top : top + crop, left : left + crop]
