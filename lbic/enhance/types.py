"""The enhancement types: the numbers that .lbic files record and the names that users type.

Numbers and names are fixed in docs/format.md and never reused. Types 1 to 4 are Table 1 of Kim et
al., "Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed Images". Types 5 to 7
are the framework of Jia et al., "Deep Convolutional Network based Image Quality Enhancement for
Low Bit Rate Image Compression".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lbic.errors import UsageError, check_number


class Stage(Enum):
    """The step of decoding at which a type's networks run, and the samples that they get."""

    DECODED = "decoded"
    """On the decoded RGB picture, before it is enlarged to its original size."""
    UPSAMPLED = "upsampled"
    """On the luma of the picture at its original size."""
    PLANES = "planes"
    """On luma at its original size and on chroma at half of it, plane by plane."""


@dataclass(frozen=True)
class EnhancementType:
    """One enhancement type."""

    id: int
    """The number in the file."""
    name: str
    """The name that users type."""
    stage: Stage
    """When its networks run."""
    roles: tuple[str, ...]
    """The roles of its networks, in the order in which they run."""
    summary: str
    """A few words for tables and help texts."""

    def __str__(self) -> str:
        """Return number and name: 7 (ar)."""
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
    """Return the weight of the enhanced picture; raises UsageError unless it is in 0..1."""
    check_number(strength, "strength")
    if 0 <= strength <= 1:
        return strength
    raise UsageError(f"strength {strength:g} is not in 0..1 (0 is the codec's picture, 1 the enhanced one)")


def parse(text: str | int) -> EnhancementType:
    """Return the type with a number or name: "6", 6 or "sr+ar".

    Raises UsageError, which lists all types, for any other text.
    """
    word = str(text).strip().lower()
    for row in TYPES.values():
        if word in (str(row.id), row.name):
            return row
    known = ", ".join(f"{row.id} {row.name}" for row in TYPES.values())
    raise UsageError(f"unknown enhancement type {str(text)!r}; known: {known}")


def choose_type(requested: EnhancementType | None, recommended: int) -> tuple[EnhancementType, tuple[str, ...]]:
    """Return the type to run, and a note when the recommended one is unknown.

    It is the requested type, else the one with the recommended number, else NONE.
    """
    if requested is not None:
        return requested, ()
    if recommended in TYPES:
        return TYPES[recommended], ()
    note = f"the file recommends enhancement type {recommended}, unknown to this lbic; wrote the codec's picture"
    return NONE, (note,)
