"""The halo that a finished network needs: how far from a tile's edge its output still differs from the whole picture's.

The layers' sizes bound that distance from above. Trained weights look at far less: a few pixels of context carry
nearly all the information. One cut through a picture shows the difference at every distance from the cut, so a single
run of each part finds the smallest halo.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lbic.errors import UsageError
from lbic.train.data import Floats, Pair, PairSet
from lbic.train.validate import Restore

LEVELS = 0.1
"""Largest change of any sample, in 8-bit levels, that tiles may make."""
STEP = 8
"""Halos are multiples of this many pixels, and of the network's own multiple."""


def measure(restore: Restore, pairs: PairSet, multiple: int, bound: int, levels: float = LEVELS) -> int:
    """Measure the halo in pixels beyond which tiles equal the whole picture to within ``levels``.

    ``restore`` is the network, as in validate.gains, ``multiple`` what the sides of its input must be a multiple of
    and ``bound`` its arithmetic halo, which the result never exceeds. Each picture of the prepared folder is used once,
    at one of its qualities in turn. UsageError for a picture that is too small to be cut.
    """
    step = math.lcm(STEP, multiple)
    halo = 0
    for number, (source, codings) in enumerate(_by_picture(pairs).items()):
        pair = codings[number % len(codings)]
        _, coded = pairs.pictures(pair)
        height, width = (side // step * step for side in coded.shape[:2])
        if min(height, width) < 2 * step:
            raise UsageError(f"{source} is too small to measure a halo on")
        picture = coded[:height, :width].astype(np.float32) / np.float32(255)
        halo = max(halo, distance(_at(restore, pair.quality), picture, step, levels))
    return min(-(-halo // step) * step, bound)


def distance(network: Callable[[Floats], Floats], picture: Floats, step: int, levels: float) -> int:
    """Measure the distance in pixels from a cut beyond which a part's output is the whole picture's.

    ``picture`` is (height, width, channels) in [0, 1], its sides multiples of ``step``. It is cut once through its
    rows and once through its columns, at multiples of ``step``, and both corner parts are compared with the whole.
    """
    height, width = picture.shape[:2]
    row, column = (side // 2 // step * step for side in (height, width))
    whole = _clipped(network(picture))
    reach = 0
    for rows, columns in ((slice(row, None), slice(column, None)), (slice(0, row), slice(0, column))):
        part = _clipped(network(np.ascontiguousarray(picture[rows, columns])))
        change = np.abs(part - whole[rows, columns]).max(axis=2) * 255
        if not rows.start:
            change = change[::-1, ::-1]  # the cut is at the end: turn it to the front
        moved = np.minimum.outer(np.arange(change.shape[0]), np.arange(change.shape[1]))[change > levels]
        reach = max(reach, int(moved.max(initial=-1)) + 1)
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
