"""The formats that lbic is held against: each writes its own whole file by its own encoder, at its best effort.

A row of this table is written ``file:NAME`` where a codec of .lbic files has a bare name. Formats with colour
handling of their own get RGB; HEVC and VVC get the planes that .lbic files have, so that all codecs of planes are
treated alike. A bare stream does not say the picture's size where that is no multiple of 8: the decoder is told.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from PIL import Image

from lbic.codecs import encoders
from lbic.codecs.base import Codec, Geometry
from lbic.codecs.table import CODECS
from lbic.errors import CodecError, UsageError
from lbic.evaluate import ffmpeg
from lbic.evaluate.planes import planes_of, shown
from lbic.picture.pillow_limits import own_limits

PREFIX = "file:"


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Peer:
    """One row.

    ``name`` is what the user types, prefix included; ``quality_range``, both ends included, is in the encoder's own
    numbers. ``encode`` takes a picture (RGB or L), a quality and an effort, which only lbic's own encoders heed;
    ``decode`` returns a picture of the geometry's size. Both raise CodecError when they fail. ``availability`` is a
    sentence on what is missing here, None when nothing; ``programs`` are the paths of the encoder, where it is a
    program, and of what it reads.
    """

    name: str
    summary: str
    quality_range: tuple[int, int]
    default_quality: int
    lower_is_better: bool
    encode: Callable[[Image.Image, int, int], bytes]
    decode: Callable[[bytes, Geometry], Image.Image]
    availability: Callable[[], str | None] = _nothing
    programs: Callable[[], tuple[str, ...]] = tuple


def get(name: str) -> Peer:
    """The row with this name; UsageError lists the names."""
    try:
        return PEERS[name]
    except KeyError:
        raise UsageError(f"unknown format {name!r}; known: {', '.join(PEERS)}") from None


def quality_table() -> str:
    """ "file:jpeg 1..95, file:vvc 0..63 (lower is better), ..."."""
    return ", ".join(
        f"{peer.name} {peer.quality_range[0]}..{peer.quality_range[1]}{' (lower is better)' * peer.lower_is_better}"
        for peer in PEERS.values()
    )


def _pillow(
    name: str,
    summary: str,
    quality_range: tuple[int, int],
    default: int,
    format: str,
    options: Callable[[int], dict[str, Any]],
    *,
    lower_is_better: bool = False,
) -> Peer:
    """A format that Pillow writes; ``options`` are those of its save for a quality."""

    def encode(image: Image.Image, quality: int, effort: int) -> bytes:
        bare = image.copy()
        bare.info = {}  # else Pillow would store what the original file said of its colours
        out = io.BytesIO()
        try:
            bare.save(out, format, **options(quality))
        except (OSError, ValueError) as error:
            raise CodecError(f"Pillow cannot write the picture as {format}: {error}") from error
        return out.getvalue()

    def decode(data: bytes, geometry: Geometry) -> Image.Image:
        try:
            with own_limits():
                image = Image.open(io.BytesIO(data), formats=[format])
            image.load()
        except (OSError, ValueError) as error:
            raise CodecError(f"Pillow cannot read the {format} file: {error}") from error
        return image

    return Peer(PREFIX + name, summary, quality_range, default, lower_is_better, encode, decode)


def _stream(codec: Codec) -> Peer:
    """A codec's stream without the container of .lbic files."""
    return Peer(
        PREFIX + codec.name,
        f"the bare stream of codec {codec.name}",
        codec.quality_range,
        codec.default_quality,
        codec.lower_is_better,
        lambda image, quality, effort: codec.encode(planes_of(image), quality, effort),
        lambda data, geometry: shown(codec.decode(data, geometry)),
        codec.availability,
        codec.programs,
    )


def _ffmpeg(encoder: str) -> tuple[Callable[[], str | None], Callable[[], tuple[str, ...]]]:
    """What is missing, and the programs."""

    def programs() -> tuple[str, ...]:
        found = encoders.ffmpeg_with(encoder)
        return (found,) if found else ()

    return partial(ffmpeg.missing, encoder), programs


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        _pillow(
            "jpeg",
            "JPEG, progressive, 4:2:0, optimised tables",
            (1, 95),
            20,
            "JPEG",
            lambda q: {"quality": q, "subsampling": "4:2:0", "optimize": True, "progressive": True},
        ),
        _pillow("webp", "WebP, method 6", (0, 100), 20, "WEBP", lambda q: {"quality": q, "method": 6}),
        _pillow(
            "avif",
            "AVIF, speed 0, 4:2:0, 8 bits (Pillow has no more)",
            (0, 100),
            30,
            "AVIF",
            # One thread and no tiles: the same file on every machine.
            lambda q: {"quality": q, "speed": 0, "subsampling": "4:2:0", "max_threads": 1, "autotiling": False},
        ),
        _pillow(
            "jp2",
            "JPEG 2000 codestream; the quality is how many times smaller than the samples it is to be",
            (1, 2000),
            100,
            "JPEG2000",
            # mct: else red, green and blue are coded apart.
            lambda q: {"no_jp2": True, "irreversible": True, "mct": 1, "quality_mode": "rates", "quality_layers": [q]},
            lower_is_better=True,
        ),
        Peer(
            PREFIX + "jxl",
            "JPEG XL, effort 9, at cjxl's quality",
            (11, 99),
            30,
            False,
            ffmpeg.encode_jxl,
            ffmpeg.decode_jxl,
            *_ffmpeg(ffmpeg.JXL),
        ),
        Peer(
            PREFIX + "hevc",
            "HEVC intra, x265's veryslow, 10 bits 4:2:0, tuned for PSNR",
            (0, 51),
            37,
            True,
            ffmpeg.encode_hevc,
            ffmpeg.decode_hevc,
            *_ffmpeg(ffmpeg.HEVC),
        ),
        _stream(CODECS["vvc"]),
        _stream(CODECS["vtm"]),
    )
}
