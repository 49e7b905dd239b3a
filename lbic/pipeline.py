"""The pipeline from a picture to a .lbic file and back: functions on bytes and pictures.

compress: picture -> planes -> downsample -> codec -> container. decompress is the way back. The
networks run only after the picture is fully decoded, so their rounding can never make a file
undecodable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from lbic import color, limits
from lbic.codecs import table
from lbic.codecs.base import DEFAULT_EFFORT, EFFORTS, Codec, Geometry, PerceptualCodec
from lbic.codecs.table import DEFAULT_CODEC, check_quality, get, require
from lbic.coding import SCALE_ONE, Coding
from lbic.color import Planes
from lbic.enhance import catalog, choice
from lbic.enhance.apply import enhance_planes, upsample
from lbic.enhance.choice import AUTO, FIDELITY, PERCEPTUAL, Auto, Goal
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, EnhancementType, check_strength, choose_type
from lbic.errors import MissingError, UsageError, whole_number
from lbic.format import container, metadata
from lbic.format.container import Header
from lbic.isolation import payloads
from lbic.picture.load import Picture, from_pillow, with_alpha

Encode = Callable[[Planes, int, int, float], bytes]
"""Planes, quality, effort and lambda scale to a stream; see Codec.encode."""


@dataclass(frozen=True)
class CompressSettings:
    """How to compress one picture at one quality."""

    codec: str = DEFAULT_CODEC
    """The codec's name."""
    quality: int | None = None
    """The codec's own quality; None is the codec's default."""
    scale: int = SCALE_ONE
    """Downsampling before the codec, in sixteenths."""
    effort: int = DEFAULT_EFFORT
    """Speed against file size, 0 (fastest) to 4 (smallest files)."""
    type: EnhancementType | Auto | None = None
    """The enhancement type to record; None is the catalog's advice, "auto" the best by the
    goal."""
    keep: frozenset[str] = frozenset()
    """The metadata items to store: names of metadata.KEEPABLE."""
    lambda_scale: float = 1
    """One of the codec's lambda_scales, for a file between two qualities; 1 is the quality
    itself."""
    goal: Goal = FIDELITY
    """What type "auto" is chosen by (enhance/choice.py); "perceptual" also takes the mode for the
    eye of an encoder that has one."""

    def check(self) -> Coding:
        """Return the coding of the settings; raises UsageError for values out of range."""
        codec = get(self.codec)
        quality = check_quality(codec, codec.default_quality if self.quality is None else self.quality)
        if whole_number(self.effort, "effort") not in EFFORTS:
            raise UsageError(f"effort {self.effort} is not in 0..{EFFORTS[-1]}")
        unknown = self.keep - set(metadata.KEEPABLE)
        if unknown:
            raise UsageError(f"cannot keep {', '.join(sorted(unknown))}; known: {', '.join(metadata.KEEPABLE)}")
        return Coding(codec.name, quality, self.scale)


@dataclass(frozen=True)
class Compressed:
    """The result of ``compress``."""

    data: bytes
    """The .lbic file."""
    header: Header
    """The file's header."""
    notes: tuple[str, ...]
    """Sentences for the user, such as what reading the picture changed."""
    dropped: tuple[str, ...] = ()
    """The metadata items that the picture has and that ``keep`` does not name."""


@dataclass(frozen=True)
class DecompressSettings:
    """How to decompress a file."""

    type: EnhancementType | None = None
    """The enhancement type to run; None is the one that the file recommends."""
    runtime: Runtime = field(default_factory=Runtime)
    """Profile, device and tile of the networks."""
    strength: float = 1
    """The weight of the enhanced picture against the codec's, 0..1."""
    max_pixels: int = limits.MAX_PIXELS
    """Files of more pixels are refused."""
    apart: bool = False
    """Whether the codec decodes in a worker process, as in the command line, or in this one."""

    def __post_init__(self) -> None:
        """Raise UsageError for a strength out of range."""
        check_strength(self.strength)


@dataclass(frozen=True)
class Decompressed:
    """The result of ``decompress``."""

    image: Image.Image
    """The picture, mode L, RGB, LA or RGBA; its info has the metadata below too."""
    header: Header
    """The file's header."""
    type: EnhancementType
    """The type that ran."""
    type_recorded: int
    """The number of the type that the file recommends, known to this lbic or not."""
    profile: str | None
    """The profile of the last network; None where none ran."""
    models: tuple[str, ...]
    """The names of the networks in the order in which they ran."""
    provider: str | None
    """The ONNX Runtime provider that they ran on; None where none ran."""
    notes: tuple[str, ...]
    """Sentences for the user."""
    icc: bytes | None = None
    """The ICC profile of the picture's samples; None where the file has none."""
    exif: bytes | None = None
    """The EXIF block, without an orientation; None where the file has none."""
    xmp: bytes | None = None
    """The XMP packet; None where the file has none."""
    details: tuple[str, ...] = ()
    """Sentences for the user who asks for details."""
    obstacle: MissingError | None = None
    """The error that kept the recommended networks from running; one of the notes contains its
    sentence."""


