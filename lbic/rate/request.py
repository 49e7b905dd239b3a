"""A request to compress: what the user wants of a file, checked and resolved once.

The Python API, the command line, the Pillow plugin and the Ray compressor each build one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lbic import pipeline
from lbic.codecs.base import DEFAULT_EFFORT
from lbic.codecs.table import DEFAULT_CODEC, get
from lbic.coding import SCALE_ONE
from lbic.enhance.choice import AUTO, FIDELITY, Auto, Goal
from lbic.enhance.types import EnhancementType
from lbic.errors import QualityAndTargetError, UsageError
from lbic.picture.load import Picture
from lbic.pipeline import Compressed, CompressSettings
from lbic.rate import target
from lbic.rate.trials import SIZES, Notify, Target, ignore


@dataclass(frozen=True)
class CompressRequest:
    """What the user wants of a compressed file.

    Raises UsageError for values out of range and for values that exclude each other.
    """

    codec: str = DEFAULT_CODEC
    """The codec's name."""
    quality: int | None = None
    """The codec's own quality; None is the codec's default, or the quality that reaches the
    target."""
    target: tuple[str, float] | None = None
    """A target by its name and value: size in bytes, bpp in bits per pixel, psnr in dB, or
    ssimulacra2; None for none."""
    scale: int | None = None
    """Downsampling in sixteenths; None is full size, or with a target the best of
    rate.target.SCALES."""
    effort: int = DEFAULT_EFFORT
    """Speed against file size, 0 (fastest) to 4 (smallest files)."""
    type: EnhancementType | Auto | None = None
    """The enhancement type to record; None is the catalog's advice, "auto" the best by the
    goal."""
    goal: Goal | None = None
    """What type "auto", the encoder's mode, and the scale for a size are chosen by; None is
    fidelity. A goal alone means type "auto"."""
    keep: frozenset[str] = frozenset()
    """The metadata items to store: names of format.metadata.KEEPABLE."""
    scales: tuple[int, ...] = field(init=False)
    """The scales to choose from, in sixteenths, by the fields above."""
    settings: CompressSettings = field(init=False)
    """The settings of one compression, at the first of the scales; a target changes quality and
    scale."""

    def __post_init__(self) -> None:
        """Check the fields and resolve scales and settings."""
        if self.target and self.quality is not None:
            raise QualityAndTargetError(
                f"target {self.target[0]} finds the quality; quality {self.quality} is given too"
            )
        if self.target:
            Target.of(*self.target, pixels=1)
        if self.scale is not None:
            scales: tuple[int, ...] = (self.scale,)
        else:
            scales = target.SCALES if self.target else (SCALE_ONE,)
        settings = CompressSettings(
            codec=self.codec,
            quality=self.quality,
            scale=scales[0],
            effort=self.effort,
            type=self._resolve_type(),
            goal=self.goal or FIDELITY,
            keep=self.keep,
        )
        settings.check()
        object.__setattr__(self, "scales", scales)
        object.__setattr__(self, "settings", settings)

    def compress(self, picture: Picture, notify: Notify = ignore) -> Compressed:
        """Compress a picture; ``notify`` is called with a line on each trial for a target.

        Raises MissingError without an encoder, CodecError when it fails, and TargetError when no
        quality reaches the target.
        """
        if self.target is None:
            return pipeline.compress(picture, self.settings)
        width, height = picture.image.size
        return target.compress(picture, self.settings, Target.of(*self.target, width * height), self.scales, notify)

    def _resolve_type(self) -> EnhancementType | Auto | None:
        """Return the type to record; raises UsageError for a goal that has nothing to choose."""
        goal_chooses_scale = self.target is not None and self.target[0] in SIZES and self.scale is None
        goal_chooses_encoder = self.goal and pipeline.perceptual_encoder(get(self.codec), self.goal)
        if self.goal and self.type not in (None, AUTO) and not (goal_chooses_scale or goal_chooses_encoder):
            raise UsageError(
                f"goal {self.goal} has nothing to choose with type {self.type} and no scale to find for a size"
            )
        return AUTO if self.goal and self.type is None else self.type
