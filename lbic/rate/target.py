"""Compress to a wanted size or PSNR: the quality, a step towards the next one, and if wanted the scale, are found by
trying.

A trial of the fastest effort costs a tenth of one of the default effort, and its sizes and PSNRs rise and fall with
those, so it says where to begin. What is decided is decided on whole files as they would be written, and on the
pictures that they decompress to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from lbic import pipeline
from lbic.codecs import get
from lbic.codecs.base import EFFORTS
from lbic.container import SCALE_ONE
from lbic.enhance.choice import AUTO, ENCODER, FIDELITY, GOALS, Goal
from lbic.enhance.types import NONE
from lbic.errors import NoRoomError, TargetError, TooLargeError, UsageError
from lbic.image import Picture
from lbic.pipeline import Compressed, CompressSettings, DecompressSettings
from lbic.rate.search import last_that_fits

SCALES = (16, 20, 24, 32, 48)
"""What --scale auto chooses among, in sixteenths."""
_PLAUSIBLE_DB, _PLAUSIBLE_SIZE = 1.0, 1.2
"""How far a scale may be behind in the fast trials, without networks, and still be tried in earnest."""


@dataclass(frozen=True)
class Target:
    """What is wanted: at most ``size`` bytes, or at least ``psnr`` dB (RGB; luma of gray pictures), one of them."""

    size: int | None = None
    psnr: float | None = None

    def __post_init__(self) -> None:
        if (self.size is None) == (self.psnr is None):
            raise UsageError("a target is a size or a PSNR")

    @classmethod
    def of(cls, name: str, value: float, pixels: int) -> Target:
        """A target by its name: ``size`` in bytes, ``bpp`` in bits for each of the pixels, ``psnr`` in dB."""
        if name == "psnr":
            return cls(psnr=value)
        return cls(size=int(value if name == "size" else value * pixels / 8))


@dataclass
class Trials:
    """A picture coded with fixed settings but for the quality and the step beyond it, each pair once.

    Qualities are told by their rank, 0 the smallest files; steps by their place in the codec's lambda_scales, 0 none.
    """

    picture: Picture
    settings: CompressSettings
    files: dict[tuple[int, int], Compressed] = field(default_factory=dict)
    found: dict[tuple[Goal, int, int], float] = field(default_factory=dict)

    @cached_property
    def qualities(self) -> Sequence[int]:
        """The codec's qualities from small to large files."""
        codec = get(self.settings.codec)
        low, high = codec.quality_range
        return range(high, low - 1, -1) if codec.lower_is_better else range(low, high + 1)

    @cached_property
    def lambda_scales(self) -> Sequence[float]:
        """The codec's steps from one quality towards the next finer one."""
        return get(self.settings.codec).lambda_scales

    def file(self, rank: int, step: int = 0) -> Compressed:
        """The file of a quality and a step."""
        if (rank, step) not in self.files:
            settings = replace(self.settings, quality=self.qualities[rank], lambda_scale=self.lambda_scales[step])
            self.files[rank, step] = pipeline.compress(self.picture, settings)
        return self.files[rank, step]

    @cached_property
    def _sized(self) -> Trials:
        """The same without measuring which type is best, which needs networks and changes no size."""
        if self.settings.type != AUTO:
            return self
        return Trials(self.picture, replace(self.settings, type=NONE))

    def size(self, rank: int, step: int = 0) -> float:
        """Bytes of the file; infinity where the encoder has no room for it (noise at the finest qualities)."""
        try:
            return len(self._sized.file(rank, step).data)
        except NoRoomError:
            return math.inf

    def psnr(self, rank: int, step: int = 0) -> float:
        """PSNR, dB, of what the file decompresses to by default, on the CPU; infinity where ``size`` is."""
        return self.score(rank, step, FIDELITY)

    def score(self, rank: int, step: int, goal: Goal) -> float:
        """How close to the original it comes by a goal; infinity where ``size`` is."""
        if (goal, rank, step) not in self.found:
            try:
                data = self.file(rank, step).data
            except NoRoomError:
                return math.inf
            done = pipeline.decompress(data, DecompressSettings(runtime=ENCODER))
            self.found[goal, rank, step] = GOALS[goal](self.picture.image, done.image)
        return self.found[goal, rank, step]

    def rank(self, target: Target, start: int) -> int | None:
        """The quality that a target asks for: the finest within the size, or the coarsest with the PSNR."""
        last = len(self.qualities) - 1
        if target.size is not None:
            size = target.size
            return last_that_fits(lambda rank: self.size(rank) <= size, 0, last, start)
        wanted = target.psnr or 0.0
        found = last_that_fits(lambda mirrored: self.psnr(last - mirrored) >= wanted, 0, last, last - start)
        return None if found is None else last - found

    def step(self, target: Target, rank: int) -> tuple[int, int]:
        """From the quality that a target asks for: the last step within the size, or the first one that has the PSNR
        from the next coarser quality, if its file is smaller."""
        last = len(self.lambda_scales) - 1
        if last == 0:
            return rank, 0
        if target.size is not None:
            size = target.size
            # All steps together are about as far as the next quality.
            part = math.log(size / self.size(rank)) / math.log(1 + 1 / 6)
            return rank, last_that_fits(lambda step: self.size(rank, step) <= size, 0, last, round(last * part)) or 0
        wanted, coarser = target.psnr or 0.0, rank - 1
        if coarser < 0:
            return rank, 0
        part = (wanted - self.psnr(coarser)) / (self.psnr(rank) - self.psnr(coarser))
        left = last_that_fits(
            lambda left: self.psnr(coarser, last - left) >= wanted, 0, last, last - math.ceil(last * part)
        )
        if left is None or self.size(coarser, last - left) >= self.size(rank):
            return rank, 0
        return coarser, last - left


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
    """The plausible ones of some scales, each at the quality that reaches the target; raises as ``compress`` does."""
    guesses = _guesses(picture, settings, target, scales)
    reached: list[Reached] = []
    for scale in _plausible(guesses, target):
        trials = Trials(picture, replace(settings, scale=scale))
        rank = trials.rank(target, guesses[scale].rank)
        if rank is not None:
            reached.append(Reached(trials, *trials.step(target, rank)))
    if not reached:
        raise TargetError(_impossible(picture, settings, target, list(guesses)))
    return reached


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
        return _Guess(rank, fast.size(rank), fast.psnr(rank))


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
    least = min(guess.size for guess in guesses.values())
    return [scale for scale, guess in guesses.items() if scale == SCALE_ONE or guess.size <= least * _PLAUSIBLE_SIZE]


def _impossible(picture: Picture, settings: CompressSettings, target: Target, scales: Sequence[int]) -> str:
    """What is possible instead of the target."""
    if target.size is not None:
        least = min(Trials(picture, replace(settings, scale=scale)).size(0) for scale in scales)
        return f"no quality makes the file as small as {target.size:,} B; the smallest is {least:,.0f} B"
    last = len(Trials(picture, settings).qualities) - 1
    most = max(Trials(picture, replace(settings, scale=scale)).psnr(last) for scale in scales)
    return f"no quality reaches {target.psnr:g} dB; the highest is {most:.2f} dB"
