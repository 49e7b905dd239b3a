"""Convert between pictures and the planes of video codecs, as in .lbic files (lbic.color)."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lbic import color
from lbic.color import Planes


def planes_of(image: Image.Image) -> Planes:
    """Return the 4:2:0 planes of an RGB picture, or the luma plane of a gray one (mode L)."""
    levels = np.asarray(image)
    return Planes(color.from_levels(levels, 255)) if image.mode == "L" else color.rgb_to_planes(levels)


def picture_of(planes: Planes) -> Image.Image:
    """Return the planes as a picture of 8 bits, RGB or gray (mode L)."""
    return Image.fromarray(color.planes_to_uint8(planes))
