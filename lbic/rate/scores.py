"""The table of scores that a target can name: measures of a picture that rise with the quality."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from lbic.metrics import ssimulacra2
from lbic.metrics.psnr import psnr_picture, rgb

Measure = Callable[[Image.Image, Image.Image], float]
"""(original, decompressed picture) -> score; higher is better."""


@dataclass(frozen=True)
class Score:
    """A measure that a target can name."""

    name: str
    """The word of the target."""
    measure: Measure
    """Takes the original and a picture of the same size."""
    text: str
    """The format of a value in sentences."""
    rise: float
    """About how much it rises over all qualities of a codec."""
    most_gain: float
    """More than any network gains."""
    better: float
    """The usual gain of the real effort, with networks, over the fastest one without."""
    most: float = math.inf
    """The highest value there is."""
    least_side: int = 1
    """The smallest side in pixels of a picture that it is defined for."""


def _ssimulacra2(original: Image.Image, other: Image.Image) -> float:
    return ssimulacra2.ssimulacra2(rgb(original), rgb(other))


PSNR = Score("psnr", psnr_picture, "{} dB", rise=30, most_gain=6, better=0.5)
SCORES = {
    score.name: score
    for score in (
        PSNR,
        Score(
            "ssimulacra2",
            _ssimulacra2,
            "SSIMULACRA2 {}",
            rise=200,
            most_gain=30,
            better=3,
            most=100,
            least_side=ssimulacra2.LEAST_SIDE,
        ),
    )
}
