"""Whether a picture enhanced in tiles is the picture enhanced whole, and whether the tiles' borders show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.restored import Coded, restore
from lbic.enhance import tiling
from lbic.enhance.types import EnhancementType
from lbic.metrics.psnr import rgb

TILE = 256


@dataclass(frozen=True)
class Seams:
    """``within`` is the share of pixels, 0..1, that tiles change by at most the limit.

    ``jump`` is by how many levels the difference between tiled and whole picture changes across a tile's border, the
    mean along the worst border; ``beside`` is the same one row or column further on. Equal ones show no seam.
    """

    within: float
    jump: float
    beside: float


def measure(coded: Coded, kind: EnhancementType, limit: int) -> Seams:
    """Enhance a picture whole and in tiles of TILE pixels; ``limit`` is in levels, over the worst channel."""
    whole, tiled = (restore(coded, kind, tile) for tile in (max(coded.original.size), TILE))
    return compare(whole, tiled, TILE, limit)


def compare(whole: Image.Image, tiled: Image.Image, tile: int, limit: int) -> Seams:
    """Compare two pictures of one size, the second of which was made in tiles of ``tile`` pixels."""
    difference = rgb(tiled).astype(np.int16) - rgb(whole)
    within = float(np.mean(np.abs(difference).max(axis=2) <= limit))
    jumps = [(0.0, 0.0)]
    for along in (difference, difference.swapaxes(0, 1)):
        steps = np.abs(np.diff(along, axis=0)).mean(axis=(1, 2))
        borders = [span.start for span in tiling._spans(len(along), tile)][1:]
        jumps += [(float(steps[border - 1]), float(steps[border])) for border in borders]
    return Seams(within, *max(jumps))


def worst(found: Iterable[Seams]) -> Seams:
    """Of several pictures of one size: the mean share, and the worst border."""
    seams = list(found)
    worst = max(seams, key=lambda one: one.jump)
    return Seams(float(np.mean([one.within for one in seams])), worst.jump, worst.beside)
