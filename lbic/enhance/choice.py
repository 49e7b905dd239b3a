"""Which enhancement the encoder records when it is to measure: it has the original, the decoder has not."""

from __future__ import annotations

from typing import Final, Literal

from PIL import Image

from lbic import color
from lbic.color import Planes
from lbic.container import Header
from lbic.enhance import catalog
from lbic.enhance.apply import enhance_planes
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, TYPES, EnhancementType
from lbic.metrics.psnr import psnr_picture

Auto = Literal["auto"]
AUTO: Final = "auto"
"""What stands for a measured choice where a type is expected."""
ENCODER = Runtime(profile="lite", device="cpu")
"""What encoders measure with, so that their choices are the same on every machine."""
_RESTORING = {"tr", "cas"}
"""Roles whose networks give PSNR away for texture: measuring them costs seconds and never chooses them."""


def closest(original: Image.Image, planes: Planes, header: Header) -> EnhancementType:
    """The type whose picture has the highest PSNR against the original; on a tie the one that costs less.

    ``planes`` are the codec's picture at the size it was coded at. The candidates are ``none`` and the types whose
    networks are all shipped and trained for this codec, scale and quality, without those that restore texture.
    """

    def found(kind: EnhancementType) -> float:
        enhanced = enhance_planes(planes, kind, header, ENCODER, explicit=True).planes
        return psnr_picture(original, Image.fromarray(color.planes_to_uint8(enhanced)))

    return max(candidates(header), key=found)


def candidates(header: Header) -> list[EnhancementType]:
    """The types that ``closest`` measures, ``none`` first, then by the number of their networks."""
    kinds = (kind for kind in TYPES.values() if kind.roles and not _RESTORING & set(kind.roles))
    return [NONE, *sorted((kind for kind in kinds if _trained(kind, header)), key=lambda kind: len(kind.roles))]


def _trained(kind: EnhancementType, header: Header) -> bool:
    shipped = catalog.load()
    networks = shipped.networks(kind, header.codec, header.scale, header.quality, ENCODER.profile)
    return shipped.shipped(kind) and all(spec.covers(header.codec, header.scale, header.quality) for spec in networks)
