"""A picture coded by VVC as ``lbic compress`` does it, and what types 1 to 4 make of it, profile lite on the CPU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

import lbic
from benchmarks import kept
from lbic import color, pipeline
from lbic.color import Planes
from lbic.container import SCALE_ONE, Header
from lbic.enhance import catalog
from lbic.enhance.apply import enhance_planes
from lbic.enhance.catalog import ModelSpec
from lbic.enhance.session import Runtime
from lbic.enhance.types import TYPES, EnhancementType

CODEC, EFFORT = "vvc", 2
QUALITY = 37
"""The QP that the bars and the pictures to look at are about."""
KINDS = tuple(TYPES[number] for number in (1, 2, 3, 4))
RUNTIME = Runtime(profile="lite", device="cpu")


@dataclass(frozen=True)
class Coded:
    """A picture, its .lbic file, and what the codec decodes from that."""

    original: Image.Image
    data: bytes
    header: Header
    planes: Planes


def code(path: Path, quality: int) -> Coded:
    """Compress a picture file, unless its .lbic file is kept, and decode it once for all types."""
    with Image.open(path) as image:
        original = image.convert("RGB")
    data = kept.stream(
        f"{path.stem}-q{quality}", lambda: lbic.compress(original, q=quality, codec=CODEC, effort=EFFORT, type=0)
    )
    return Coded(original, data, lbic.info(data), pipeline.decode_planes(data))


def enhance(coded: Coded, kind: EnhancementType, tile: int | None = None) -> Planes:
    """Run a type's networks, nothing else; ``tile`` as in Runtime."""
    return enhance_planes(coded.planes, kind, coded.header, replace(RUNTIME, tile=tile), explicit=True).planes


def restore(coded: Coded, kind: EnhancementType, tile: int | None = None) -> Image.Image:
    """The picture that ``lbic decompress --type`` writes."""
    return Image.fromarray(color.planes_to_uint8(enhance(coded, kind, tile)))


def networks(kind: EnhancementType, quality: int) -> tuple[ModelSpec, ...]:
    """The networks that a type runs here, in order."""
    found = (catalog.load().find(role, CODEC, SCALE_ONE, quality, RUNTIME.profile) for role in kind.roles)
    return tuple(spec for spec in found if spec)


def shipped() -> list[EnhancementType]:
    """Those of KINDS whose networks are shipped for these pictures, all in profile lite."""

    def fits(spec: ModelSpec) -> bool:
        return spec.profile == RUNTIME.profile and spec.covers(CODEC, SCALE_ONE, QUALITY)

    return [kind for kind in KINDS if catalog.load().shipped(kind) and all(map(fits, networks(kind, QUALITY)))]
