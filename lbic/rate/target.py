"""Compress to a target size or PSNR: search quality, a step towards the next quality, and scale.

A trial at the fastest effort costs a tenth of one at the default effort, and its sizes and PSNRs
rise and fall alike. So fast trials guess where to begin, and guess again after the first trial at
the real effort. Decisions are made on whole files as they would be written, and on what they
decompress to.
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
"""The scales, in sixteenths, to choose from when none is given."""
_PLAUSIBLE_DB, _PLAUSIBLE_SIZE = 1.0, 1.2
"""How far a scale may be behind in the fast trials, without networks, and still be tried."""


@dataclass(frozen=True)
class Reached:
    """A scale that reaches the target, with the quality and step that do."""

    trials: Trials
    """The trials at that scale."""
    rank: int
    """The quality's rank, as in Trials."""
    step: int
    """The step towards the next finer quality, as in Trials."""

    @property
    def scale(self) -> int:
        """The scale in sixteenths."""
        return self.trials.settings.scale

    @property
    def file(self) -> Compressed:
        """The file that reaches the target."""
        return self.trials.file(self.rank, self.step)

    @property
    def size(self) -> float:
        """The file's size in bytes; infinity where the encoder has no room for it."""
        return self.trials.size(self.rank, self.step)

    @property
    def psnr(self) -> float:
        """The PSNR in dB of what the file decompresses to by default, on the CPU."""
        return self.trials.psnr(self.rank, self.step)

    @property
    def score(self) -> float:
        """The score, by the settings' goal, of what the file decompresses to; higher is better."""
        return self.trials.score(self.rank, self.step, self.trials.settings.goal)


def compress(picture: Picture, settings: CompressSettings, target: Target, scales: Sequence[int]) -> Compressed:
    """Compress a picture to a target, at the best of several scales (in sixteenths).

    For a size the best scale is the one with the highest score by the settings' goal, for a PSNR
    the one with the smallest file. Raises TargetError, which says what is possible, when no
    quality of any scale reaches the target, and the errors of pipeline.compress.
    """
    return best(reach(picture, settings, target, scales), target).file


def reach(picture: Picture, settings: CompressSettings, target: Target, scales: Sequence[int]) -> list[Reached]:
    """Return the plausible scales at the qualities that reach the target.

    For a size a scale may be there several times: at coarser qualities too, where other networks
    may make up for the quality. Raises as ``compress``.
    """
    guesses = _guesses(picture, settings, target, scales)
    plausible = _plausible(guesses, target)
    rest = [scale for scale in guesses if scale not in plausible]
    for group in (plausible, rest):
        reached: list[Reached] = []
        for scale in group:
            reached += _reach(Trials(picture, replace(settings, scale=scale)), target, guesses[scale])
        if reached:
            return reached
    raise TargetError(_impossible(picture, settings, target, list(guesses)))


def _reach(trials: Trials, target: Target, guess: _Guess) -> list[Reached]:
    """Return how one scale reaches the target; an empty list when it does not."""
    rank = trials.rank(target, guess.start(trials, target))
    if rank is None or (target.psnr is not None and not trials.has_room(rank)):
        return []
    ranks = [rank]
    if target.size is not None:  # a coarser quality is not always smaller
        ranks += [end for end in trials.ends_before(rank) if trials.size(end) <= target.size]
    return [Reached(trials, *trials.step(target, one)) for one in ranks]


def best(reached: Sequence[Reached], target: Target) -> Reached:
    """Return the highest score for a target size, the smallest file for a target PSNR."""
    if len(reached) == 1:
        return reached[0]
    if target.size is not None:
        return max(reached, key=lambda one: one.score)
    return min(reached, key=lambda one: one.size)


@dataclass(frozen=True)
class _Guess:
    """The result of the fast trials at one scale."""

    fast: Trials
    """The trials, at the fastest effort and without networks."""
    rank: int
    """The rank of the quality that reaches the target in them, or comes closest."""
    size: float
    """The file's size there, in bytes."""
    psnr: float
    """The picture's PSNR there, in dB."""

    @staticmethod
    def make(picture: Picture, settings: CompressSettings, target: Target) -> _Guess:
        """Run the fast trials at the settings' scale."""
        fast = Trials(picture, replace(settings, effort=EFFORTS[0], type=NONE))
        usual = fast.qualities.index(get(settings.codec).default_quality)
        rank = fast.rank(target, usual)
        if rank is None:
            rank = 0 if target.size is not None else len(fast.qualities) - 1
        return _Guess(fast, rank, fast.size(rank), fast.psnr(rank))

    def start(self, trials: Trials, target: Target) -> int:
        """Return the rank to begin with at the real effort.

        One trial there shows what effort and networks change. The fast trials then search for the
        target less that change.
        """
        if target.size is not None:
            ratio = trials.size(self.rank) / self.size
            nearer = Target(size=int(target.size / ratio)) if 0 < ratio < math.inf else target
        else:
            gain = trials.psnr(self.rank) - self.psnr
            nearer = Target(psnr=(target.psnr or 0.0) - gain) if math.isfinite(gain) else target
        rank = self.fast.rank(nearer, self.rank)
        return self.rank if rank is None else rank


def _guesses(picture: Picture, settings: CompressSettings, target: Target, scales: Sequence[int]) -> dict[int, _Guess]:
    """Return the guesses for the scales at which the codec accepts the picture.

    Raises TooLargeError when it accepts none.
    """
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
    """Return the scales that may be the best; full size is always among them."""
    if target.size is not None:
        best = max((guess.psnr for guess in guesses.values() if guess.size <= target.size), default=-math.inf)
        return [scale for scale, guess in guesses.items() if scale == SCALE_ONE or guess.psnr >= best - _PLAUSIBLE_DB]
    least = min((guess.size for guess in guesses.values() if guess.psnr >= (target.psnr or 0.0)), default=math.inf)
    return [scale for scale, guess in guesses.items() if scale == SCALE_ONE or guess.size <= least * _PLAUSIBLE_SIZE]


def _impossible(picture: Picture, settings: CompressSettings, target: Target, scales: Sequence[int]) -> str:
    """Return a sentence that says what is possible instead of the target."""
    if target.size is not None:
        least = min(Trials(picture, replace(settings, scale=scale)).size(0) for scale in scales)
        return f"no quality makes the file as small as {target.size:,} B; the smallest is {least:,.0f} B"
    trials = [Trials(picture, replace(settings, scale=scale)) for scale in scales]
    most = max(one.psnr(end) for one in trials for end in (*one.ends_before(one.finest), one.finest))
    return f"no quality reaches {target.psnr:g} dB; the highest is {most:.2f} dB"
