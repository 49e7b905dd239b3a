"""Search over whole numbers with few trials, each of which codes a picture."""

from __future__ import annotations

from collections.abc import Callable


def last_that_fits(fits: Callable[[int], bool], low: int, high: int, start: int) -> int | None:
    """Return the last number in low..high that fits; None when ``low`` does not fit.

    ``fits`` is assumed to be true up to some number and false beyond. Where it is not quite so,
    the result is still a number that fits before one that does not. Trials begin at ``start``,
    the best guess, and move away from it in growing steps; bisection finds the rest.
    """
    start = min(max(start, low), high)
    step, good, bad = 1, low - 1, high + 1
    at = start
    if fits(start):
        good = start
        while good < high:
            at = min(good + step, high)
            if not fits(at):
                bad = at
                break
            good, step = at, 2 * step
    else:
        bad = start
        while bad > low:
            at = max(bad - step, low)
            if fits(at):
                good = at
                break
            bad, step = at, 2 * step
    while good >= low and bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good if good >= low else None
