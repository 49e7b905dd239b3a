"""Pictures coded with VVC and restored with types 1 to 4, profile lite on the CPU."""

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
"""The cache of .lbic files and rows, with which an interrupted run continues."""
CODEC, EFFORT = "vvc", 2
QUALITY = 37
"""The QP of the bars and of the crops."""
KINDS = tuple(TYPES[number] for number in (1, 2, 3, 4))
"""The types that are measured."""
RUNTIME = Runtime(profile="lite", device="cpu")


@dataclass(frozen=True)
class Coded:
    """A picture and its .lbic file."""

    original: Image.Image
    data: bytes
    """The .lbic file."""
    header: Header
    planes: Planes
    """The codec's picture."""


def code(path: Path, quality: int) -> Coded:
    """Return a picture file as a .lbic file, from the cache where possible, and decode that."""
    with Image.open(path) as image:
        original = image.convert("RGB")
    data = runner.code(original, PlannedCoding(CODEC, quality), EFFORT, key(path, quality), kept()).data
    return Coded(original, data, lbic.info(data), pipeline.decode_planes(data))


def key(path: Path, quality: int) -> Key:
    """Return the cache's key of the .lbic file of a picture file."""
    return keys.coded_key(keys.picture_key(path.read_bytes()), PlannedCoding(CODEC, quality), EFFORT)


def kept() -> Cache:
    """Return the cache of earlier runs."""
    return Cache(FOLDER)


def enhance(coded: Coded, kind: EnhancementType, tile: int | None = None) -> Planes:
    """Run only the networks of a type; ``tile`` is as in Runtime."""
    header, runtime = coded.header, replace(RUNTIME, tile=tile)
    return enhance_planes(coded.planes, kind, header.coding, header.size, runtime, explicit=True).planes


def restore(coded: Coded, kind: EnhancementType, tile: int | None = None) -> Image.Image:
    """Return the picture that ``lbic decompress --type`` writes."""
    return Image.fromarray(color.planes_to_uint8(enhance(coded, kind, tile)))


def shipped() -> list[EnhancementType]:
    """Return those of KINDS whose networks are shipped for these pictures in profile lite."""

    def fits(spec: ModelSpec) -> bool:
        return spec.profile == RUNTIME.profile and spec.covers(Coding(CODEC, QUALITY))

    def networks(kind: EnhancementType) -> tuple[ModelSpec, ...]:
        return keys.networks(Coding(CODEC, QUALITY), kind, RUNTIME)

    return [kind for kind in KINDS if catalog.load().shipped(kind) and all(map(fits, networks(kind)))]
