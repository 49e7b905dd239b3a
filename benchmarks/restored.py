"""A picture coded by VVC as ``lbic compress`` does it, and what types 1 to 4 make of it, profile lite on the CPU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

import lbic
from lbic import color, pipeline
from lbic.coding import Coding
from lbic.color import Planes
from lbic.enhance import catalog
from lbic.enhance.apply import enhance_planes
from lbic.enhance.catalog import ModelSpec
from lbic.enhance.session import Runtime
from lbic.enhance.types import TYPES, EnhancementType
from lbic.evaluate import keys, runner
from lbic.evaluate.cache import Cache
from lbic.evaluate.keys import Key
from lbic.evaluate.plan import PlannedCoding
from lbic.format.container import Header

FOLDER = Path(__file__).resolve().parent.parent / "runs" / "benchmark-hgrdn"
"""Where .lbic files and rows are kept, so that an interrupted run goes on."""
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
    data = runner.code(original, PlannedCoding(CODEC, quality), EFFORT, key(path, quality), kept()).data
    return Coded(original, data, lbic.info(data), pipeline.decode_planes(data))


def key(path: Path, quality: int) -> Key:
    """What the .lbic file of a picture file depends on."""
    return keys.coded_key(keys.picture_key(path.read_bytes()), PlannedCoding(CODEC, quality), EFFORT)


def kept() -> Cache:
    """What earlier runs have found."""
    return Cache(FOLDER)


def enhance(coded: Coded, kind: EnhancementType, tile: int | None = None) -> Planes:
    """Run a type's networks, nothing else; ``tile`` as in Runtime."""
    header, runtime = coded.header, replace(RUNTIME, tile=tile)
    return enhance_planes(coded.planes, kind, header.coding, header.size, runtime, explicit=True).planes


def restore(coded: Coded, kind: EnhancementType, tile: int | None = None) -> Image.Image:
    """The picture that ``lbic decompress --type`` writes."""
    return Image.fromarray(color.planes_to_uint8(enhance(coded, kind, tile)))


def shipped() -> list[EnhancementType]:
    """Those of KINDS whose networks are shipped for these pictures, all in profile lite."""

    def fits(spec: ModelSpec) -> bool:
        return spec.profile == RUNTIME.profile and spec.covers(Coding(CODEC, QUALITY))

    def networks(kind: EnhancementType) -> tuple[ModelSpec, ...]:
        return keys.networks(Coding(CODEC, QUALITY), kind, RUNTIME)

    return [kind for kind in KINDS if catalog.load().shipped(kind) and all(map(fits, networks(kind)))]