def compress(picture: Picture | Image.Image, settings: CompressSettings | None = None) -> Compressed:
    """Compress a picture.

    Raises UsageError for settings out of range, MissingError without an encoder and CodecError
    when it fails.
    """
    settings = settings or CompressSettings()
    coding = settings.check()
    codec = get(coding.codec)
    if isinstance(picture, Image.Image):
        picture = from_pillow(picture, keep_icc="icc" in settings.keep)
    require(codec)
    advised = settings.type or catalog.load().default_type(coding)
    kind = NONE if advised == AUTO else advised
    notes = list(picture.notes)
    header = Header(
        codec=coding.codec,
        quality=coding.quality,
        width=picture.image.width,
        height=picture.image.height,
        scale=coding.scale,
        gray=picture.image.mode == "L",
        type=kind.id,
        metadata=metadata.collect(picture, settings.keep, notes),
        package=table.package(coding.codec),
    )
    container.check(header)
    planes = color.levels_to_planes(np.asarray(picture.image), *header.coded_size)
    encode = perceptual_encoder(codec, settings.goal) or codec.encode
    stream = encode(planes, coding.quality, settings.effort, settings.lambda_scale)
    form, payload = codec.shorten(stream, _geometry(header), coding.quality)
    header = replace(header, form=form)
    dropped = metadata.dropped(picture, settings.keep)
    compressed = Compressed(container.pack(header, payload), header, tuple(notes), dropped)
    return recommend_best(picture, compressed, settings.goal)[0] if advised == AUTO else compressed


def perceptual_encoder(codec: Codec, goal: Goal) -> Encode | None:
    """Return the function that encodes for the eye, if this is the goal and the codec has one."""
    return codec.encode_perceptual if goal == PERCEPTUAL and isinstance(codec, PerceptualCodec) else None


def recommend_best(picture: Picture, compressed: Compressed, goal: Goal) -> tuple[Compressed, float]:
    """Return a file that recommends the best type by a goal, and that type's score."""
    header, planes = decode_coded(compressed.data)
    kind, score = choice.best(picture.image, planes, header.coding, goal)
    return recommend(compressed, kind), score


def recommend(compressed: Compressed, kind: EnhancementType) -> Compressed:
    """Return a file with another recommended type; nothing is coded again."""
    _, payload = container.unpack(compressed.data)
    header = replace(compressed.header, type=kind.id)
    return replace(compressed, data=container.pack(header, payload), header=header)


def decompress(data: bytes, settings: DecompressSettings | None = None) -> Decompressed:
    """Decompress a file.

    Raises FormatError or CodecError for a damaged file, and MissingError for a missing type or
    device that the settings name.
    """
    settings = settings or DecompressSettings()
    header, payload = container.unpack(data, settings.max_pixels)
    kind, notes = choose_type(settings.type, header.type)
    items = metadata.unpack(header)  # damaged items are found before networks run for minutes
    planes = _decode_payload(header, payload, settings.apart)
    explicit = settings.type is not None
    result = enhance_planes(
        planes, kind, header.coding, header.size, settings.runtime, explicit=explicit, strength=settings.strength
    )
    image = Image.fromarray(color.planes_to_uint8(result.planes))
    if items.alpha is not None:
        image = with_alpha(image, items.alpha)
    image.info.update(items.as_info())
    return Decompressed(
        image=image,
        header=header,
        type=result.type,
        type_recorded=header.type,
        profile=result.profile,
        models=result.models,
        provider=result.provider,
        notes=(*notes, *result.notes),
        details=result.details,
        icc=items.icc,
        exif=items.exif,
        xmp=items.xmp,
        obstacle=result.obstacle,
    )


def decode_planes(data: bytes) -> Planes:
    """Decode a file to the codec's picture at its original size; at scale 1 it is in 4:2:0."""
    header, planes = decode_coded(data)
    return upsample(planes, *header.size)


def extract(data: bytes) -> tuple[Header, bytes]:
    """Return a file's header and its codec's standard stream; raises FormatError if damaged."""
    header, payload = container.unpack(data)
    return header, _stream(header, payload)


def decode_coded(data: bytes) -> tuple[Header, Planes]:
    """Return a file's header and the codec's picture as coded; raises as ``decompress``."""
    header, payload = container.unpack(data)
    return header, _decode_payload(header, payload)


def verify(data: bytes, max_pixels: int = limits.MAX_PIXELS, *, apart: bool = False) -> Header:
    """Decode all of a file, without networks, and return its header; raises as ``decompress``."""
    header, payload = container.unpack(data, max_pixels)
    metadata.unpack(header)
    _decode_payload(header, payload, apart)
    return header


def _decode_payload(header: Header, payload: bytes, apart: bool = False) -> Planes:
    """Decode a payload to the codec's picture, in a worker process or in this one."""
    codec, stream, geometry = table.of(header), _stream(header, payload), _geometry(header)
    return payloads.decode(codec, stream, geometry) if apart else codec.decode(stream, geometry)


def _stream(header: Header, payload: bytes) -> bytes:
    return table.of(header).restore(header.form, payload, _geometry(header), header.quality)


def _geometry(header: Header) -> Geometry:
    return Geometry(*header.coded_size, header.gray)
