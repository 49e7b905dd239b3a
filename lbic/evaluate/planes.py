"""Between pictures and the planes that video codecs take, by the rules of .lbic files (lbic.color)."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lbic import color
from lbic.color import Planes


def planes_of(image: Image.Image) -> Planes:
    """4:2:0 planes of an RGB picture, luma alone of one of mode L."""
    levels = np.asarray(image)
    return Planes(color.from_levels(levels, 255)) if image.mode == "L" else color.rgb_to_planes(levels)


def shown(planes: Planes) -> Image.Image:
    """The planes as a picture, RGB or L."""
    return Image.fromarray(color.planes_to_uint8(planes))
