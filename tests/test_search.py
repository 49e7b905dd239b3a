"""The search for a target: what it finds, and in how many trials."""

from __future__ import annotations

import math
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from lbic.rate.search import first_above, last_below

RISING = st.lists(st.floats(0, 5), min_size=1, max_size=95)


@given(RISING, st.integers(0, 95), st.integers(-3, 98), st.sampled_from([0.01, 1.0, 9.0]), st.floats(0, 1))
def test_the_search_finds_the_last_below_in_few_trials(
    rises: list[float], room: int, start: int, slope: float, part: float
) -> None:
    values = [value if index <= room else math.inf for index, value in enumerate(accumulate(rises))]
    limit = part * sum(rises)
    tried = []

    def value(number: int) -> float:
        tried.append(number)
        return values[number]

    last = last_below(value, limit, range(len(values)), start, slope)
    assert last == max((index for index, value in enumerate(values) if value <= limit), default=None)
    assert len(set(tried)) == len(tried), "no number twice"
    assert len(tried) <= 2 * len(values).bit_length() + 4


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=40), st.integers(0, 39), st.floats(0, 2))
def test_what_the_search_finds_fits_whatever_the_order(values: list[float], start: int, tolerance: float) -> None:
    last = last_below(values.__getitem__, 1.0, range(len(values)), start, 0.5, tolerance)
    if last is not None:
        assert values[last] <= 1
        assert last == len(values) - 1 or values[last + 1] > 1 or values[last] > 1 - tolerance


def test_a_close_number_ends_the_search_and_a_straight_line_takes_three_trials() -> None:
    tried = []

    def value(number: int) -> float:
        tried.append(number)
        return number * 0.1

    assert last_below(value, 5.04, range(95), 20, slope=0.3) == 50
    assert tried == [20, 30, 50, 51]
    tried.clear()
    assert last_below(value, 5.04, range(95), 20, slope=0.1, tolerance=0.05) == 50
    assert tried == [20, 50]
    assert first_above(value, 5.04, range(95), 20, slope=0.1) == 51
