"""Trials: a picture coded at several qualities, each once, and what the files decompress to."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

from lbic import pipeline
from lbic.codecs.table import get
from lbic.coding import Coding
from lbic.enhance import catalog, choice
from lbic.enhance.choice import AUTO, ENCODER, GOALS
from lbic.enhance.types import NONE, EnhancementType
from lbic.errors import NoRoomError, UsageError, check_number
from lbic.picture.load import Picture
from lbic.pipeline import Compressed, CompressSettings, DecompressSettings
from lbic.rate.scores import PSNR, SCORES, Measure, Score
from lbic.rate.search import last_below

SIZES = ("size", "bpp")
"""The targets that are sizes; the others are names of SCORES."""


@dataclass(frozen=True)
class Target:
    """A target for one picture: a size or a score."""

    size: int | None = None
    """The most bytes that the file may have; None for a score."""
    score: Score = PSNR
    """The measure of a target score; for a size it compares pictures without networks."""
    least: float | None = None
    """The least score; None for a size."""

    def __post_init__(self) -> None:
        """Raise UsageError unless exactly one of the two is given."""
        if (self.size is None) == (self.least is None):
            raise UsageError("a target is a size or a score")

    @classmethod
    def of(cls, name: str, value: float, pixels: int) -> Target:
        """Return a target by its name: size in bytes, bpp in bits per pixel, or one of SCORES.

        ``pixels`` is the picture's number of pixels. Raises UsageError for another name and for a
        value that is not a number, not above 0, not finite or above the highest score.
        """
        check_number(value, f"target {name}")
        if not 0 < value < math.inf:
            raise UsageError(f"target {name} {value:g} is not above 0 and finite")
        if name in SCORES:
            if value > SCORES[name].most:
                raise UsageError(f"target {name} {value:g} is above {SCORES[name].most:g}")
            return cls(score=SCORES[name], least=value)
        if name not in SIZES:
            raise UsageError(f"unknown target {name!r}; known: {', '.join((*SIZES, *SCORES))}")
        return cls(size=int(min(value if name == "size" else value * pixels / 8, sys.maxsize)))

    @property
    def text(self) -> str:
        """The target in sentences: "5,000 B", "30 dB", "SSIMULACRA2 70"."""
        return f"{self.size:,} B" if self.least is None else self.score.text.format(f"{self.least:g}")


@dataclass(frozen=True, order=True)
class Point:
    """A quality and a step towards the next finer quality."""

    rank: int
    """The quality's rank, from the one with the smallest files, 0."""
    step: int = 0
    """Index into the codec's lambda_scales; 0 is the quality itself."""


Notify = Callable[[str], None]
"""Is called with a line on each coded picture."""


def ignore(line: str) -> None:
    """Take no notice of a trial."""


