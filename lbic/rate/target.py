"""Compress to a target size or score: search quality, a step towards the next quality, and scale.

Fast trials guess where to begin (guess.py), at every scale that may be the best. Then the picture
is coded at the real effort, at one scale, three times as a rule. Each of these trials shows where
the next one has to be. The last word has a whole file as it would be written, and what it
decompresses to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lbic.codecs.base import EFFORTS
from lbic.coding import SCALE_ONE
from lbic.enhance.choice import FIDELITY, GOALS
from lbic.errors import TargetError, TooLargeError
from lbic.picture.load import Picture
from lbic.pipeline import Compressed, CompressSettings
from lbic.rate.guess import Guess, log_size
from lbic.rate.search import first_above, last_below
from lbic.rate.trials import Notify, Point, Target, Trials, ignore

SCALES = (16, 20, 24, 32, 48)
"""The scales, in sixteenths, to choose from when none is given."""
SCALING_PAYS = {"vvc": 0.06, "vtm": 0.06}
"""The rates in bits per pixel below which codecs gain by a scale other than 1 (docs/benchmark.md).

At higher rates the other scales are not tried. A codec that is not here has no such rate.
"""
_PLAUSIBLE_DB, _PLAUSIBLE_SIZE = 1.0, 1.2
"""How far a scale may be behind in the fast trials, without networks, and still be compared with
them."""
_HANDICAP_DB, _HANDICAP_SIZE = 0.05, 1.02
"""By how much a scale other than 1 has to be better in the fast trials, which are not exact."""
_CLOSE = 0.8
"""A point is close enough to a target if less than this part of a step is left."""
_ROOM = 0.95
"""A file smaller than this part of the target size leaves room for a finer quality."""
_LARGER = 0.04
"""The usual difference of the size's logarithm at the real effort from that at the fastest one."""


@dataclass(frozen=True)
class Reached:
    """A scale that reaches the target, with the quality and step that do."""

    trials: Trials
    """The trials at that scale."""
    point: Point
    """The quality and step."""

    @property
    def scale(self) -> int:
        """The scale in sixteenths."""
        return self.trials.settings.scale

    @property
    def file(self) -> Compressed:
        """The file that reaches the target."""
        return self.trials.file(self.point)

    @property
    def psnr(self) -> float:
        """The PSNR in dB of what the file decompresses to by default, on the CPU."""
        return self.trials.score(self.point)


def compress(
    picture: Picture,
    settings: CompressSettings,
    target: Target,
    scales: Sequence[int],
    notify: Notify = ignore,
) -> Compressed:
    """Compress a picture to a target, at the best of several scales (in sixteenths).

    For a size the best scale is the one with the highest score by the settings' goal, for a score
    the one with the smallest file. ``notify`` is called with a line on each trial. Raises
    TargetError, which says what is possible, when no quality of any scale reaches the target, and
    for a picture that the score is not defined for; and the errors of pipeline.compress.
    """
    return reach(picture, settings, target, scales, notify).file


def reach(
    picture: Picture,
    settings: CompressSettings,
    target: Target,
    scales: Sequence[int],
    notify: Notify = ignore,
) -> Reached:
    """Return the best scale with the quality and step that reach the target; see ``compress``."""
    width, height = picture.image.size
    if target.least is not None and min(width, height) < target.score.least_side:
        sides = f"{target.score.name} needs sides of {target.score.least_side} pixels"
        raise TargetError(f"target {sides}; the picture has {width}x{height}")
    guesses = _guesses(picture, settings, target, scales, notify)
    for guess in _by_preference(guesses, target):
        reached = _reach(_real_trials(guess, settings), target, guess)
        if reached:
            return reached
    raise TargetError(_impossible([_real_trials(guess, settings) for guess in guesses], target))


def _guesses(
    picture: Picture,
    settings: CompressSettings,
    target: Target,
    scales: Sequence[int],
    notify: Notify,
) -> list[Guess]:
    """Return the guesses for the scales that may pay and at which the codec accepts the picture.

    Raises TooLargeError when it accepts none.
    """
    guesses: list[Guess] = []
    refusal: TooLargeError | None = None
    for scale in scales:
        if guesses and not _scaling_may_pay(guesses[0], target):
            break
        fast = Trials(picture, replace(settings, scale=scale, effort=EFFORTS[0]), notify)
        try:
            guesses.append(Guess.make(fast, target, guesses[0] if guesses else None))
        except TooLargeError as error:
            refusal = error
    if refusal and not guesses:
        raise refusal
    return guesses


def _scaling_may_pay(full: Guess, target: Target) -> bool:
    """Return whether another scale may be better than the first one."""
    image = full.fast.picture.image
    size = full.size if target.size is None else target.size
    rate = 8 * size / (image.width * image.height)
    return not full.reaches or rate < SCALING_PAYS.get(full.fast.settings.codec, math.inf)


def _real_trials(guess: Guess, settings: CompressSettings) -> Trials:
    """Return the trials at the real effort, which may be the fast ones."""
    fast = guess.fast
    if settings.effort == fast.settings.effort:
        return fast
    return Trials(fast.picture, replace(fast.settings, effort=settings.effort), fast.notify)


