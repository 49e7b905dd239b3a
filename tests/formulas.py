"""Colour conversions as the standards define them, sample by sample, for tests of lbic's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

D65 = (0.3127, 0.3290)
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))

Colour = Sequence[float]


def to_xyz(primaries: Sequence[tuple[float, float]], white: tuple[float, float] = D65) -> np.ndarray:
    """Return the matrix from linear RGB to XYZ (SMPTE RP 177, 3.3)."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    sums = np.linalg.inv(columns) @ [white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]]
    return columns @ np.diag(sums)


def srgb_decoded(v: float) -> float:
    """Return sRGB's light (IEC 61966-2-1)."""
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4


def srgb_level(light: float) -> int:
    """Return sRGB's 8-bit level of light; light outside of 0..1 is clipped (IEC 61966-2-1)."""
    light = min(max(light, 0.0), 1.0)
    return round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))


def converted(colour: Colour, primaries: Sequence[tuple[float, float]], curve: Callable[[float], float]) -> list[int]:
    """Return the sRGB levels of a colour, 0..1, of other primaries with white D65 and a curve."""
    linear = np.linalg.inv(to_xyz(SRGB)) @ to_xyz(primaries) @ [curve(v) for v in colour]
    return [srgb_level(float(v)) for v in linear]


def pq_light(v: float) -> float:
    """Return luminance in cd/m2 (SMPTE ST 2084, EOTF)."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = v ** (1 / m2)
    return float(10_000 * (max(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1))


def pq_signal(light: float) -> float:
    """Return the PQ sample of a luminance in cd/m2 (SMPTE ST 2084, inverse EOTF)."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = (light / 10_000) ** m1
    return float(((c1 + c2 * power) / (1 + c3 * power)) ** m2)


def eetf(light: float, peak: float = 1000, most: float = 203) -> float:
    """Return luminance on a display of peak ``most`` (BT.2408, annex 5, black at 0)."""
    e1 = pq_signal(min(light, peak)) / pq_signal(peak)
    max_lum = pq_signal(most) / pq_signal(peak)
    ks = 1.5 * max_lum - 0.5
    e2 = e1
    if e1 >= ks:
        t = (e1 - ks) / (1 - ks)
        e2 = (2 * t**3 - 3 * t**2 + 1) * ks + (t**3 - 2 * t**2 + t) * (1 - ks) + (-2 * t**3 + 3 * t**2) * max_lum
    return pq_light(e2 * pq_signal(peak))


def tone_mapped(light: Colour, primaries: Sequence[tuple[float, float]] = BT2020) -> list[int]:
    """Return the sRGB levels of RGB light in cd/m2, mapped by its largest component."""
    largest = max(*light, 1e-9)
    scaled = [v * eetf(largest) / min(largest, 1000) / 203 for v in light]
    linear = np.linalg.inv(to_xyz(SRGB)) @ to_xyz(primaries) @ scaled
    return [srgb_level(float(v)) for v in linear]


def hlg_light(colour: Colour) -> list[float]:
    """Return display light in cd/m2 of HLG samples at a peak of 1000 cd/m2 (BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = [v * v / 3 if v <= 0.5 else (math.exp((v - c) / a) + b) / 12 for v in colour]
    luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2]
    return [1000 * luminance**0.2 * v for v in scene]
