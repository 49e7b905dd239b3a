"""Bjontegaard delta rate: the mean rate difference of two codecs at equal quality, in percent.

Bjontegaard, VCEG-M33 (2001). Log rate is interpolated over quality by PCHIP, piecewise cubic
Hermite interpolation, as in JVET's common test conditions: one cubic through all points would
swing between them. It needs SciPy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lbic.errors import MissingError

Floats = NDArray[np.float64]
_SAMPLES = 1000
"""Points of the trapezoidal rule that integrates the difference of the curves."""


def bd_rate(anchor: Sequence[tuple[float, float]], test: Sequence[tuple[float, float]]) -> float:
    """Return the mean rate difference in percent; negative when ``test`` needs less.

    A curve is (rate, quality) points: at least two, in any order, rates above 0, quality rising
    with rate. The mean is over the range of quality that both curves reach. Raises ValueError for
    other curves and for two without a common range, MissingError without SciPy.
    """
    try:
        from scipy.interpolate import PchipInterpolator
    except ImportError as error:
        raise MissingError("BD-rates need SciPy: pip install 'lbic[metrics]'") from error
    curves = [_curve(points) for points in (anchor, test)]
    low, high = max(quality[0] for quality, _ in curves), min(quality[-1] for quality, _ in curves)
    if low >= high:
        raise ValueError("the curves share no range of quality")
    samples = np.linspace(low, high, _SAMPLES)
    first, second = (PchipInterpolator(quality, rate)(samples) for quality, rate in curves)
    mean = np.trapezoid(second - first, samples) / (high - low)
    return float((np.exp(mean) - 1) * 100)


def _curve(points: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Return quality and the logarithm of rate, both (points,), in order of rate."""
    rate, quality = np.array(sorted(points), np.float64).T if len(points) > 1 else (np.zeros(1), np.zeros(1))
    if len(rate) < 2 or rate[0] <= 0 or np.any(np.diff(quality) <= 0):
        raise ValueError("a rate-distortion curve needs two points, positive rates, and quality that rises with rate")
    return quality, np.log(rate)