def _by_preference(guesses: Sequence[Guess], target: Target) -> list[Guess]:
    """Return the guesses, the one of the best scale first; the plausible ones are compared."""
    plausible = _plausible(guesses, target)
    if len(plausible) > 1:
        merit = _score if target.size is not None else _smallness
        plausible = sorted(plausible, key=merit, reverse=True)
    return [*plausible, *(guess for guess in guesses if guess not in plausible)]


def _plausible(guesses: Sequence[Guess], target: Target) -> list[Guess]:
    """Return the guesses that may be the best, judged without networks."""
    reaching = [guess for guess in guesses if guess.reaches]
    if target.size is not None:
        best = max((guess.plain_score for guess in reaching), default=-math.inf)
        return [guess for guess in reaching if guess.plain_score >= best - _PLAUSIBLE_DB]
    least = min((guess.size for guess in reaching), default=math.inf)
    return [guess for guess in reaching if guess.size <= least * _PLAUSIBLE_SIZE]


def _score(guess: Guess) -> float:
    """Return the score by the goal of a fast trial's picture at the target size, with networks."""
    trials = guess.fast
    score = trials.score(guess.point, GOALS[trials.settings.goal])
    if trials.settings.goal != FIDELITY:
        return score
    handicap = 0.0 if trials.settings.scale == SCALE_ONE else _HANDICAP_DB
    return score + guess.part * guess.score_slope - handicap


def _smallness(guess: Guess) -> float:
    """Return the negative logarithm of the size at the target score, with networks."""
    trials, measure = guess.fast, guess.score.measure
    gain = trials.score(guess.point, measure) - trials.plain_score(guess.point, measure)
    handicap = 0.0 if trials.settings.scale == SCALE_ONE else math.log(_HANDICAP_SIZE)
    return gain / guess.score_slope * guess.size_slope - math.log(guess.size) - handicap


def _reach(trials: Trials, target: Target, guess: Guess) -> Reached | None:
    """Return how one scale reaches the target; None when it does not."""
    score = target.score
    if target.least is not None:
        for ranks in trials.stretches:
            end, coarser = Point(ranks[-1]), ranks[-1] < guess.rank
            plain_score = guess.fast.plain_score(end, score.measure) if coarser else math.inf
            if plain_score + score.most_gain >= target.least:
                point = _search(trials, target, ranks, guess)
                if point is not None and trials.size(point) < math.inf:
                    return Reached(trials, point)
        return None
    point = _search(trials, target, range(len(trials.qualities)), guess)
    if point is None:
        return None
    point = _finer(trials, point, target.size or 0)
    points = [point]
    # A coarser quality is not always smaller.
    for end in map(Point, trials.ends_before(point.rank)):
        loss = guess.fast.plain_score(Point(point.rank)) - guess.fast.plain_score(end)
        if loss < score.most_gain and trials.size(end) <= (target.size or 0):
            points.append(end)
    measure = GOALS[trials.settings.goal]
    return Reached(trials, max(points, key=lambda one: trials.score(one, measure)) if points[1:] else point)


def _search(trials: Trials, target: Target, ranks: range, guess: Guess) -> Point | None:
    """Return the finest point within the target size, or the coarsest with the target score.

    Points are the qualities of ``ranks`` with their steps. None when no point will do.
    """
    steps = guess.steps
    count = len(ranks) * steps
    ahead = _LARGER / guess.size_slope if target.size is not None else target.score.better / guess.score_slope
    if trials is guess.fast:
        ahead = 0.0
    start = round((guess.rank + guess.part - ahead - ranks[0]) * steps)
    close = _CLOSE if steps > 1 else 0.0

    def point(index: int) -> Point:
        return Point(ranks[0] + index // steps, index % steps)

    if target.size is not None:
        search, slope, limit = last_below, guess.size_slope / steps, math.log(target.size)
        value = lambda index: log_size(trials, point(index))  # noqa: E731
    else:
        search, slope, limit = first_above, guess.score_slope / steps, target.least or 0.0
        value = lambda index: trials.reported_score(point(index), target.score)  # noqa: E731
    index = search(value, limit, range(count), start, slope, close * slope)
    return None if index is None else point(index)


def _finer(trials: Trials, point: Point, size: int) -> Point:
    """Return the next finer quality, as long as a size leaves much room and it fits.

    In odd pictures the first step from a quality may be larger than the next quality.
    """
    while trials.size(point) < _ROOM * size and point.rank + 1 < len(trials.qualities):
        finer = Point(point.rank + 1)
        if trials.size(finer) > size:
            break
        point = finer
    return point


def _impossible(scales: Sequence[Trials], target: Target) -> str:
    """Return a sentence that says what is possible instead of the target."""
    if target.size is not None:
        least = min(trials.size(Point(0)) for trials in scales)
        return f"no quality makes the file as small as {target.text}; the smallest is {least:,.0f} B"
    ends = ((trials, end) for trials in scales for end in (*trials.ends_before(trials.finest), trials.finest))
    most = max(trials.score(Point(end), target.score.measure) for trials, end in ends)
    return f"no quality reaches {target.text}; the highest is " + target.score.text.format(f"{most:.2f}")
