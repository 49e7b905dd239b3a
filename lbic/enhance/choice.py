"""Choose the enhancement type by measurement: the encoder has the original to compare with."""

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
"""The measure of each goal: (original, decompressed picture) -> score; higher is better."""
Auto = Literal["auto"]
AUTO: Final = "auto"
"""Stands for the measured choice where a type is expected."""
ENCODER = Runtime(device="cpu")
"""How encoders run networks: on the CPU everywhere, so that every machine chooses the same
type."""
_RESTORING = {"tr", "cas"}
"""Roles whose networks trade PSNR for texture: for fidelity they cost seconds and are never
chosen."""


def parse_goal(name: str) -> Goal:
    """Return the goal with a name; raises UsageError, which lists the goals, for another name."""
    for goal in GOALS:
        if name == goal:
            return goal
    raise UsageError(f"unknown goal {name!r}; known: {', '.join(GOALS)}")


def best(original: Image.Image, planes: Planes, coding: Coding, goal: Goal = FIDELITY) -> tuple[EnhancementType, float]:
    """Return the type whose picture comes closest to the original by the goal, and its score.

    ``planes`` are the codec's picture at its coded size. The types compared are those of
    ``candidates``; on a tie the one that costs less is taken.
    """

    def score(kind: EnhancementType) -> float:
        enhanced = enhance_planes(planes, kind, coding, original.size, ENCODER, explicit=True).planes
        return GOALS[goal](original, Image.fromarray(color.planes_to_uint8(enhanced)))

    scores = {kind: score(kind) for kind in candidates(coding, goal)}
    kind = max(scores, key=scores.__getitem__)
    return kind, scores[kind]


def candidates(coding: Coding, goal: Goal = FIDELITY) -> list[EnhancementType]:
    """Return the types that ``best`` compares, by the number of their networks.

    They are NONE and the types whose networks are all shipped and cover the coding. Types that
    restore texture are among them only for the perceptual goal.
    """
    useless = _RESTORING if goal == FIDELITY else set()
    kinds = (kind for kind in TYPES.values() if kind.roles and not useless & set(kind.roles))
    fitting = [kind for kind in kinds if catalog.load().fits(kind, coding)]
    return [NONE, *sorted(fitting, key=lambda kind: len(kind.roles))]
