"""WebP, AVIF and JPEG 2000 through Pillow: 8 bits, standard streams stored whole.

Pillow takes and gives RGB, so chroma is brought to full size before the encoder and comes back at full
size from the decoder, whose own way of enlarging it is part of what such a picture looks like.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError, features

from lbic import limits
from lbic.codecs.base import Geometry
from lbic.color import Planes, from_levels, planes_to_uint8, rgb_to_ycbcr
from lbic.errors import CodecError, TooLargeError
from lbic.format.container import PAYLOAD_STREAM
from lbic.picture.pillow_limits import own_limits

_DAMAGE = (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError)
"""What Pillow's decoders raise."""
_WEBP_METHOD = (0, 2, 4, 5, 6)
_AVIF_SPEED = (9, 7, 4, 2, 0)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Decode a stream inside: what Pillow raises becomes CodecError."""
    try:
        yield
    except UnidentifiedImageError as error:  # says where in memory the stream is
        raise CodecError(f"the {name} stream is damaged: it does not begin as one") from error
    except _DAMAGE as error:
        raise CodecError(f"the {name} stream is damaged: {error}") from error


def check_geometry(size: tuple[int, int], gray: bool, geometry: Geometry, name: str) -> None:
    """Raise CodecError unless a stream's size and colour are the header's."""
    if (*size, gray) != (geometry.width, geometry.height, geometry.gray):
        raise CodecError(
            f"the {name} stream is {size[0]}x{size[1]}{' gray' if gray else ''}, the header says "
            f"{geometry.width}x{geometry.height}{' gray' if geometry.gray else ''}"
        )


@dataclass
class RasterCodec:
    """A format that Pillow writes with RGB in and out; the fields are Codec's, and those below.

    ``format`` and ``feature`` are Pillow's names, ``most_side`` and ``most_pixels`` are limits of the format or its
    decoder, ``has_gray`` tells that its streams can be gray; ``options`` are save's for a size, a quality and an
    effort.
    """

    id: int
    name: str
    summary: str
    quality_symbol: str
    quality_range: tuple[int, int]
    useful_quality: tuple[int, int]
    default_quality: int
    format: str
    feature: str
    most_side: int
    has_gray: bool
    options: Callable[[tuple[int, int], int, int], dict[str, Any]]
    lower_is_better: bool = False
    lambda_scales: tuple[float, ...] = (1.0,)
    most_pixels: int = limits.MAX_PIXELS

    def availability(self) -> str | None:
        return None if features.check(self.feature) else f"this Pillow was built without {self.format}"

    def programs(self) -> tuple[str, ...]:
        return ()

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Code planes; gray goes in as three equal channels where the format has no gray."""
        if max(planes.width, planes.height) > self.most_side:
            size = f"{planes.width}x{planes.height}"
            raise TooLargeError(f"{size}: {self.name}'s sides may be at most {self.most_side} pixels")
        if planes.width * planes.height > self.most_pixels:
            size = f"{planes.width}x{planes.height}"
            raise TooLargeError(f"{size}: {self.name}'s pictures may have at most {self.most_pixels:,} pixels")
        image = Image.fromarray(planes_to_uint8(planes))
        out = io.BytesIO()
        try:
            image.save(out, self.format, **self.options(image.size, quality, effort))
        except (OSError, ValueError, RuntimeError) as error:
            raise CodecError(f"{self.name} cannot code the picture: {error}") from error
        return out.getvalue()

    def shorten(self, stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
        return PAYLOAD_STREAM, stream

    def restore(self, form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
        return payload

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode to full-size planes; where the format has no gray, a gray picture is the luma of what it holds."""
        with reading(self.name):
            with own_limits():
                image = Image.open(io.BytesIO(data), formats=[self.format])
            gray = image.mode == "L" if self.has_gray else geometry.gray
            check_geometry(image.size, gray, geometry, self.name)
            if getattr(image, "n_frames", 1) != 1:
                raise CodecError(f"the {self.name} stream holds {image.n_frames} pictures")  # type: ignore[attr-defined]
            image.load()
        if image.mode not in ("L", "RGB"):
            raise CodecError(f"the {self.name} stream is {image.mode}")
        if gray:
            return Planes(from_levels(np.asarray(image.convert("L")), 255))
        return Planes(*rgb_to_ycbcr(np.asarray(image)))


_TINY = 4
"""Pixels of a picture that JPEG 2000 codes without loss, whatever the quality."""


def _jpeg2000_options(size: tuple[int, int], quality: int, effort: int) -> dict[str, Any]:
    """A codestream with one quality layer, and at most as many halvings as the picture has."""
    common = {"no_jp2": True, "num_resolutions": min(6, min(size).bit_length())}
    if size[0] * size[1] <= _TINY:  # OpenJPEG's PSNR is far off there: 47 levels of one pixel at any quality
        return common
    return common | {"irreversible": True, "mct": 1, "quality_mode": "dB", "quality_layers": [quality]}


WEBP = RasterCodec(
    id=4,
    name="webp",
    summary="WebP, lossy (Pillow)",
    quality_symbol="q",
    quality_range=(0, 100),
    useful_quality=(0, 80),
    default_quality=20,
    format="WEBP",
    feature="webp",
    most_side=16_383,
    has_gray=False,
    options=lambda size, quality, effort: {"quality": quality, "method": _WEBP_METHOD[effort]},
)
AVIF = RasterCodec(
    id=5,
    name="avif",
    summary="AVIF, 8-bit 4:2:0 (Pillow)",
    quality_symbol="q",
    quality_range=(0, 100),
    useful_quality=(1, 80),
    default_quality=30,
    format="AVIF",
    feature="avif",
    # The format has room for 65,536; libavif's decoder refuses more than this, its encoder does not.
    most_side=32_768,
    most_pixels=1 << 28,
    has_gray=False,
    # One thread and no tiles: the same file on every machine.
    options=lambda size, quality, effort: {
        "quality": quality,
        "speed": _AVIF_SPEED[effort],
        "subsampling": "4:2:0",
        "max_threads": 1,
        "autotiling": False,
    },
)
JPEG2000 = RasterCodec(
    id=6,
    name="jpeg2000",
    summary="JPEG 2000 codestream, irreversible (Pillow); quality is the PSNR it aims at, in dB",
    quality_symbol="q",
    quality_range=(10, 60),
    useful_quality=(22, 45),
    default_quality=28,
    format="JPEG2000",
    feature="jpg_2000",
    most_side=65_535,
    has_gray=True,
    options=_jpeg2000_options,
)
