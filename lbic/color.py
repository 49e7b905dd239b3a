"""Conversions between RGB and YCbCr planes, as configuration 0 of the file format fixes them.

The matrix is BT.601 in full range (Rec. ITU-T T.871, section 7; H.273 MatrixCoefficients 6).
Values are float32: R, G, B and Y in [0, 1], Cb and Cr in [-0.5, 0.5]. Each codec rounds to its
own bit depth, so no picture is rounded twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
"""One plane, (height, width) float32."""
KR, KG, KB = np.float32(0.299), np.float32(0.587), np.float32(0.114)
"""The weights of R, G and B in Y (Rec. ITU-R BT.601)."""
_BAND = 64
"""Rows converted at once: few enough for a processor's caches in pictures 4,000 pixels wide."""


@dataclass(frozen=True)
class Planes:
    """A picture as a codec codes it: planes of float32."""

    y: Plane
    """Luma, (height, width) in [0, 1]."""
    cb: Plane | None = None
    """Chroma in [-0.5, 0.5], of luma's size or, in 4:2:0, half of it rounded up; None in a gray
    picture."""
    cr: Plane | None = None
    """The other chroma plane, of the same shape as ``cb``."""

    @property
    def width(self) -> int:
        """Luma's width in pixels."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Luma's height in pixels."""
        return int(self.y.shape[0])

    @property
    def gray(self) -> bool:
        """Whether the picture has no chroma."""
        return self.cb is None

    def halved(self) -> Planes:
        """Return the picture in 4:2:0: chroma of luma's size is halved in both directions."""
        if self.cb is None or self.cr is None or self.cb.shape != self.y.shape:
            return self
        return Planes(self.y, halve(self.cb), halve(self.cr))


def resize(plane: Plane, width: int, height: int) -> Plane:
    """Resize by Pillow's antialiased bicubic filter in float32.

    A plane that has the size already comes back unchanged.
    """
    if plane.shape == (height, width):
        return plane
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def halve(plane: Plane) -> Plane:
    """Halve both sides by a box filter, the mean of each 2x2 block.

    Odd sides are extended by repeating their last row or column.
    """
    height, width = plane.shape
    if height % 2 or width % 2:
        plane = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    half: Plane = plane.reshape(plane.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3), dtype=np.float32)
    return half


def levels_to_planes(levels: NDArray[np.uint8], width: int, height: int) -> Planes:
    """Convert 8-bit samples to gray or 4:2:0 planes of another size.

    ``levels`` is (height, width) gray or (height, width, 3) RGB.
    """
    if levels.ndim == 2:
        return Planes(resize(from_levels(levels, 255), width, height))
    y, cb, cr = (resize(plane, width, height) for plane in rgb_to_ycbcr(levels))
    return Planes(y, halve(cb), halve(cr))


def rgb_to_planes(rgb: NDArray[np.uint8] | Plane) -> Planes:
    """Convert RGB, (height, width, 3) uint8 or float32 in [0, 1], to 4:2:0 planes."""
    y, cb, cr = rgb_to_ycbcr(rgb)
    return Planes(y, halve(cb), halve(cr))


def rgb_to_ycbcr(rgb: NDArray[np.uint8] | Plane) -> tuple[Plane, Plane, Plane]:
    """Convert RGB, (height, width, 3) uint8 or float32 in [0, 1], to full-size Y, Cb, Cr."""
    height, width = rgb.shape[:2]
    y, cb, cr = (np.empty((height, width), np.float32) for _ in range(3))
    unit = np.float32(1 / 255) if rgb.dtype == np.uint8 else np.float32(1)
    for top in range(0, height, _BAND):
        band = slice(top, top + _BAND)
        r, g, b = (rgb[band, :, i].astype(np.float32) * unit for i in range(3))
        y[band] = KR * r + KG * g + KB * b
        cb[band] = (b - y[band]) * (np.float32(0.5) / (1 - KB))
        cr[band] = (r - y[band]) * (np.float32(0.5) / (1 - KR))
    return y, cb, cr


def _rgb_bands(planes: Planes) -> Iterator[tuple[slice, tuple[Plane, Plane, Plane]]]:
    """Yield R, G and B, not clipped, in bands of rows; chroma is brought to full size first."""
    assert planes.cb is not None and planes.cr is not None
    size = planes.width, planes.height
    full_cb, full_cr = resize_chroma(planes.cb, *size), resize_chroma(planes.cr, *size)
    for top in range(0, planes.height, _BAND):
        band = slice(top, top + _BAND)
        y, cb, cr = planes.y[band], full_cb[band], full_cr[band]
        r: Plane = y + cr * (2 * (1 - KR))
        b: Plane = y + cb * (2 * (1 - KB))
        g: Plane = np.divide(y - KR * r - KB * b, KG, dtype=np.float32)
        yield band, (r, g, b)


def resize_chroma(plane: Plane, width: int, height: int) -> Plane:
    """Enlarge a 4:2:0 chroma plane to luma's size: bicubic, with the box filter's centred siting.

    For an odd side the chroma plane covers one row or column more than the picture. It is enlarged
    by exactly two and then cropped, so that no sample moves.
    """
    if plane.shape == (height, width):
        return plane
    return resize(plane, plane.shape[1] * 2, plane.shape[0] * 2)[:height, :width]


def planes_to_rgb(planes: Planes) -> Plane:
    """Convert colour planes to RGB, (height, width, 3) float32 in [0, 1]."""
    rgb = np.empty((planes.height, planes.width, 3), np.float32)
    for band, channels in _rgb_bands(planes):
        for index, channel in enumerate(channels):
            rgb[band, :, index] = np.clip(channel, 0, 1, out=channel)
    return rgb


def planes_to_uint8(planes: Planes) -> NDArray[np.uint8]:
    """Round planes to 8-bit samples: (height, width, 3) RGB, or (height, width) gray."""
    if planes.gray:
        return to_levels(np.clip(planes.y, 0, 1), 255).astype(np.uint8)
    rgb = np.empty((planes.height, planes.width, 3), np.uint8)
    for band, channels in _rgb_bands(planes):
        for index, channel in enumerate(channels):
            channel *= np.float32(255)
            np.clip(np.rint(channel, out=channel), 0, 255, out=channel)
            rgb[band, :, index] = channel
    return rgb


def to_levels(values: Plane, top: int, offset: int = 0) -> NDArray[np.uint16]:
    """Round values to whole levels 0..top.

    Values are in [0, 1], or in [-0.5, 0.5] with ``offset`` the middle level.
    """
    levels: NDArray[np.uint16] = np.clip(np.rint(values * np.float32(top)) + offset, 0, top).astype(np.uint16)
    return levels


def from_levels(levels: NDArray[np.uint8] | NDArray[np.uint16], top: int, offset: int = 0) -> Plane:
    """Convert whole levels 0..top back to values, float32: the inverse of ``to_levels``."""
    plane: Plane = (levels.astype(np.float32) - np.float32(offset)) * np.float32(1 / top)
    return plane
