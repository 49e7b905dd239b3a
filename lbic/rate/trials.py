"""Trials: code a picture at several qualities, and find the one that a target asks for."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import groupby

from lbic import pipeline
from lbic.codecs.table import get
from lbic.coding import Coding
from lbic.enhance import catalog, choice
from lbic.enhance.choice import AUTO, ENCODER, FIDELITY, GOALS, Goal
from lbic.enhance.types import NONE, EnhancementType
from lbic.errors import NoRoomError, UsageError, check_number
from lbic.picture.load import Picture
from lbic.pipeline import Compressed, CompressSettings, DecompressSettings
from lbic.rate.search import last_that_fits


@dataclass(frozen=True)
class Target:
    """A target for one picture: a size or a PSNR."""

    size: int | None = None
    """The most bytes that the file may have."""
    psnr: float | None = None
    """The least PSNR in dB, of RGB or of a gray picture's luma."""

    def __post_init__(self) -> None:
        """Raise UsageError unless exactly one of the two is given."""
        if (self.size is None) == (self.psnr is None):
            raise UsageError("a target is a size or a PSNR")

    @classmethod
    def of(cls, name: str, value: float, pixels: int) -> Target:
        """Return a target by its name: size in bytes, bpp in bits per pixel, psnr in dB.

        ``pixels`` is the picture's number of pixels. Raises UsageError for another name and for a
        value that is not a number, not above 0 or not finite.
        """
        check_number(value, f"target {name}")
        if not 0 < value < math.inf:
            raise UsageError(f"target {name} {value:g} is not above 0 and finite")
        if name == "psnr":
            return cls(psnr=value)
        if name not in ("size", "bpp"):
            raise UsageError(f"unknown target {name!r}; known: size, bpp, psnr")
        return cls(size=int(min(value if name == "size" else value * pixels / 8, sys.maxsize)))


