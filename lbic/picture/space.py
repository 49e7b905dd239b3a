"""Colour spaces: convert samples of any depth to 8-bit sRGB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic.picture import cicp, hdr
from lbic.picture.cicp import Chromaticities, Stated

Values = NDArray[np.floating[Any]]
"""Samples or light of any shape."""
Matrix = NDArray[np.float64]
Curve = Callable[[Values], Values]
"""A function from samples, 0..1, to light, 0..1 (hdr.py's curves: cd/m2)."""
Samples = NDArray[np.uint8 | np.uint16 | np.floating[Any]]
"""(height, width) gray or (height, width, 3) RGB; floats are 0..1."""

_BAND = 1 << 18
"""Pixels converted at once, which bounds the memory."""
_STEPS = 65_535
"""Steps of light in the table of sRGB's curve; one is at most 0.05 levels."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Cone responses of XYZ by Bradford (ICC.1, annex E)."""


@dataclass(frozen=True)
class ColourSpace:
    """The meaning of a picture's samples."""

    curves: tuple[Curve, ...]
    """Samples to light: one curve for all channels, or one each for red, green and blue."""
    matrix: Matrix
    """Linear RGB to linear sRGB, shape (3, 3)."""
    to_display: Callable[[Values], Values] | None = None
    """For high dynamic range: light of the curves, (..., 1 or 3), to light 0..1; else None."""
    full_range: bool = True
    """False if black and white are the levels 16 and 235 of 8 bits, scaled to the depth."""

    def to_srgb(self, samples: Samples) -> NDArray[np.uint8]:
        """Convert samples to sRGB's 8-bit levels, of the same shape; gray stays gray.

        Colours outside of sRGB are clipped channel by channel.
        """
        result = np.empty(samples.shape, np.uint8)
        rows = max(1, _BAND // max(1, samples.shape[1]))
        tables = self._tables(samples.dtype)
        for top in range(0, len(samples), rows):
            result[top : top + rows] = self._band(samples[top : top + rows], tables)
        return result

    def _band(self, samples: Samples, tables: list[Values] | None) -> NDArray[np.uint8]:
        gray = samples.ndim == 2
        channels = [samples] if gray else [samples[..., i] for i in range(3)]
        if gray and len(self.curves) == 3:  # a colour profile on a gray picture
            return self._band(np.stack(channels * 3, axis=-1), tables)[..., 1]
        count = len(self.curves)
        if tables is None:
            light = np.stack(
                [self.curves[i % count](self._ranged(each.astype(np.float32), 1.0)) for i, each in enumerate(channels)],
                -1,
            )
        else:
            light = np.stack([tables[i % count][each] for i, each in enumerate(channels)], axis=-1)
        if self.to_display:
            light = self.to_display(light)
        if not gray:
            light = light @ self.matrix.T.astype(np.float32)
        levels: NDArray[np.uint8] = _srgb_levels()[np.rint(np.clip(light, 0, 1) * np.float32(_STEPS)).astype(np.uint16)]
        return levels[..., 0] if gray else levels

    def _tables(self, dtype: np.dtype[Any]) -> list[Values] | None:
        """Return each curve as a table of all samples of an integer type; None for floats."""
        if dtype.kind == "f":
            return None
        top = np.iinfo(dtype).max
        samples = self._ranged(np.arange(top + 1, dtype=np.float32), float(top))
        return [curve(samples).astype(np.float32) for curve in self.curves]

    def _ranged(self, samples: Values, top: float) -> Values:
        """Return samples 0..top as 0..1, from their range (H.273, equations 23 and 26)."""
        unit = (top + 1) / 256 if top > 1 else 1 / 255
        black, span = (0, top) if self.full_range else (16 * unit, 219 * unit)
        shares: Values = np.clip((samples - np.float32(black)) / np.float32(span), 0, 1)
        return shares


def from_stated(stated: Stated) -> ColourSpace:
    """Return the colour space of stated primaries and transfer function."""
    to_xyz = rgb_to_xyz(stated.primaries)
    matrix = np.linalg.inv(rgb_to_xyz(cicp.SRGB)) @ adapt(stated.primaries[6:], cicp.D65) @ to_xyz
    to_display = None
    if stated.is_hdr:
        to_display = hdr.tone_map if stated.transfer == cicp.PQ else _Hlg(to_xyz[1].astype(np.float32))
    return ColourSpace((_curve(stated),), matrix, to_display, stated.full_range)


@dataclass(frozen=True)
class _Hlg:
    """HLG's scene light to the light of a standard display."""

    weights: Values
    """The luminance of red, green and blue, shape (3,)."""

    def __call__(self, scene: Values) -> Values:
        weights = self.weights if scene.shape[-1] == 3 else np.ones(1, np.float32)
        return hdr.tone_map(hdr.scene_to_display(scene, weights))


def _curve(stated: Stated) -> Curve:
    """Return the function from samples to light that H.273, table 3, or the file gives."""
    if stated.table is not None:
        table = np.array(stated.table, np.float32) / 65_535
        return lambda v: np.interp(v, np.linspace(0, 1, len(table)), table).astype(np.float32)
    if stated.gamma is not None:
        exponent = np.float32(stated.gamma)
        return lambda v: np.power(v, exponent)
    return _CURVES.get(stated.transfer, srgb_to_light)


def srgb_to_light(samples: Values) -> Values:
    """Convert sRGB's samples to light, both 0..1 (IEC 61966-2-1, 5.2)."""
    return np.where(samples <= 0.04045, samples / 12.92, ((np.maximum(samples, 0) + 0.055) / 1.055) ** 2.4)


def light_to_srgb(light: Values) -> Values:
    """Convert light to sRGB's samples, both 0..1 (IEC 61966-2-1, 5.3)."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def _smpte_240m(samples: Values) -> Values:
    return np.where(samples < 4 * 0.0228, samples / 4, ((samples + 0.1115) / 1.1115) ** (1 / 0.45))


_CURVES: dict[int, Curve] = {
    cicp.SMPTE_240M: _smpte_240m,
    cicp.LINEAR: lambda v: v,
    cicp.LOG_100: lambda v: np.where(v <= 0, 0, 10 ** ((v - 1) * 2)),
    cicp.LOG_316: lambda v: np.where(v <= 0, 0, 10 ** ((v - 1) * 2.5)),
    cicp.PQ: hdr.pq_to_light,
    cicp.ST_428: lambda v: v**2.6 * (52.37 / 48),
    cicp.HLG: hdr.hlg_to_scene,
}
"""Samples to light by TransferCharacteristics; the rest have sRGB's curve."""


def rgb_to_xyz(primaries: Chromaticities) -> Matrix:
    """Return the matrix from linear RGB to CIE XYZ, with Y of white 1 (SMPTE RP 177)."""
    x, y = np.array(primaries[0:6:2]), np.array(primaries[1:6:2])
    columns = np.stack([x, y, 1 - x - y])
    matrix: Matrix = columns * np.linalg.solve(columns, _white(primaries[6:]))
    return matrix


def adapt(source: tuple[float, ...], target: tuple[float, ...]) -> Matrix:
    """Return the matrix on XYZ from one white (x, y) to another: Bradford, ICC.1, annex E."""
    ratio = (_BRADFORD @ _white(target)) / (_BRADFORD @ _white(source))
    matrix: Matrix = np.linalg.inv(_BRADFORD) @ np.diag(ratio) @ _BRADFORD
    return matrix


def _white(xy: tuple[float, ...]) -> Matrix:
    x, y = xy
    return np.array([x / y, 1.0, (1 - x - y) / y])


@cache
def _srgb_levels() -> NDArray[np.uint8]:
    """Return sRGB's curve as a table: the levels of light in _STEPS steps."""
    light = np.arange(_STEPS + 1, dtype=np.float32) / np.float32(_STEPS)
    return np.rint(light_to_srgb(light) * 255).astype(np.uint8)
