"""A picture coded at one quality after another, and which of them a target asks for."""

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
    """What is wanted: at most ``size`` bytes, or at least ``psnr`` dB (RGB; luma of gray pictures), one of them."""

    size: int | None = None
    psnr: float | None = None

    def __post_init__(self) -> None:
        if (self.size is None) == (self.psnr is None):
            raise UsageError("a target is a size or a PSNR")

    @classmethod
    def of(cls, name: str, value: float, pixels: int) -> Target:
        """A target by its name: ``size`` in bytes, ``bpp`` in bits for each of the pixels, ``psnr`` in dB.

        Raises UsageError for another name and for a value that is not above 0 and finite.
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
    """A picture coded with fixed settings but for the quality and the step beyond it, each pair once.

    Qualities are told by their rank, 0 the smallest files; steps by their place in the codec's lambda_scales, 0 none.
    """

    picture: Picture
    settings: CompressSettings
    files: dict[tuple[int, int], Compressed | NoRoomError] = field(default_factory=dict)
    found: dict[tuple[Goal, int, int], float] = field(default_factory=dict)

    @cached_property
    def qualities(self) -> Sequence[int]:
        """The codec's qualities from small to large files."""
        codec = get(self.settings.codec)
        low, high = codec.quality_range
        return range(high, low - 1, -1) if codec.lower_is_better else range(low, high + 1)

    @cached_property
    def stretches(self) -> Sequence[range]:
        """Runs of ranks whose files are decompressed alike, from small to large files.

        Within one PSNR rises with the rank. From one to the next it may fall: where the networks' training ends.
        """
        alike = groupby(range(len(self.qualities)), key=self._decoding)
        return [range(ranks[0], ranks[-1] + 1) for ranks in (list(group) for _, group in alike)]

    def _decoding(self, rank: int) -> list[tuple[EnhancementType, bool]]:
        """The types that the file of a rank may recommend, each with whether its networks are for that quality."""
        coding = Coding(self.settings.codec, self.qualities[rank], self.settings.scale)
        shipped = catalog.load()
        if self.settings.type == AUTO:
            kinds = choice.candidates(coding, self.settings.goal)
        else:
            kinds = [self.settings.type or shipped.default_type(coding)]
        return [(kind, shipped.fits(kind, coding)) for kind in kinds]

    @cached_property
    def lambda_scales(self) -> Sequence[float]:
        """The codec's steps from one quality towards the next finer one."""
        return get(self.settings.codec).lambda_scales

    def file(self, rank: int, step: int = 0) -> Compressed:
        """The file of a quality and a step; NoRoomError where the encoder has no room for it."""
        if (rank, step) not in self.files:
            settings = replace(self.settings, quality=self.qualities[rank], lambda_scale=self.lambda_scales[step])
            try:
                self.files[rank, step] = pipeline.compress(self.picture, settings)
            except NoRoomError as error:
                self.files[rank, step] = error
        found = self.files[rank, step]
        if isinstance(found, NoRoomError):
            raise found
        return found

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
        for ranks in self.stretches:
            # Where the guess is a finer quality, one trial tells that the stretch's best is not enough.
            if ranks[-1] >= start or self.psnr(ranks[-1]) >= wanted:
                fits = partial(self._mirrored_has, wanted)
                found = last_that_fits(fits, last - ranks[-1], last - ranks[0], last - start)
                if found is not None:
                    return last - found
        return None

    def _mirrored_has(self, wanted: float, mirrored: int) -> bool:
        """Tell whether a rank, counted from the finest, has a PSNR."""
        return self.psnr(len(self.qualities) - 1 - mirrored) >= wanted

    def ends_before(self, rank: int) -> list[int]:
        """The last ranks of coarser stretches than that of a rank, where networks run: their pictures may be better."""
        ends = [ranks[-1] for ranks in self.stretches]
        return [end for end in ends if end < rank and any(kind is not NONE for kind, _ in self._decoding(end))]

    def has_room(self, rank: int) -> bool:
        """Tell whether the encoder has room for the file of a rank."""
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
