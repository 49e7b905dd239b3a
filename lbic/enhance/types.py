"""The enhancement types: the numbers a .lbic file records and the names a user types.

Numbers and names are fixed in docs/format.md and never reused. 1 to 4 are Table 1 of Kim et
al., "Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed Images"; 5 to 7 are
the framework of Jia et al., "Deep Convolutional Network based Image Quality Enhancement for Low
Bit Rate Image Compression".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lbic.errors import UsageError, check_number


class Stage(Enum):
    """Where in the decoder a type's networks run, and on what."""

    DECODED = "decoded"
    """On the decoded RGB picture, before it is brought back to its original size."""
    UPSAMPLED = "upsampled"
    """On the luma of the picture at its original size."""
    PLANES = "planes"
    """On luma at its original size and on chroma at half of it, plane by plane."""


@dataclass(frozen=True)
class EnhancementType:
    """One row of the table: ``roles`` are the networks it chains, in order."""

    id: int
    name: str
    stage: Stage
    roles: tuple[str, ...]
    summary: str

    def __str__(self) -> str:
        return f"{self.id} ({self.name})"


NONE = EnhancementType(0, "none", Stage.DECODED, (), "the codec's picture as it is")
NOISE_REDUCTION = EnhancementType(1, "nr", Stage.DECODED, ("nr",), "noise reduction, HGRDN")

TYPES: dict[int, EnhancementType] = {
    t.id: t
    for t in (
        NONE,
        NOISE_REDUCTION,
        EnhancementType(2, "tr", Stage.DECODED, ("tr",), "texture restoration, HGRDN"),
        EnhancementType(3, "nr+tr", Stage.DECODED, ("nr", "tr"), "noise reduction, then texture restoration"),
        EnhancementType(4, "cas", Stage.DECODED, ("cas",), "both networks, trained as one cascade"),
        EnhancementType(5, "sr", Stage.UPSAMPLED, ("sr",), "SRCNN after bicubic upsampling"),
        EnhancementType(6, "sr+ar", Stage.UPSAMPLED, ("sr", "sr-ar"), "SRCNN after bicubic upsampling, then ARCNN"),
        EnhancementType(7, "ar", Stage.PLANES, ("ar",), "ARCNN, artifact reduction without downsampling"),
    )
}


def check_strength(strength: float) -> float:
    """Return the share of an enhancement to apply when it is in 0..1; UsageError names the range."""
    check_number(strength, "strength")
    if 0 <= strength <= 1:
        return strength
    raise UsageError(f"strength {strength:g} is not in 0..1 (0 is the codec's picture, 1 the enhanced one)")


def parse(text: str | int) -> EnhancementType:
    """Find a type by number or name ("6", 6 or "sr+ar").

    Raises UsageError, listing all of them, for any other text.
    """
    wanted = str(text).strip().lower()
    for row in TYPES.values():
        if wanted in (str(row.id), row.name):
            return row
    known = ", ".join(f"{row.id} {row.name}" for row in TYPES.values())
    raise UsageError(f"unknown enhancement type {str(text)!r}; known: {known}")
