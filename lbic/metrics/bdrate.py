"""Bjontegaard delta rate: how many percent more bytes one codec needs than another for the same quality.

Bjontegaard, VCEG-M33 (2001), with piecewise cubic Hermite interpolation (PCHIP) of log rate over quality as JVET's
common test conditions use it, and not one cubic through all points, which swings between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_SAMPLES = 1000


def bd_rate(anchor: Sequence[tuple[float, float]], test: Sequence[tuple[float, float]]) -> float:
    """Mean rate difference in percent over the qualities both curves reach; negative when ``test`` needs less.

    A curve is (rate, quality) points, at least two, quality rising with rate; rates are positive. Raises ValueError
    for other curves, and for two that share no range of quality.
    """
    curves = [_curve(points) for points in (anchor, test)]
    low, high = max(q[0] for q, _ in curves), min(q[-1] for q, _ in curves)
    if low >= high:
        raise ValueError("the curves share no range of quality")
    at = np.linspace(low, high, _SAMPLES)
    first, second = (pchip(quality, rate, at) for quality, rate in curves)
    mean = np.trapezoid(second - first, at) / (high - low)
    return float((np.exp(mean) - 1) * 100)


def _curve(points: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    rate, quality = np.array(sorted(points), np.float64).T if len(points) > 1 else (np.zeros(1), np.zeros(1))
    if len(rate) < 2 or rate[0] <= 0 or np.any(np.diff(quality) <= 0):
        raise ValueError("a rate-distortion curve needs two points, positive rates, and quality that rises with rate")
    return quality, np.log(rate)


def pchip(x: Floats, y: Floats, at: Floats) -> Floats:
    """Piecewise cubic Hermite interpolation that keeps monotony (Fritsch and Butland, 1984; three-point end slopes).

    ``x`` rises, ``at`` lies within it.
    """
    step, secant = np.diff(x), np.diff(y) / np.diff(x)
    if len(x) == 2:
        return np.interp(at, x, y)
    slopes = np.zeros_like(y)
    left, right = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    same = secant[:-1] * secant[1:] > 0
    before, after = (np.where(same, part, 1) for part in (secant[:-1], secant[1:]))
    slopes[1:-1] = np.where(same, (left + right) / (left / before + right / after), 0)
    slopes[0] = _end_slope(step[0], step[1], secant[0], secant[1])
    slopes[-1] = _end_slope(step[-1], step[-2], secant[-1], secant[-2])
    index = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(step) - 1)
    h = step[index]
    t = (at - x[index]) / h
    start = (1 + 2 * t) * (1 - t) ** 2 * y[index] + t * (1 - t) ** 2 * h * slopes[index]
    end = t**2 * (3 - 2 * t) * y[index + 1] + t**2 * (t - 1) * h * slopes[index + 1]
    result: Floats = start + end
    return result


def _end_slope(near: float, far: float, first: float, second: float) -> float:
    slope = ((2 * near + far) * first - near * second) / (near + far)
    if slope * first <= 0:
        return 0.0
    if first * second <= 0 and abs(slope) > 3 * abs(first):
        return 3 * first
    return float(slope)
