"""WebP, AVIF and JPEG 2000 through Pillow: 8 bits, standard streams stored whole.

Pillow's encoders take RGB and its decoders return RGB. So chroma is upsampled before encoding, and
decoded planes have full size, with the chroma upsampling that the decoder always applies.
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
from lbic.errors import CodecError, ResourceError, TooLargeError, names_shortage
from lbic.format.container import PAYLOAD_STREAM
from lbic.picture.pillow_limits import own_limits

_DAMAGE = (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError)
"""The exceptions of Pillow's decoders."""
_WEBP_METHOD = (0, 2, 4, 5, 6)
_AVIF_SPEED = (9, 7, 4, 2, 0)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn Pillow's exceptions inside the block into CodecError; ``name`` is the codec's."""
    try:
        yield
    except UnidentifiedImageError as error:  # its message has only a memory address
        raise CodecError(f"the {name} stream is damaged: its first bytes are wrong") from error
    except _DAMAGE as error:
        raise CodecError(f"the {name} stream is damaged: {error}") from error


def check_geometry(size: tuple[int, int], gray: bool, geometry: Geometry, name: str) -> None:
    """Raise CodecError if a stream's size, or gray or colour, differs from the header's."""
    if (*size, gray) != (geometry.width, geometry.height, geometry.gray):
        raise CodecError(
            f"the {name} stream is {size[0]}x{size[1]}{' gray' if gray else ''}, the header says "
            f"{geometry.width}x{geometry.height}{' gray' if geometry.gray else ''}"
        )


@dataclass
class RasterCodec:
    """A codec that Pillow encodes and decodes as RGB; Codec describes the other fields."""

    id: int
    name: str
    summary: str
    quality_symbol: str
    quality_range: tuple[int, int]
    useful_quality: tuple[int, int]
    default_quality: int
    format: str
    """Pillow's name of the format."""
    feature: str
    """Pillow's name of the library, for PIL.features."""
    max_side: int
    """Pixels of the longer side that the format or its decoder allows."""
    has_gray: bool
    """Streams can be gray."""
    options: Callable[[tuple[int, int], int, int], dict[str, Any]]
    """Returns the options of Pillow's save for a size, a quality and an effort."""
    lower_is_better: bool = False
    lambda_scales: tuple[float, ...] = (1.0,)
    max_pixels: int = limits.MAX_PIXELS
    """Pixels that the format or its decoder allows."""

    def availability(self) -> str | None:
        """Return None if this Pillow has the library, else a sentence that it has not."""
        return None if features.check(self.feature) else f"this Pillow was built without {self.format}"

    def programs(self) -> tuple[str, ...]:
        """Return nothing: the encoder is part of Pillow."""
        return ()

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Encode planes, see Codec.encode; gray becomes RGB for a format without gray."""
        if max(planes.width, planes.height) > self.max_side:
            size = f"{planes.width}x{planes.height}"
            raise TooLargeError(f"{size}: {self.name}'s sides may be at most {self.max_side} pixels")
        if planes.width * planes.height > self.max_pixels:
            size = f"{planes.width}x{planes.height}"
            raise TooLargeError(f"{size}: {self.name}'s pictures may have at most {self.max_pixels:,} pixels")
        image = Image.fromarray(planes_to_uint8(planes))
        out = io.BytesIO()
        try:
            image.save(out, self.format, **self.options(image.size, quality, effort))
        except (OSError, ValueError, RuntimeError) as error:
            if names_shortage(str(error)):
                raise ResourceError(f"{self.name} cannot encode the picture: {error}") from error
            raise CodecError(f"{self.name} cannot encode the picture: {error}") from error
        return out.getvalue()

    def shorten(self, stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
        """Return the stream itself, see Codec.shorten."""
        return PAYLOAD_STREAM, stream

    def restore(self, form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
        """Return the payload itself, see Codec.restore."""
        return payload

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode to full-size planes, see Codec.decode.

        A gray picture in a format without gray is the luma of the stream.
        """
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
"""Pictures of up to so many pixels are coded without loss, whatever the quality."""


def _jpeg2000_options(size: tuple[int, int], quality: int, effort: int) -> dict[str, Any]:
    """Return options for a codestream with one quality layer and at most six resolutions."""
    common = {"no_jp2": True, "num_resolutions": min(6, min(size).bit_length())}
    if size[0] * size[1] <= _TINY:  # OpenJPEG misses its PSNR by far there
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
    max_side=16_383,
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
    # The format allows 65,536. libavif's decoder refuses more than this; its encoder does not.
    max_side=32_768,
    max_pixels=1 << 28,
    has_gray=False,
    # One thread and no tiles, so that the file is the same on every machine.
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
    max_side=65_535,
    has_gray=True,
    options=_jpeg2000_options,
)
