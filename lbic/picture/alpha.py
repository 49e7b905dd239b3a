"""Separate the alpha of a Pillow image from its colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageChops

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def plane(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the alpha plane, or None if all pixels are opaque."""
    if not image.has_transparency_data:
        return None
    import numpy as np

    if image.mode[0] == "I":  # Pillow does not convert these; one level is transparent
        samples = np.where(np.asarray(image) == image.info["transparency"], np.uint8(0), np.uint8(255))
    else:
        samples = np.asarray(image.convert("RGBA").getchannel("A"))
    return None if samples.min() == 255 else samples


def without(image: Image.Image) -> Image.Image:
    """Return the image without alpha; a palette becomes gray or colour, as its colours need."""
    if image.mode == "LA":
        return image.getchannel("L")
    colour = image.convert("RGBA").convert("RGB")
    r, g, b = colour.split()
    if image.mode != "RGBA" and not ImageChops.difference(r, g).getbbox() and not ImageChops.difference(g, b).getbbox():
        return colour.getchannel(0)
    return colour
