"""Convert between JPEG quality and quantisation tables.

A JPEG file stores tables, not a quality. libjpeg, which most programs use, scales the example
tables K.1 and K.2 of ITU-T T.81, Annex K, by a quality of 1 to 100 (jcparam.c:
jpeg_quality_scaling and jpeg_add_quant_table).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

QUALITIES = range(1, 101)
"""libjpeg's scale; lbic encodes with a part of it."""

_BASELINE_MAX = 255
"""libjpeg clips the steps of baseline files to 8 bits; 16-bit tables have larger ones."""
LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()
"""Table K.1, row by row."""
_CORNER = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
CHROMA = np.pad(_CORNER, (0, 4), constant_values=99).ravel()
"""Table K.2."""


def table(base: NDArray[np.int_], quality: int) -> NDArray[np.int_]:
    """Return libjpeg's table for a quality: 64 steps of 1..255, row by row.

    ``base`` is LUMA or CHROMA.
    """
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps: NDArray[np.int_] = np.clip((base * percent + 50) // 100, 1, _BASELINE_MAX)
    return steps


def estimate(table: Sequence[int]) -> int:
    """Return the quality, 1..100, whose luma table is closest to ``table`` (64 steps, row by
    row).

    Exact for libjpeg's tables. For others the distance is the mean absolute logarithm of the
    ratios of the steps: doubling a step does equal harm whatever its size.
    """
    steps = np.clip(np.asarray(table, np.float64), 1, _BASELINE_MAX)
    distances = np.abs(np.log(_standard_tables()) - np.log(steps)).mean(axis=1)
    return QUALITIES[int(distances.argmin())]


@lru_cache(maxsize=1)
def _standard_tables() -> NDArray[np.float64]:
    """Return libjpeg's luma tables: one row of 64 steps per quality."""
    return np.stack([table(LUMA, quality) for quality in QUALITIES]).astype(np.float64)
