"""From a picture to a .lbic file and back: pure functions on bytes and pictures.

compress: picture -> planes -> downsample -> codec -> container. decompress: the way back, and the
networks strictly after a fully decoded picture, so that no rounding makes a file undecodable.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from lbic import color, limits
from lbic.codecs.base import DEFAULT_EFFORT, EFFORTS, Geometry
from lbic.codecs.table import CODECS, DEFAULT_CODEC, check_quality, get, require
from lbic.coding import SCALE_ONE, Coding
from lbic.color import Planes
from lbic.enhance import catalog, choice, degradation
from lbic.enhance.apply import Enhancement, enhance_planes, upsample
from lbic.enhance.choice import AUTO, FIDELITY, Auto, Goal
from lbic.enhance.degradation import Degradation
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, TYPES, EnhancementType, check_strength
from lbic.errors import MissingError, UsageError, whole_number
from lbic.format import container, metadata
from lbic.format.container import Header
from lbic.isolation import payloads
from lbic.picture.load import Picture, from_pillow, with_alpha


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
    """The enhancement type to record; None is the catalog's advice, "auto" the best by the goal."""
    keep: frozenset[str] = frozenset()
    """The metadata items to store: names of metadata.KEEPABLE."""
    lambda_scale: float = 1
    """One of the codec's lambda_scales, for a file between two qualities; 1 is the quality itself."""
    goal: Goal = FIDELITY
    """What type "auto" is chosen by (enhance/choice.py)."""

    def check(self) -> Coding:
        """Return the coding that the settings ask for; raises UsageError for settings out of range."""
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
    """A finished file, its header, and what the user should know about it."""

    data: bytes
    header: Header
    notes: tuple[str, ...]


@dataclass(frozen=True)
class DecompressSettings:
    """How to decompress. ``type`` None follows the file's advice; an explicit type that cannot be met is an error.
    ``strength``, 0..1, is how far to go from the codec's picture to the enhanced one. A file that says more than
    ``max_pixels`` is refused. ``apart`` has the codec decode in another process (codecs/isolated.py), as the command
    line does."""

    type: EnhancementType | None = None
    runtime: Runtime = field(default_factory=Runtime)
    strength: float = 1
    max_pixels: int = limits.MAX_PIXELS
    apart: bool = False

    def __post_init__(self) -> None:
        check_strength(self.strength)


@dataclass(frozen=True)
class Decompressed:
    """A decompressed picture (L, RGB, LA or RGBA) and how it came about.

    ``type_recorded`` is the number in the file, ``type`` what ran; ``icc``, ``exif``, ``xmp`` are as kept, in the
    image's info too.
    """

    image: Image.Image
    header: Header
    type: EnhancementType
    type_recorded: int
    profile: str | None
    models: tuple[str, ...]
    provider: str | None
    notes: tuple[str, ...]
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    obstacle: MissingError | None = None
    """The error that kept the recommended networks from running; a note says it too."""


def compress(picture: Picture | Image.Image, settings: CompressSettings | None = None) -> Compressed:
    """Compress a picture.

    Raises UsageError for settings out of range, MissingError without an encoder and CodecError when it fails.
    """
    settings = settings or CompressSettings()
    coding = settings.check()
    codec = CODECS[coding.codec]
    if isinstance(picture, Image.Image):
        picture = from_pillow(picture, keep_icc="icc" in settings.keep)
    require(codec)
    advised = settings.type or catalog.load().default_type(coding)
    kind = NONE if advised == AUTO else advised
    header = Header(
        codec=coding.codec,
        quality=coding.quality,
        width=picture.image.width,
        height=picture.image.height,
        scale=coding.scale,
        gray=picture.image.mode == "L",
        type=kind.id,
        metadata=metadata.collect(picture, settings.keep),
    )
    container.check(header)
    stream = codec.encode(_coded_planes(picture.image, header), coding.quality, settings.effort, settings.lambda_scale)
    form, payload = codec.shorten(stream, _geometry(header), coding.quality)
    header = replace(header, form=form)
    if advised == AUTO:
        coded = codec.decode(stream, _geometry(header))
        header = replace(header, type=choice.best(picture.image, coded, coding, settings.goal).id)
    return Compressed(container.pack(header, payload), header, picture.notes)


def decompress(data: bytes, settings: DecompressSettings | None = None) -> Decompressed:
    """Decompress a file. Raises FormatError or CodecError for a damaged one, MissingError for a type or device
    that was asked for and is not here."""
    settings = settings or DecompressSettings()
    header, payload = container.unpack(data, settings.max_pixels)
    kind, notes = _choose_type(header, settings.type)
    items = metadata.unpack(header)  # before minutes of networks: it may be damaged
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
        icc=items.icc,
        exif=items.exif,
        xmp=items.xmp,
        obstacle=result.obstacle,
    )


