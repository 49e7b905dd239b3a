"""Validation: the PSNR that a network gains over the coded pictures, in luma or RGB."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from lbic.metrics.psnr import psnr
from lbic.train.data import Bytes, Floats, PairSet

Restore = Callable[[Floats, int], Floats]
"""A network as a function of a coded picture and its quality; it returns the restored picture.

Both pictures are (height, width, channels) float32 in [0, 1].
"""
_EQUAL = 138.0
"""PSNR in dB that counts for equal pictures, so that gains are finite."""


def gains(restore: Restore, pairs: PairSet, multiple: int, crop: int = 0) -> dict[int, float]:
    """Return the mean PSNR gain over the coded pictures in dB, by quality.

    Pictures are padded to sides that are multiples of ``multiple`` by repeating the last row and
    column, as in enhance/tiling.py. If ``crop`` is above 0, only the middle ``crop`` x ``crop``
    pixels of each picture are measured.
    """
    by_quality: dict[int, list[float]] = defaultdict(list)
    for pair in pairs.pairs:
        truth, coded = (_middle(picture, crop) for picture in pairs.pictures(pair))
        height, width = coded.shape[:2]
        padded = np.pad(coded, ((0, -height % multiple), (0, -width % multiple), (0, 0)), "edge")
        output = restore(padded.astype(np.float32) / np.float32(255), pair.quality)[:height, :width]
        restored = np.clip(output, 0, 1) * np.float32(255)
        by_quality[pair.quality].append(min(psnr(truth, restored), _EQUAL) - min(psnr(truth, coded), _EQUAL))
    return {quality: float(np.mean(values)) for quality, values in sorted(by_quality.items())}


def _middle(picture: Bytes, crop: int) -> Bytes:
    if not crop:
        return picture
    top, left = (max(0, (side - crop) // 2) for side in picture.shape[:2])
    return picture[top : top + crop, left : left + crop]
