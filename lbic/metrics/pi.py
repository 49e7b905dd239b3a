"""PI, the perceptual index of the PIRM challenge: Ma's metric and NIQE together; lower is better, no reference.

Blau, Mechrez, Timofte, Michaeli and Zelnik-Manor, "The 2018 PIRM Challenge on Perceptual Image Super-Resolution" (ECCV
Workshops, 2018). The challenge measures 8-bit Y of rgb2ycbcr less 4 pixels on each side: see niqe.pirm_luma.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lbic.metrics import ma
from lbic.metrics.niqe import niqe


def pi(luma: NDArray[np.uint8]) -> float:
    """PI of a plane, (height, width) in 0..255; NaN where NIQE is.

    Raises ValueError for planes too small for either metric, MissingError without what Ma's needs.
    """
    unnatural = niqe(luma)
    return math.nan if math.isnan(unnatural) else ((10 - ma.ma(luma)) + unnatural) / 2


def missing() -> str | None:
    """What PI lacks on this machine, a sentence; None when it is ready."""
    reason = ma.missing()
    return f"PI n/a ({reason}); {ma.HOW}" if reason else None
