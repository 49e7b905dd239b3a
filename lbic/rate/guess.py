"""A guess from fast trials: where a target lies, before the picture is coded at the real effort.

A trial at the fastest effort costs a tenth of one at the default effort, and its sizes and PSNRs
rise and fall alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from lbic.codecs.table import get
from lbic.rate.search import first_above, last_below
from lbic.rate.trials import Point, Target, Trials

_SIZE_RANGE, _PSNR_RANGE = 7.0, 30.0
"""About how much the size's logarithm, and the PSNR in dB, rise over all qualities of a codec."""
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
    psnr_slope: float
    """Rise of the PSNR from ``rank`` to the next finer quality, in dB."""

    @classmethod
    def make(cls, fast: Trials, target: Target, other: Guess | None = None) -> Self:
        """Run the fast trials, without networks; ``other`` is the guess at another scale."""
        start = fast.qualities.index(get(fast.settings.codec).default_quality)
        if other and target.size is not None:
            octaves = math.log2(fast.settings.scale / other.fast.settings.scale)
            start = other.rank + round(_HALF_SIDES * octaves / other.size_slope)
        ranks = range(len(fast.qualities))
        usual = _SIZE_RANGE / len(ranks), _PSNR_RANGE / len(ranks)
        if target.size is not None:
            rank = last_below(lambda one: log_size(fast, Point(one)), math.log(target.size), ranks, start, usual[0])
        else:
            rank = first_above(lambda one: fast.plain_psnr(Point(one)), target.psnr or 0.0, ranks, start, usual[1])
        reaches = rank is not None
        if rank is None:
            rank = 0 if target.size is not None else ranks[-1]
        # For a PSNR the target lies between this quality and the next coarser one.
        low = rank if target.size is not None else max(rank - 1, 0)
        high = min(low + 1, ranks[-1])
        sizes = [log_size(fast, Point(end)) for end in (low, high)]
        psnrs = [fast.plain_psnr(Point(end)) for end in (low, high)]
        size_rise, psnr_rise = _or(sizes[1] - sizes[0], usual[0]), _or(psnrs[1] - psnrs[0], usual[1])
        if target.size is not None:
            part = (math.log(target.size) - sizes[0]) / size_rise
        else:
            part = ((target.psnr or 0.0) - psnrs[0]) / psnr_rise
        return cls(fast, low, reaches, min(max(part, 0.0), 1.0) if reaches else 0.0, size_rise, psnr_rise)

    @property
    def point(self) -> Point:
        """The quality of ``rank``."""
        return Point(self.rank)

    @property
    def size(self) -> float:
        """The size in bytes at which the target is reached, without networks."""
        return self.fast.size(self.point) * math.exp(self.part * self.size_slope)

    @property
    def plain_psnr(self) -> float:
        """The PSNR in dB at which the target is reached, without networks."""
        return self.fast.plain_psnr(self.point) + self.part * self.psnr_slope

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
