"""Which enhancement the encoder records when it is to measure: it has the original, the decoder has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from PIL import Image

from lbic import color
from lbic.coding import Coding
from lbic.color import Planes
from lbic.enhance import catalog
from lbic.enhance.apply import enhance_planes
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, TYPES, EnhancementType
from lbic.errors import UsageError
from lbic.metrics.contrast import contrast_picture
from lbic.metrics.psnr import psnr_picture

Goal = Literal["fidelity", "perceptual"]
FIDELITY: Final[Goal] = "fidelity"
PERCEPTUAL: Final[Goal] = "perceptual"
GOALS: dict[Goal, Callable[[Image.Image, Image.Image], float]] = {
    FIDELITY: psnr_picture,
    PERCEPTUAL: contrast_picture,
}
"""What choices go by, of the original and of what a file decompresses to; higher is better."""
Auto = Literal["auto"]
AUTO: Final = "auto"
"""What stands for a measured choice where a type is expected."""
ENCODER = Runtime(device="cpu")
"""What encoders measure with, so that their choices are the same on every machine: what a CPU would decode with."""
_RESTORING = {"tr", "cas"}
"""Roles whose networks give PSNR away for texture: for fidelity they cost seconds and are never chosen."""


def parse_goal(name: str) -> Goal:
    """A goal by its name; UsageError for another name."""
    for goal in GOALS:
        if name == goal:
            return goal
    raise UsageError(f"unknown goal {name!r}; known: {', '.join(GOALS)}")


def best(original: Image.Image, planes: Planes, coding: Coding, goal: Goal = FIDELITY) -> EnhancementType:
    """The type whose picture comes closest to the original by the goal; on a tie the one that costs less.

    ``planes`` are the codec's picture at the size it was coded at. The candidates are ``none`` and the types whose
    networks are all shipped and trained for this codec, scale and quality; those that restore texture only for
    the perceptual goal.
    """

    def score(kind: EnhancementType) -> float:
        enhanced = enhance_planes(planes, kind, coding, original.size, ENCODER, explicit=True).planes
        return GOALS[goal](original, Image.fromarray(color.planes_to_uint8(enhanced)))

    return max(candidates(coding, goal), key=score)


def candidates(coding: Coding, goal: Goal = FIDELITY) -> list[EnhancementType]:
    """The types that ``best`` measures, ``none`` first, then by the number of their networks."""
    useless = _RESTORING if goal == FIDELITY else set()
    kinds = (kind for kind in TYPES.values() if kind.roles and not useless & set(kind.roles))
    fitting = [kind for kind in kinds if catalog.load().fits(kind, coding)]
    return [NONE, *sorted(fitting, key=lambda kind: len(kind.roles))]
