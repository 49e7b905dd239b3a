"""Measure the halo of a trained network: the context that its tiles need.

Near a tile's edge the output differs from that of the whole picture. The kernel sizes give an
upper bound for the distance at which it does. The distance that matters is far smaller: trained
weights get nearly all information from a few pixels. Cutting a picture once shows the difference
at every distance from the cut, so one run on each part is enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lbic.errors import UsageError
from lbic.train.data import Floats, Pair, PairSet
from lbic.train.validate import Restore

LEVELS = 0.1
"""Largest difference in 8-bit levels that tiles may make to any sample."""
STEP = 8
"""Halos are multiples of this number of pixels, and of the network's ``multiple``."""


def measure(restore: Restore, pairs: PairSet, multiple: int, bound: int, levels: float = LEVELS) -> int:
    """Return the halo in pixels with which tiles match the whole picture.

    They match if no sample differs by more than ``levels`` 8-bit levels. The sides of the
    network's input are multiples of ``multiple``; ``bound`` is its halo by the kernel sizes, the
    largest possible result. Each picture of the prepared folder is used once, at one of its
    qualities in turn. Raises UsageError if a picture is too small to be cut.
    """
    step = math.lcm(STEP, multiple)
    halo = 0
    for number, (source, codings) in enumerate(_by_picture(pairs).items()):
        pair = codings[number % len(codings)]
        _, coded = pairs.pictures(pair)
        height, width = (side // step * step for side in coded.shape[:2])
        if min(height, width) < 2 * step:
            raise UsageError(
                f"{source}: {coded.shape[1]} x {coded.shape[0]} pixels are too small to measure a halo; "
                f"sides of {2 * step} are needed"
            )
        picture = coded[:height, :width].astype(np.float32) / np.float32(255)
        halo = max(halo, distance(_at(restore, pair.quality), picture, step, levels))
    return min(-(-halo // step) * step, bound)


def distance(network: Callable[[Floats], Floats], picture: Floats, step: int, levels: float) -> int:
    """Return the distance in pixels from a cut up to which a part's output differs.

    It is compared with the output for the whole picture. Differences up to ``levels`` 8-bit
    levels do not count. ``picture`` is (height, width, channels) in [0, 1]; its sides are
    multiples of ``step``. It is cut once through the rows and once through the columns, at
    multiples of ``step``; the first and the last of the four parts are measured.
    """
    height, width = picture.shape[:2]
    row, column = (side // 2 // step * step for side in (height, width))
    whole = _clipped(network(picture))
    reach = 0
    for rows, columns in ((slice(row, None), slice(column, None)), (slice(0, row), slice(0, column))):
        part = _clipped(network(np.ascontiguousarray(picture[rows, columns])))
        change = np.abs(part - whole[rows, columns]).max(axis=2) * 255
        if not rows.start:
            change = change[::-1, ::-1]  # flip, so that the cuts are at row 0 and column 0
        distances = np.minimum.outer(np.arange(change.shape[0]), np.arange(change.shape[1]))[change > levels]
        reach = max(reach, int(distances.max(initial=-1)) + 1)
    return reach


def _at(restore: Restore, quality: int) -> Callable[[Floats], Floats]:
    return lambda picture: restore(picture, quality)


def _clipped(picture: Floats) -> Floats:
    clipped: Floats = np.clip(picture, 0, 1)
    return clipped


def _by_picture(pairs: PairSet) -> dict[str, list[Pair]]:
    groups: dict[str, list[Pair]] = {}
    for pair in pairs.pairs:
        groups.setdefault(pair.source, []).append(pair)
    return groups
