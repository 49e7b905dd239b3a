"""Compress a picture file's bytes with fixed settings, here or on any machine that the compressor is sent to."""

from __future__ import annotations

from dataclasses import dataclass, field

from lbic import pipeline
from lbic.isolation import pictures
from lbic.limits import MAX_PIXELS
from lbic.picture.load import load
from lbic.pipeline import Compressed, CompressSettings
from lbic.rate import target
from lbic.rate.trials import Target


@dataclass(frozen=True)
class Compressor:
    """A picture file's bytes -> a .lbic file, the same here and on any machine that it is sent to.

    ``wanted`` is a target by its name (size, bpp or psnr) and value, reached at the best of ``scales`` (sixteenths);
    without one the settings alone count. ``flatten`` is the colour, RGB 0..255, that pictures with alpha are put on.
    ``apart`` has the file read in another process (lbic/apart.py), as the command line does.
    """

    settings: CompressSettings = field(default_factory=CompressSettings)
    wanted: tuple[str, float] | None = None
    scales: tuple[int, ...] = target.SCALES
    max_pixels: int = MAX_PIXELS
    flatten: tuple[int, int, int] | None = None
    apart: bool = False

    def __call__(self, data: bytes) -> Compressed:
        """Raises as load (apart.load), pipeline.compress and rate.target.compress do."""
        read = pictures.load if self.apart else load
        picture = read(data, max_pixels=self.max_pixels, keep_icc="icc" in self.settings.keep)
        if self.flatten:
            picture = picture.flattened(self.flatten)
        if self.wanted is None:
            return pipeline.compress(picture, self.settings)
        goal = Target.of(*self.wanted, picture.image.width * picture.image.height)
        return target.compress(picture, self.settings, goal, self.scales)
