"""Compress to a wanted size or PSNR: the quality, a step towards the next one, and if wanted the scale, are found by
trying.

A trial of the fastest effort costs a tenth of one of the default effort, and its sizes and PSNRs rise and fall with
those, so it says where to begin, and again after one trial in earnest. What is decided is decided on whole files as
they would be written, and on the pictures that they decompress to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lbic.codecs.base import EFFORTS
from lbic.codecs.table import get
from lbic.coding import SCALE_ONE
from lbic.enhance.types import NONE
from lbic.errors import TargetError, TooLargeError
from lbic.picture.load import Picture
from lbic.pipeline import Compressed, CompressSettings
from lbic.rate.trials import Target, Trials

SCALES = (16, 20, 24, 32, 48)
"""What --scale auto chooses among, in sixteenths."""
_PLAUSIBLE_DB, _PLAUSIBLE_SIZE = 1.0, 1.2
"""How far a scale may be behind in the fast trials, without networks, and still be tried in earnest."""


@dataclass(frozen=True)
class Reached:
    """A scale that reaches the target, and the quality's rank and step there."""

    trials: Trials
    rank: int
    step: int

    @property
    def scale(self) -> int:
        """In sixteenths."""
        return self.trials.settings.scale

    @property
    def file(self) -> Compressed:
        """The file."""
        return self.trials.file(self.rank, self.step)

    @property
    def size(self) -> float:
        """Its bytes; infinity where Trials.size is."""
        return self.trials.size(self.rank, self.step)

    @property
    def psnr(self) -> float:
        """PSNR, dB, of what the file decompresses to by default, on the CPU."""
        return self.trials.psnr(self.rank, self.step)

    @property
    def score(self) -> float:
        """How close that comes to the original by the settings' goal."""
        return self.trials.score(self.rank, self.step, self.trials.settings.goal)


def compress(picture: Picture, settings: CompressSettings, target: Target, scales: Sequence[int]) -> Compressed:
    """Compress a picture to a target, at the best of some scales (sixteenths).

    For a size that is the best scale by the settings' goal, for a PSNR the one with the smallest file. Raises
    TargetError, which says what is possible, when no quality of any scale reaches the target; and as
    pipeline.compress does.
    """
    return best(reach(picture, settings, target, scales), target).file


def reach(picture: Picture, settings: CompressSettings, target: Target, scales: Sequence[int]) -> list[Reached]:
    """The plausible ones of some scales, each at the quality that reaches the target, for a size also at coarser ones
    whose networks may make up for it; raises as ``compress`` does."""
    guesses = _guesses(picture, settings, target, scales)
    plausible = _plausible(guesses, target)
    rest = [scale for scale in guesses if scale not in plausible]
    for some in (plausible, rest):
        reached: list[Reached] = []
        for scale in some:
            reached += _reach(Trials(picture, replace(settings, scale=scale)), target, guesses[scale])
        if reached:
            return reached
    raise TargetError(_impossible(picture, settings, target, list(guesses)))


def _reach(trials: Trials, target: Target, guess: _Guess) -> list[Reached]:
    """How one scale reaches the target; empty when it does not."""
    rank = trials.rank(target, guess.start(trials, target))
    if rank is None or (target.psnr is not None and not trials.has_room(rank)):
        return []
    ranks = [rank]
    if target.size is not None:  # not all that is coarser is smaller
        ranks += [end for end in trials.ends_before(rank) if trials.size(end) <= target.size]
    return [Reached(trials, *trials.step(target, one)) for one in ranks]


def best(reached: Sequence[Reached], target: Target) -> Reached:
    """The one that comes closest to the original for a size, the one with the smallest file for a PSNR."""
    if len(reached) == 1:
        return reached[0]
    if target.size is not None:
        return max(reached, key=lambda one: one.score)
    return min(reached, key=lambda one: one.size)


@dataclass(frozen=True)
class _Guess:
    """What the fast trials say of a scale: the quality's rank, and the file's size and PSNR without networks there."""

    fast: Trials
    rank: int
    size: float
    psnr: float

    @staticmethod
    def make(picture: Picture, settings: CompressSettings, target: Target) -> _Guess:
        fast = Trials(picture, replace(settings, effort=EFFORTS[0], type=NONE))
        usual = fast.qualities.index(get(settings.codec).default_quality)
        rank = fast.rank(target, usual)
        if rank is None:
            rank = 0 if target.size is not None else len(fast.qualities) - 1
        return _Guess(fast, rank, fast.size(rank), fast.psnr(rank))

    def start(self, trials: Trials, target: Target) -> int:
        """The rank to begin with in earnest: the fast trials' answer to the target less what the effort and the
        networks, tried once, make of it."""
        if target.size is not None:
            ratio = trials.size(self.rank) / self.size
            nearer = Target(size=int(target.size / ratio)) if 0 < ratio < math.inf else target
        else:
            gain = trials.psnr(self.rank) - self.psnr
            nearer = Target(psnr=(target.psnr or 0.0) - gain) if math.isfinite(gain) else target
        rank = self.fast.rank(nearer, self.rank)
        return self.rank if rank is None else rank


def _guesses(picture: Picture, settings: CompressSettings, target: Target, scales: Sequence[int]) -> dict[int, _Guess]:
    """What the fast trials say of the scales at which the codec takes the picture; TooLargeError where it is none."""
    guesses: dict[int, _Guess] = {}
    refusal: TooLargeError | None = None
    for scale in scales:
        try:
            guesses[scale] = _Guess.make(picture, replace(settings, scale=scale), target)
        except TooLargeError as error:
            refusal = error
    if refusal and not guesses:
        raise refusal
    return guesses


def _plausible(guesses: dict[int, _Guess], target: Target) -> list[int]:
    """The scales that may be the best, full size always among them."""
    if target.size is not None:
        best = max((guess.psnr for guess in guesses.values() if guess.size <= target.size), default=-math.inf)
        return [scale for scale, guess in guesses.items() if scale == SCALE_ONE or guess.psnr >= best - _PLAUSIBLE_DB]
    least = min((guess.size for guess in guesses.values() if guess.psnr >= (target.psnr or 0.0)), default=math.inf)
    return [scale for scale, guess in guesses.items() if scale == SCALE_ONE or guess.size <= least * _PLAUSIBLE_SIZE]


def _impossible(picture: Picture, settings: CompressSettings, target: Target, scales: Sequence[int]) -> str:
    """What is possible instead of the target."""
    if target.size is not None:
        least = min(Trials(picture, replace(settings, scale=scale)).size(0) for scale in scales)
        return f"no quality makes the file as small as {target.size:,} B; the smallest is {least:,.0f} B"
    trials = [Trials(picture, replace(settings, scale=scale)) for scale in scales]
    most = max(one.psnr(end) for one in trials for end in (*one.ends_before(one.finest), one.finest))
    return f"no quality reaches {target.psnr:g} dB; the highest is {most:.2f} dB"
