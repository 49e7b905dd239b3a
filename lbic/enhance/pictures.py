"""Enhance pictures that are no .lbic files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from lbic import color
from lbic.color import Planes
from lbic.enhance import degradation
from lbic.enhance.apply import Enhancement, enhance_planes
from lbic.enhance.damage import is_clean
from lbic.enhance.degradation import Degradation
from lbic.enhance.session import Runtime
from lbic.enhance.types import EnhancementType, check_strength
from lbic.errors import CleanPictureError
from lbic.picture.load import Picture, from_pillow


@dataclass(frozen=True)
class EnhanceSettings:
    """How to enhance a picture that is no .lbic file."""

    type: EnhancementType | None = None
    """The enhancement type to run; None is the catalog's advice for the codec and quality."""
    codec: str | None = None
    """The codec that the picture was coded with before; None: see degradation.find."""
    quality: int | None = None
    """The quality that it was coded with; None: see degradation.find."""
    runtime: Runtime = field(default_factory=Runtime)
    """Profile, device and tile of the networks."""
    strength: float = 1
    """The weight of the enhanced picture against the given one, 0..1."""

    def __post_init__(self) -> None:
        """Raise UsageError for a strength out of range."""
        check_strength(self.strength)


@dataclass(frozen=True)
class Enhanced:
    """The result of ``enhance``."""

    picture: Picture
    """The enhanced picture, with the alpha and metadata of the given one."""
    degradation: Degradation
    """How the picture was coded before, known or assumed."""
    enhancement: Enhancement
    """What ran."""
    notes: tuple[str, ...]
    """Sentences for the user."""


def enhance(picture: Picture | Image.Image, settings: EnhanceSettings | None = None) -> Enhanced:
    """Run an enhancement type on any picture.

    Raises UsageError for settings out of range, and MissingError when the type's networks are not
    shipped or, without a type in the settings, none suits the picture. Raises CleanPictureError
    for a picture without damage if the settings name neither type, codec nor quality.
    """
    settings = settings or EnhanceSettings()
    if isinstance(picture, Image.Image):
        picture = from_pillow(picture)
    damage = degradation.find(picture, settings.codec, settings.quality, settings.type)
    kind = settings.type or degradation.choose_type(damage)
    nothing_is_known = settings.type is None and settings.codec is None and damage.known_from == "assumed"
    if nothing_is_known and is_clean(picture.image):
        raise CleanPictureError("the picture shows no damage of a codec, and enhancement may harm it", kind.id)
    image = picture.image
    levels = np.asarray(image)
    planes = Planes(color.from_levels(levels, 255)) if image.mode == "L" else Planes(*color.rgb_to_ycbcr(levels))
    result = enhance_planes(
        planes, kind, damage.coding, image.size, settings.runtime, explicit=True, strength=settings.strength
    )
    enhanced = replace(picture, image=Image.fromarray(color.planes_to_uint8(result.planes)), luma_table=None)
    unknown = (damage.note(),) if damage.known_from == "assumed" and result.quality_matters else ()
    return Enhanced(enhanced, damage, result, (*picture.notes, *result.notes, *unknown))
