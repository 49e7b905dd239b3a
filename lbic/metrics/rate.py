"""Bits per pixel, the rate of a picture file."""

from __future__ import annotations


def bits_per_pixel(size: int, width: int, height: int) -> float:
    """Return the bits of a whole file of ``size`` bytes for each pixel of the original picture."""
    return 8 * size / (width * height)
