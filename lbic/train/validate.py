"""Validation: how much better a network makes coded pictures, in dB of luma PSNR."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from lbic.train.data import Bytes, Floats, PairSet

Restore = Callable[[Floats], Floats]
"""A network as a function of luma, (height, width) in [0, 1], to the same."""


def psnr(truth: Bytes | Floats, picture: Bytes | Floats) -> float:
    """PSNR in dB of planes in 0..255."""
    error = np.square(truth.astype(np.float64) - picture.astype(np.float64)).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def gains(restore: Restore, pairs: PairSet, crop: int = 0) -> dict[int, float]:
    """Mean PSNR gain over the coded picture for each quality of a prepared folder.

    ``crop`` above 0 looks only at the middle ``crop`` x ``crop`` pixels of every picture.
    """
    found: dict[int, list[float]] = defaultdict(list)
    for pair in pairs.pairs:
        truth, coded = (_middle(plane, crop) for plane in pairs.planes(pair))
        restored = np.clip(restore(coded.astype(np.float32) / np.float32(255)), 0, 1) * np.float32(255)
        found[pair.quality].append(psnr(truth, restored) - psnr(truth, coded))
    return {quality: float(np.mean(values)) for quality, values in sorted(found.items())}


def _middle(plane: Bytes, crop: int) -> Bytes:
    if not crop:
        return plane
    top, left = (max(0, (side - crop) // 2) for side in plane.shape)
    return plane[top : top + crop, left : left + crop]
