"""Tiles: whether they change a picture, and whether their borders are visible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.restored import Coded, restore
from lbic.enhance import tiling
from lbic.enhance.types import EnhancementType
from lbic.metrics.psnr import rgb

TILE = 256
"""Side of the tiles in pixels."""


@dataclass(frozen=True)
class Seams:
    """The difference between a picture enhanced in tiles and the same picture enhanced whole."""

    within: float
    """The share of pixels, 0..1, that tiles change by the limit or less."""
    jump: float
    """By how many levels the difference changes across the worst border, as the mean along it."""
    beside: float
    """The same one row or column further on. Where it equals ``jump``, no seam is visible."""


def measure(coded: Coded, kind: EnhancementType, limit: int) -> Seams:
    """Enhance a picture whole and in tiles. ``limit`` is in levels of the worst channel."""
    whole, tiled = (restore(coded, kind, tile) for tile in (max(coded.original.size), TILE))
    return compare(whole, tiled, TILE, limit)


def compare(whole: Image.Image, tiled: Image.Image, tile: int, limit: int) -> Seams:
    """Compare two pictures of one size; ``tiled`` was enhanced in tiles of ``tile`` pixels."""
    difference = rgb(tiled).astype(np.int16) - rgb(whole)
    within = float(np.mean(np.abs(difference).max(axis=2) <= limit))
    jumps = [(0.0, 0.0)]
    for along in (difference, difference.swapaxes(0, 1)):
        steps = np.abs(np.diff(along, axis=0)).mean(axis=(1, 2))
        borders = [span.start for span in tiling._spans(len(along), tile)][1:]
        jumps += [(float(steps[border - 1]), float(steps[border])) for border in borders]
    return Seams(within, *max(jumps))


def worst(seams: Sequence[Seams]) -> Seams:
    """Return the mean share and the worst border of several pictures of one size."""
    worst = max(seams, key=lambda one: one.jump)
    return Seams(float(np.mean([one.within for one in seams])), worst.jump, worst.beside)
