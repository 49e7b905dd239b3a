"""PI, the perceptual index of the PIRM challenge: Ma's metric and NIQE combined; lower is better.

It needs no reference. Blau, Mechrez, Timofte, Michaeli and Zelnik-Manor, "The 2018 PIRM Challenge
on Perceptual Image Super-Resolution" (ECCV Workshops, 2018). The challenge measures the 8-bit Y of
MATLAB's rgb2ycbcr without 4 pixels on each side: see niqe.pirm_luma.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lbic.metrics import ma
from lbic.metrics.niqe import niqe


def pi(luma: NDArray[np.uint8]) -> float:
    """Return PI of a luma plane, ((10 - Ma) + NIQE) / 2; NaN where NIQE is NaN.

    The plane is (height, width) in 0..255. Raises ValueError for planes that are too small for
    either metric, MissingError where Ma's metric is missing.
    """
    naturalness = niqe(luma)
    return math.nan if math.isnan(naturalness) else ((10 - ma.ma(luma)) + naturalness) / 2


def missing() -> str | None:
    """Return what PI lacks on this machine, as a sentence; None when it is ready."""
    reason = ma.missing()
    return f"PI n/a ({reason}); {ma.INSTALL}" if reason else None
