"""The table of peers: formats that lbic is compared with.

A peer writes a whole file of its own, with its own encoder at its best effort. Its name is
``file:NAME``; a codec of .lbic files has a bare name. Formats that handle colour themselves get
RGB. HEVC and VVC get the planes of .lbic files, so that all codecs of planes start from the same
samples. A bare stream stores sides as multiples of 8 only, so the decoder gets the size of the
picture.
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
from lbic.evaluate.planes import picture_of, planes_of
from lbic.picture.pillow_limits import own_limits

PREFIX = "file:"


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Peer:
    """A format and its encoder."""

    name: str
    """The name that the user types, with the prefix."""
    summary: str
    """The format and the settings of its encoder, in a few words."""
    quality_range: tuple[int, int]
    """The lowest and the highest quality, both valid, in the encoder's own numbers."""
    default_quality: int
    lower_is_better: bool
    """Whether a lower number is a better quality."""
    encode: Callable[[Image.Image, int, int], bytes]
    """Takes a picture (RGB or L), a quality and an effort; raises CodecError when it fails.

    Only lbic's own encoders use the effort.
    """
    decode: Callable[[bytes, Geometry], Image.Image]
    """Returns a picture of the geometry's size; raises CodecError when it fails."""
    availability: Callable[[], str | None] = _nothing
    """Returns what is missing on this machine, as a sentence; None when nothing is missing."""
    programs: Callable[[], tuple[str, ...]] = tuple
    """Returns the paths of the encoder and of the files that it reads; empty for a library."""


def get(name: str) -> Peer:
    """Return the peer of a name. Raises UsageError, which lists the names."""
    try:
        return PEERS[name]
    except KeyError:
        raise UsageError(f"unknown format {name!r}; the formats are {', '.join(PEERS)}") from None


def quality_table() -> str:
    """Return "file:jpeg 1..95, file:vvc 0..63 (lower is better), ..."."""
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
    """Return a format that Pillow writes; ``options`` returns the arguments of ``save``."""

    def encode(image: Image.Image, quality: int, effort: int) -> bytes:
        bare = image.copy()
        bare.info = {}  # Pillow stores profiles and comments that it finds there
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
    """Return the bare stream of a codec as a peer."""
    return Peer(
        PREFIX + codec.name,
        f"the bare stream of codec {codec.name}",
        codec.quality_range,
        codec.default_quality,
        codec.lower_is_better,
        lambda image, quality, effort: codec.encode(planes_of(image), quality, effort),
        lambda data, geometry: picture_of(codec.decode(data, geometry)),
        codec.availability,
        codec.programs,
    )


def _ffmpeg(encoder: str) -> tuple[Callable[[], str | None], Callable[[], tuple[str, ...]]]:
    """Return the functions ``availability`` and ``programs`` of an encoder in ffmpeg."""

    def programs() -> tuple[str, ...]:
        path = encoders.ffmpeg_with(encoder)
        return (path,) if path else ()

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
            "AVIF, speed 0, 4:2:0, 8 bits (as many as Pillow writes)",
            (0, 100),
            30,
            "AVIF",
            # One thread and no tiles: the same file on every machine.
            lambda q: {"quality": q, "speed": 0, "subsampling": "4:2:0", "max_threads": 1, "autotiling": False},
        ),
        _pillow(
            "jp2",
            "JPEG 2000 codestream; the quality is the ratio of the samples to the file",
            (1, 2000),
            100,
            "JPEG2000",
            # mct: without it, red, green and blue are coded independently.
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
