"""RGB <-> YCbCr planes, as configuration 0 of the file format fixes them.

BT.601 matrix, full range (Rec. ITU-T T.871, section 7; H.273 MatrixCoefficients 6). All
values are float32: R, G, B and Y in [0, 1], Cb and Cr in [-0.5, 0.5]. Each codec rounds to
its own depth, so no picture is rounded twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
KR, KG, KB = np.float32(0.299), np.float32(0.587), np.float32(0.114)
_BAND = 256  # rows converted at once: bounds the memory of a 24-megapixel picture


@dataclass(frozen=True)
class Planes:
    """A picture as a codec sees it.

    ``y`` is (height, width) in [0, 1]. ``cb`` and ``cr`` are in [-0.5, 0.5], either of the size
    of ``y`` or half of it in both directions, rounded up (4:2:0); None for a gray picture.
    """

    y: Plane
    cb: Plane | None = None
    cr: Plane | None = None

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    @property
    def gray(self) -> bool:
        return self.cb is None

    def halved(self) -> Planes:
        """The same picture in 4:2:0: chroma of the luma's size is halved in both directions."""
        if self.cb is None or self.cr is None or self.cb.shape != self.y.shape:
            return self
        return Planes(self.y, halve(self.cb), halve(self.cr))


def resize(plane: Plane, width: int, height: int) -> Plane:
    """Pillow's antialiased bicubic in float32; the same plane when the size already fits."""
    if plane.shape == (height, width):
        return plane
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def halve(plane: Plane) -> Plane:
    """Box filter: the mean of each 2x2 block, the last row or column repeated for odd sizes."""
    height, width = plane.shape
    if height % 2 or width % 2:
        plane = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    half: Plane = plane.reshape(plane.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3), dtype=np.float32)
    return half


def rgb_to_planes(rgb: NDArray[np.uint8] | Plane) -> Planes:
    """Convert RGB, (height, width, 3), uint8 or float32 in [0, 1], to 4:2:0 planes."""
    y, cb, cr = rgb_to_ycbcr(rgb)
    return Planes(y, halve(cb), halve(cr))


def rgb_to_ycbcr(rgb: NDArray[np.uint8] | Plane) -> tuple[Plane, Plane, Plane]:
    """Convert RGB, (height, width, 3), uint8 or float32 in [0, 1], to full-size Y, Cb, Cr."""
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


def _rgb_bands(planes: Planes) -> Iterator[tuple[slice, Plane]]:
    """Rows of float32 RGB in [0, 1], one band at a time, chroma brought to full size first."""
    assert planes.cb is not None and planes.cr is not None
    size = planes.width, planes.height
    full_cb, full_cr = resize_chroma(planes.cb, *size), resize_chroma(planes.cr, *size)
    for top in range(0, planes.height, _BAND):
        band = slice(top, top + _BAND)
        y, cb, cr = planes.y[band], full_cb[band], full_cr[band]
        r = y + cr * (2 * (1 - KR))
        b = y + cb * (2 * (1 - KB))
        g = (y - KR * r - KB * b) / KG
        yield band, np.clip(np.stack([r, g, b], axis=-1), 0, 1)


def resize_chroma(plane: Plane, width: int, height: int) -> Plane:
    """Bring a 4:2:0 chroma plane to the luma's size (bicubic, centred siting like the box filter).

    For an odd luma size the chroma plane covers one more row or column than the picture; it is
    enlarged by exactly two and cropped, so that no sample moves.
    """
    if plane.shape == (height, width):
        return plane
    return resize(plane, plane.shape[1] * 2, plane.shape[0] * 2)[:height, :width]


def planes_to_rgb(planes: Planes) -> Plane:
    """Convert colour planes to float32 RGB in [0, 1], (height, width, 3)."""
    rgb = np.empty((planes.height, planes.width, 3), np.float32)
    for band, rows in _rgb_bands(planes):
        rgb[band] = rows
    return rgb


def planes_to_uint8(planes: Planes) -> NDArray[np.uint8]:
    """Round planes to 8 bits: (height, width, 3) RGB, or (height, width) for gray."""
    if planes.gray:
        return to_levels(np.clip(planes.y, 0, 1), 255).astype(np.uint8)
    rgb = np.empty((planes.height, planes.width, 3), np.uint8)
    for band, rows in _rgb_bands(planes):
        rgb[band] = to_levels(rows, 255)
    return rgb


def to_levels(values: Plane, top: int, offset: int = 0) -> NDArray[np.uint16]:
    """Round [0, 1] (or [-0.5, 0.5] with ``offset`` the middle level) to whole levels 0..top."""
    levels: NDArray[np.uint16] = np.clip(np.rint(values * np.float32(top)) + offset, 0, top).astype(np.uint16)
    return levels


def from_levels(levels: NDArray[np.uint8] | NDArray[np.uint16], top: int, offset: int = 0) -> Plane:
    """Undo to_levels: whole levels 0..top to [0, 1], or to [-0.5, 0.5] around the middle level ``offset``."""
    plane: Plane = (levels.astype(np.float32) - np.float32(offset)) * np.float32(1 / top)
    return plane
