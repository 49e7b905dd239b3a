"""A guess from fast trials: where a target lies, before the picture is coded at the real effort.

A trial at the fastest effort costs a tenth of one at the default effort, and its sizes and scores
rise and fall alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from lbic.codecs.table import get
from lbic.rate.scores import PSNR, Score
from lbic.rate.search import first_above, last_below
from lbic.rate.trials import Point, Target, Trials

_SIZE_RISE = 7.0
"""About how much the size's logarithm rises over all qualities of a codec."""
_HALF_SIDES = 1.1
"""About how much the size's logarithm falls when a picture's sides are halved."""
_STEP = 0.0195
"""Rise of the size's logarithm from one step to the next: about 2 % (docs/benchmark.md)."""


@dataclass(frozen=True)
class Guess:
    """The result of the fast trials at one scale."""

    fast: Trials
    """The trials, at the fastest effort."""
    rank: int
    """The rank of the quality that reaches the target in them, or comes closest."""
    reaches: bool
    """Whether it reaches the target."""
    part: float
    """How far the target lies from ``rank`` towards the next finer quality, 0..1."""
    size_slope: float
    """Rise of the size's logarithm from ``rank`` to the next finer quality."""
    score_slope: float
    """Rise of the score from ``rank`` to the next finer quality."""
    score: Score = PSNR
    """The score: the target's, or PSNR for a size."""

    @classmethod
    def make(cls, fast: Trials, target: Target, other: Guess | None = None) -> Self:
        """Run the fast trials, without networks; ``other`` is the guess at another scale."""
        start = fast.qualities.index(get(fast.settings.codec).default_quality)
        if other and target.size is not None:
            octaves = math.log2(fast.settings.scale / other.fast.settings.scale)
            start = other.rank + round(_HALF_SIDES * octaves / other.size_slope)
        ranks = range(len(fast.qualities))
        usual = _SIZE_RISE / len(ranks), target.score.rise / len(ranks)
        measure = target.score.measure
        if target.size is not None:
            rank = last_below(lambda one: log_size(fast, Point(one)), math.log(target.size), ranks, start, usual[0])
        else:
            least = target.least or 0.0
            rank = first_above(lambda one: fast.plain_score(Point(one), measure), least, ranks, start, usual[1])
        reaches = rank is not None
        if rank is None:
            rank = 0 if target.size is not None else ranks[-1]
        # For a score the target lies between this quality and the next coarser one.
        low = rank if target.size is not None else max(rank - 1, 0)
        high = min(low + 1, ranks[-1])
        sizes = [log_size(fast, Point(end)) for end in (low, high)]
        scores = [fast.plain_score(Point(end), measure) for end in (low, high)]
        size_rise, score_rise = _or(sizes[1] - sizes[0], usual[0]), _or(scores[1] - scores[0], usual[1])
        if target.size is not None:
            part = (math.log(target.size) - sizes[0]) / size_rise
        else:
            part = ((target.least or 0.0) - scores[0]) / score_rise
        part = min(max(part, 0.0), 1.0) if reaches else 0.0
        return cls(fast, low, reaches, part, size_rise, score_rise, target.score)

    @property
    def point(self) -> Point:
        """The quality of ``rank``."""
        return Point(self.rank)

    @property
    def size(self) -> float:
        """The size in bytes at which the target is reached, without networks."""
        return self.fast.size(self.point) * math.exp(self.part * self.size_slope)

    @property
    def plain_score(self) -> float:
        """The score at which the target is reached, without networks."""
        return self.fast.plain_score(self.point, self.score.measure) + self.part * self.score_slope

    @property
    def steps(self) -> int:
        """The number of steps from one quality to the next, at least 1."""
        return min(max(round(self.size_slope / _STEP), 1), len(self.fast.lambda_scales))


def log_size(trials: Trials, point: Point) -> float:
    """Return the logarithm of the size in bytes of a point; infinity without room for it."""
    return math.log(trials.size(point))


def _or(rise: float, default: float) -> float:
    """Return a rise, or the default where it is none."""
    return rise if math.isfinite(rise) and rise > 0 else default