@dataclass
class Trials:
    """A picture coded with fixed settings at varying points, each once."""

    picture: Picture
    """The original."""
    settings: CompressSettings
    """The settings; quality and lambda_scale vary."""
    notify: Notify = ignore
    """Is called with a line on each coded picture."""
    coded: dict[Point, Compressed | NoRoomError] = field(default_factory=dict)
    """The files made so far, without a recommended type: a type changes no size."""
    files: dict[Point, Compressed] = field(default_factory=dict)
    """The files made so far, with their type."""
    scores: dict[tuple[Measure, Point], float] = field(default_factory=dict)
    """The scores measured so far."""
    plain_scores: dict[tuple[Measure, Point], float] = field(default_factory=dict)
    """The scores without networks measured so far."""

    @cached_property
    def qualities(self) -> Sequence[int]:
        """The codec's qualities by rank, from small to large files."""
        codec = get(self.settings.codec)
        low, high = codec.quality_range
        return range(high, low - 1, -1) if codec.lower_is_better else range(low, high + 1)

    @cached_property
    def stretches(self) -> Sequence[range]:
        """Runs of ranks whose files decompress with the same networks, from small to large files.

        Within a run scores rise with the rank. From one run to the next they may fall, where the
        networks' training ends.
        """
        alike = groupby(range(len(self.qualities)), key=self._decoding)
        return [range(ranks[0], ranks[-1] + 1) for ranks in (list(group) for _, group in alike)]

    def _decoding(self, rank: int) -> list[tuple[EnhancementType, bool]]:
        """Return the types that a rank's file may recommend, and whether their networks fit it."""
        coding = self._coding(rank)
        shipped = catalog.load()
        if self.settings.type == AUTO:
            kinds = choice.candidates(coding, self.settings.goal)
        else:
            kinds = [self.settings.type or shipped.default_type(coding)]
        return [(kind, shipped.fits(kind, coding)) for kind in kinds]

    def _coding(self, rank: int) -> Coding:
        return Coding(self.settings.codec, self.qualities[rank], self.settings.scale)

    @cached_property
    def lambda_scales(self) -> Sequence[float]:
        """The codec's multipliers of lambda, from one quality towards the next finer one."""
        return get(self.settings.codec).lambda_scales

    def _code(self, point: Point) -> Compressed:
        """Return a file without a recommended type; raises NoRoomError as ``file``."""
        if point not in self.coded:
            quality, scale = self.qualities[point.rank], self.lambda_scales[point.step]
            settings = replace(self.settings, quality=quality, lambda_scale=scale, type=NONE)
            try:
                self.coded[point] = made = pipeline.compress(self.picture, settings)
                self.notify(f"{self._coding(point.rank)}: {len(made.data):,} B")
            except NoRoomError as error:
                self.coded[point] = error
        made_or_error = self.coded[point]
        if isinstance(made_or_error, NoRoomError):
            raise made_or_error
        return made_or_error

    def file(self, point: Point) -> Compressed:
        """Return a file; raises NoRoomError where the encoder has no room for it."""
        if point not in self.files:
            coded = self._code(point)
            if self.settings.type == AUTO:
                self.files[point], score = pipeline.recommend_best(self.picture, coded, self.settings.goal)
                self.scores[GOALS[self.settings.goal], point] = score
            else:
                kind = self.settings.type or catalog.load().default_type(coded.header.coding)
                self.files[point] = pipeline.recommend(coded, kind)
        return self.files[point]

    def size(self, point: Point) -> float:
        """Return the file's size in bytes; infinity where the encoder has no room for it.

        That happens with noise at the finest qualities.
        """
        try:
            return len(self._code(point).data)
        except NoRoomError:
            return math.inf

    def plain_score(self, point: Point, measure: Measure = PSNR.measure) -> float:
        """Return a score of the codec's picture; infinity where ``size`` is."""
        if math.isinf(self.size(point)):
            return math.inf
        if (measure, point) not in self.plain_scores:
            result = pipeline.decompress(self._code(point).data, DecompressSettings(type=NONE))
            self.plain_scores[measure, point] = measure(self.picture.image, result.image)
        return self.plain_scores[measure, point]

    def score(self, point: Point, measure: Measure = PSNR.measure) -> float:
        """Return a score of the decompressed picture, on the CPU; infinity where ``size`` is."""
        try:
            file = self.file(point)
        except NoRoomError:
            return math.inf
        if (measure, point) not in self.scores:
            result = pipeline.decompress(file.data, DecompressSettings(runtime=ENCODER))
            self.scores[measure, point] = measure(self.picture.image, result.image)
        return self.scores[measure, point]

    def reported_score(self, point: Point, score: Score) -> float:
        """Return ``score`` and notify of it."""
        value = self.score(point, score.measure)
        if math.isfinite(value):
            self.notify(f"{self._coding(point.rank)}: {score.text.format(f'{value:.2f}')}")
        return value

    def ends_before(self, rank: int) -> list[int]:
        """Return the last ranks of coarser runs with networks; their pictures may be better."""
        ends = [ranks[-1] for ranks in self.stretches]
        return [end for end in ends if end < rank and any(kind is not NONE for kind, _ in self._decoding(end))]

    @cached_property
    def finest(self) -> int:
        """The last rank that the encoder has room for."""
        ranks = range(len(self.qualities))

        def excess(rank: int) -> float:
            return math.inf if math.isinf(self.size(Point(rank))) else -1.0

        return last_below(excess, 0.0, ranks, ranks[-1], slope=1.0) or 0