@dataclass
class Trials:
    """A picture coded with fixed settings at varying qualities and steps, each pair once.

    A quality's rank counts from the one with the smallest files, 0. A step is an index into the
    codec's lambda_scales; step 0 is the quality itself.
    """

    picture: Picture
    """The original."""
    settings: CompressSettings
    """The settings; quality and lambda_scale vary."""
    files: dict[tuple[int, int], Compressed | NoRoomError] = field(default_factory=dict)
    """The files made so far, by rank and step."""
    scores: dict[tuple[Goal, int, int], float] = field(default_factory=dict)
    """The scores measured so far, by goal, rank and step."""

    @cached_property
    def qualities(self) -> Sequence[int]:
        """The codec's qualities by rank, from small to large files."""
        codec = get(self.settings.codec)
        low, high = codec.quality_range
        return range(high, low - 1, -1) if codec.lower_is_better else range(low, high + 1)

    @cached_property
    def stretches(self) -> Sequence[range]:
        """Runs of ranks whose files decompress with the same networks, from small to large files.

        Within a run the PSNR rises with the rank. From one run to the next it may fall, where the
        networks' training ends.
        """
        alike = groupby(range(len(self.qualities)), key=self._decoding)
        return [range(ranks[0], ranks[-1] + 1) for ranks in (list(group) for _, group in alike)]

    def _decoding(self, rank: int) -> list[tuple[EnhancementType, bool]]:
        """Return the types that a rank's file may recommend, and whether their networks fit it."""
        coding = Coding(self.settings.codec, self.qualities[rank], self.settings.scale)
        shipped = catalog.load()
        if self.settings.type == AUTO:
            kinds = choice.candidates(coding, self.settings.goal)
        else:
            kinds = [self.settings.type or shipped.default_type(coding)]
        return [(kind, shipped.fits(kind, coding)) for kind in kinds]

    @cached_property
    def lambda_scales(self) -> Sequence[float]:
        """The codec's multipliers of lambda, from one quality towards the next finer one."""
        return get(self.settings.codec).lambda_scales

    def file(self, rank: int, step: int = 0) -> Compressed:
        """Return a file; raises NoRoomError where the encoder has no room for it."""
        if (rank, step) not in self.files:
            settings = replace(self.settings, quality=self.qualities[rank], lambda_scale=self.lambda_scales[step])
            try:
                self.files[rank, step] = pipeline.compress(self.picture, settings)
            except NoRoomError as error:
                self.files[rank, step] = error
        file = self.files[rank, step]
        if isinstance(file, NoRoomError):
            raise file
        return file

    @cached_property
    def _sized(self) -> Trials:
        """The trials that measure sizes: a type is not chosen, as that changes no size."""
        if self.settings.type != AUTO:
            return self
        return Trials(self.picture, replace(self.settings, type=NONE))

    def size(self, rank: int, step: int = 0) -> float:
        """Return the file's size in bytes; infinity where the encoder has no room for it.

        That happens with noise at the finest qualities.
        """
        try:
            return len(self._sized.file(rank, step).data)
        except NoRoomError:
            return math.inf

    def psnr(self, rank: int, step: int = 0) -> float:
        """Return the decompressed picture's PSNR in dB, on the CPU; infinity where ``size`` is."""
        return self.score(rank, step, FIDELITY)

    def score(self, rank: int, step: int, goal: Goal) -> float:
        """Return the decompressed picture's score by a goal; infinity where ``size`` is."""
        if (goal, rank, step) not in self.scores:
            try:
                data = self.file(rank, step).data
            except NoRoomError:
                return math.inf
            result = pipeline.decompress(data, DecompressSettings(runtime=ENCODER))
            self.scores[goal, rank, step] = GOALS[goal](self.picture.image, result.image)
        return self.scores[goal, rank, step]

    def rank(self, target: Target, start: int) -> int | None:
        """Return the rank that a target asks for; None when no rank reaches it.

        It is the finest within a size, or the coarsest with a PSNR. Trials begin at the rank
        ``start``.
        """
        last = len(self.qualities) - 1
        if target.size is not None:
            size = target.size
            return last_that_fits(lambda rank: self.size(rank) <= size, 0, last, start)
        target_psnr = target.psnr or 0.0
        for ranks in self.stretches:
            # Below the guess, one trial at a run's finest rank shows whether the run may reach it.
            if ranks[-1] >= start or self.psnr(ranks[-1]) >= target_psnr:
                fits = partial(self._mirrored_has, target_psnr)
                mirrored = last_that_fits(fits, last - ranks[-1], last - ranks[0], last - start)
                if mirrored is not None:
                    return last - mirrored
        return None

    def _mirrored_has(self, target_psnr: float, mirrored: int) -> bool:
        """Return whether a rank, counted from the finest, has at least a PSNR."""
        return self.psnr(len(self.qualities) - 1 - mirrored) >= target_psnr

    def ends_before(self, rank: int) -> list[int]:
        """Return the last ranks of coarser runs with networks; their pictures may be better."""
        ends = [ranks[-1] for ranks in self.stretches]
        return [end for end in ends if end < rank and any(kind is not NONE for kind, _ in self._decoding(end))]

    def has_room(self, rank: int) -> bool:
        """Return whether the encoder has room for the file of a rank."""
        try:
            self.file(rank)
        except NoRoomError:
            return False
        return True

    @cached_property
    def finest(self) -> int:
        """The last rank that the encoder has room for."""
        last = len(self.qualities) - 1
        return last_that_fits(lambda rank: self.size(rank) < math.inf, 0, last, last) or 0

    def step(self, target: Target, rank: int) -> tuple[int, int]:
        """Return the rank and step that come closest to a target, from the rank that it asks for.

        For a size it is the last step within it. For a PSNR it is the first step from the next
        coarser rank that has it, if its file is smaller.
        """
        last = len(self.lambda_scales) - 1
        if last == 0:
            return rank, 0
        if target.size is not None:
            size = target.size
            # All steps together change the size about as much as one quality does, by a sixth.
            part = math.log(size / self.size(rank)) / math.log(1 + 1 / 6)
            return rank, last_that_fits(lambda step: self.size(rank, step) <= size, 0, last, round(last * part)) or 0
        target_psnr, coarser = target.psnr or 0.0, rank - 1
        if coarser < 0:
            return rank, 0
        part = (target_psnr - self.psnr(coarser)) / (self.psnr(rank) - self.psnr(coarser))
        left = last_that_fits(
            lambda left: self.psnr(coarser, last - left) >= target_psnr, 0, last, last - math.ceil(last * part)
        )
        if left is None or self.size(coarser, last - left) >= self.size(rank):
            return rank, 0
        return coarser, last - left
