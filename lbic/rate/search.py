"""Search on a rising curve over whole numbers with few trials, each of which codes a picture.

Values may be infinite: a trial may be impossible, and a PSNR of equal pictures is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def last_below(
    value: Callable[[int], float],
    limit: float,
    numbers: range,
    start: int,
    slope: float,
    tolerance: float = 0.0,
) -> int | None:
    """Return the last of ``numbers`` whose value is at most ``limit``.

    It is None when the first number's value is above it.
    The values are assumed to rise, more or less in a straight line. Where they do not, the result
    is still a number whose value is at most the limit. Trials begin at ``start``, the best guess.
    ``slope`` is the expected rise from one number to the next. A number whose value is less than
    ``tolerance`` below the limit ends the search.
    """
    first, last = numbers[0], numbers[-1]
    at = min(max(start, first), last)
    low, high = first - 1, last + 1  # known: at most the limit up to low, above it from high
    low_value = high_value = math.nan
    moves = poor = 0
    while high - low > 1:
        width, tried = high - low, value(at)
        if tried <= limit:
            slope = _rise(low_value, tried, at - low, slope)
            low, low_value = at, tried
            if limit - tried < tolerance:
                break
        else:
            slope = _rise(tried, high_value, high - at, slope)
            high, high_value = at, tried
        if low >= first and high <= last:
            # Interpolation on a bent curve moves one end only: bisect after two poor cuts.
            poor = poor + 1 if high - low > width // 2 else 0
            straight = poor < 2 and math.isfinite(high_value - low_value)
            part = (limit - low_value) / (high_value - low_value) if straight else 0.5
            at = min(max(low + int(part * (high - low)), low + 1), high - 1)
        else:
            least = 1 << moves >> 2  # 0, 0, 1, 2, 4, ...
            moves += 1
            if low < first:
                at = max(high - max(math.ceil(_steps(high_value - limit, slope)), least, 1), first)
            else:
                at = min(low + max(int(_steps(limit - low_value, slope)), least, 1), last)
    return low if low >= first else None


def _rise(lower: float, upper: float, distance: int, default: float) -> float:
    """Return the rise from one number to the next between two trials; the default without one."""
    rise = (upper - lower) / distance
    return rise if rise > 0 and math.isfinite(rise) else default


def _steps(rise: float, slope: float) -> float:
    """Return the number of steps for a rise; 0 for an infinite one, which shows none."""
    return rise / slope if math.isfinite(rise) else 0.0


def first_above(
    value: Callable[[int], float],
    limit: float,
    numbers: range,
    start: int,
    slope: float,
    tolerance: float = 0.0,
) -> int | None:
    """Return the first of ``numbers`` whose value is at least ``limit``; None when there is none.

    See ``last_below``, of which it is the mirror image.
    """
    ends = numbers[0] + numbers[-1]
    mirrored = last_below(lambda number: -value(ends - number), -limit, numbers, ends - start, slope, tolerance)
    return None if mirrored is None else ends - mirrored
