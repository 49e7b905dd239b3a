"""JPEG XL (ISO/IEC 18181) for lbic, by libjxl through pillow-jxl-plugin."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from lbic.codecs.base import Geometry, check_length
from lbic.color import Planes, from_levels, planes_to_uint8, rgb_to_ycbcr
from lbic.errors import CodecError
from lbic.picture import jxl

_EFFORT = (3, 5, 7, 8, 9)
"""libjxl's effort for each of lbic's."""
_PIXELS_PER_BYTE = 1 << 20
"""More than any picture takes: a flat one of 400,000,000 pixels has 1 kB."""


class JxlCodec:
    """JPEG XL, lossy, RGB or gray; the quality is libjxl's own of 0..100."""

    name = "jxl"
    summary = "JPEG XL, lossy"
    quality_symbol = "q"
    quality_range = (0, 99)
    useful_quality = (5, 90)
    default_quality = 30
    lower_is_better = False

    def availability(self) -> str | None:
        """Return None if pillow-jxl-plugin is installed, else what to install."""
        try:
            import pillow_jxl  # noqa: F401
        except ImportError as error:
            return f"pillow-jxl-plugin does not load: {error}"
        return None

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Encode planes as 8 bits a sample, with full-size chroma."""
        import pillow_jxl  # noqa: F401

        out = io.BytesIO()
        image = Image.fromarray(planes_to_uint8(planes))
        image.save(out, "JXL", quality=quality, effort=_EFFORT[effort], num_threads=1)
        return out.getvalue()

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode to full-size planes. The size is checked before libjxl sees the stream."""
        import pillow_jxl

        check_length(data, geometry.width, geometry.height, _PIXELS_PER_BYTE, self.name)
        header = jxl.read_header(data)
        if header.size != (geometry.width, geometry.height) or header.is_animated:
            raise CodecError(
                f"the jxl stream is {header.size[0]}x{header.size[1]}, the header says "
                f"{geometry.width}x{geometry.height}"
            )
        _, info, samples, _, _ = pillow_jxl.Decoder(num_threads=1)(data)
        mode = "L" if geometry.gray else "RGB"
        if (info.mode, info.width, info.height) != (mode, *header.size):
            raise CodecError(f"the jxl stream is {info.mode} {info.width}x{info.height}, the header says {mode}")
        shape = (info.height, info.width) if geometry.gray else (info.height, info.width, 3)
        levels = np.frombuffer(samples, np.uint8).reshape(shape)
        return Planes(from_levels(levels, 255)) if geometry.gray else Planes(*rgb_to_ycbcr(levels))


CODEC = JxlCodec()