def decode_planes(data: bytes) -> Planes:
    """Decode a file to the codec's picture at its original size, chroma at full size, without networks."""
    header, planes = decode_coded(data)
    return upsample(planes, *header.size)


def extract(data: bytes) -> tuple[Header, bytes]:
    """The header of a file and its codec's standard stream. Raises FormatError for a damaged file."""
    header, payload = container.unpack(data)
    return header, _stream(header, payload)


def decode_coded(data: bytes) -> tuple[Header, Planes]:
    """The header of a file and the codec's picture at the size it was coded at. Raises FormatError or CodecError."""
    header, payload = container.unpack(data)
    return header, _decode_payload(header, payload)


def verify(data: bytes, max_pixels: int = limits.MAX_PIXELS, *, apart: bool = False) -> Header:
    """Check a file as decompress would, without networks; returns its header. Raises FormatError or CodecError."""
    header, payload = container.unpack(data, max_pixels)
    metadata.unpack(header)
    _decode_payload(header, payload, apart)
    return header


@dataclass(frozen=True)
class EnhanceSettings:
    """How to enhance a picture that is no .lbic file. ``type`` None is the catalog's advice for what damaged it,
    which ``codec`` and ``quality`` tell (None: found by degradation.find); ``strength`` as in DecompressSettings."""

    type: EnhancementType | None = None
    codec: str | None = None
    quality: int | None = None
    runtime: Runtime = field(default_factory=Runtime)
    strength: float = 1

    def __post_init__(self) -> None:
        check_strength(self.strength)


@dataclass(frozen=True)
class Enhanced:
    """An enhanced picture (alpha and metadata kept), what it was taken for, what ran, and what the user should know."""

    picture: Picture
    degradation: Degradation
    done: Enhancement
    notes: tuple[str, ...]


def enhance(picture: Picture | Image.Image, settings: EnhanceSettings | None = None) -> Enhanced:
    """Run an enhancement type on any picture.

    Raises UsageError for settings out of range, MissingError when the type's networks are not shipped or, where no
    type is named, none suits the picture.
    """
    settings = settings or EnhanceSettings()
    if isinstance(picture, Image.Image):
        picture = from_pillow(picture)
    damage = degradation.find(picture, settings.codec, settings.quality, settings.type)
    kind = settings.type or degradation.choose_type(damage)
    image = picture.image
    levels = np.asarray(image)
    planes = Planes(color.from_levels(levels, 255)) if image.mode == "L" else Planes(*color.rgb_to_ycbcr(levels))
    result = enhance_planes(
        planes, kind, damage.coding, image.size, settings.runtime, explicit=True, strength=settings.strength
    )
    enhanced = replace(picture, image=Image.fromarray(color.planes_to_uint8(result.planes)), luma_table=None)
    unknown = (damage.note(),) if damage.known_from == "assumed" and result.quality_matters else ()
    return Enhanced(enhanced, damage, result, (*picture.notes, *result.notes, *unknown))


def _coded_planes(image: Image.Image, header: Header) -> Planes:
    """The planes that the codec gets: downsampled by the header's scale, chroma halved after that."""
    levels = np.asarray(image)
    width, height = header.coded_size
    if header.gray:
        return Planes(color.resize(color.from_levels(levels, 255), width, height))
    if header.scale == SCALE_ONE:
        return color.rgb_to_planes(levels)
    y, cb, cr = (color.resize(plane, width, height) for plane in color.rgb_to_ycbcr(levels))
    return Planes(y, color.halve(cb), color.halve(cr))


def _decode_payload(header: Header, payload: bytes, apart: bool = False) -> Planes:
    codec, stream, geometry = CODECS[header.codec], _stream(header, payload), _geometry(header)
    return payloads.decode(codec, stream, geometry) if apart else codec.decode(stream, geometry)


def _stream(header: Header, payload: bytes) -> bytes:
    return CODECS[header.codec].restore(header.form, payload, _geometry(header), header.quality)


def _geometry(header: Header) -> Geometry:
    return Geometry(*header.coded_size, header.gray)


def _choose_type(header: Header, wanted: EnhancementType | None) -> tuple[EnhancementType, tuple[str, ...]]:
    """The type to run: the user's, else the file's advice; advice this lbic does not know is a note."""
    if wanted is not None:
        return wanted, ()
    if header.type in TYPES:
        return TYPES[header.type], ()
    return TYPES[0], (
        f"the file recommends enhancement type {header.type}, unknown to this lbic; wrote the codec's picture",
    )
