"""High dynamic range: PQ and HLG to light, and the mapping of light to a standard display.

PQ is SMPTE ST 2084, HLG is the system of Rec. ITU-R BT.2100, tables 4 and 5. The mapping is the
EETF of Report ITU-R BT.2408, annex 5, for a display whose peak is the reference white, 203 cd/m2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]
"""Samples or light of any shape."""

_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
"""ST 2084's constants."""
_PQ_PEAK = 10_000.0
"""Luminance of PQ's largest sample in cd/m2."""
WHITE = 203.0
"""Luminance of reference white in cd/m2 (BT.2408, table 1). It becomes sRGB's white, but for the
room that the EETF leaves for highlights."""
PEAK = 1000.0
"""Luminance of the brightest highlights in cd/m2, also HLG's nominal peak. Above is clipped."""
_HLG_A, _HLG_B, _HLG_C = 0.17883277, 0.28466892, 0.55991073
_HLG_GAMMA = 1.2
"""The system gamma at a peak of 1,000 cd/m2 (BT.2100, table 5, note 5f)."""


def pq_to_light(samples: Values) -> Values:
    """Convert PQ samples, 0..1, to luminance in cd/m2 (ST 2084's EOTF)."""
    power = np.power(np.clip(samples, 0, 1), 1 / _M2)
    return _PQ_PEAK * np.power(np.maximum(power - _C1, 0) / (_C2 - _C3 * power), 1 / _M1)


def light_to_pq(light: Values) -> Values:
    """Convert luminance in cd/m2 to PQ samples, 0..1 (ST 2084's inverse EOTF)."""
    power = np.power(np.clip(light / _PQ_PEAK, 0, 1), _M1)
    samples: Values = np.power((_C1 + _C2 * power) / (1 + _C3 * power), _M2)
    return samples


def hlg_to_scene(samples: Values) -> Values:
    """Convert HLG samples, 0..1, to scene light, 0..1 (BT.2100's inverse OETF)."""
    samples = np.clip(samples, 0, 1)
    return np.where(samples <= 0.5, samples**2 / 3, (np.exp((samples - _HLG_C) / _HLG_A) + _HLG_B) / 12)


def scene_to_display(scene: Values, weights: Values) -> Values:
    """Convert scene light, 0..1, to display light in cd/m2 (BT.2100's OOTF).

    ``scene`` is (..., 3) RGB; ``weights``, shape (3,), give its luminance. Gray is (..., 1) and
    has the weight 1.
    """
    luminance = np.maximum(scene @ weights, 1e-9)[..., None]
    light: Values = PEAK * luminance ** (_HLG_GAMMA - 1) * scene
    return light


def tone_map(light: Values) -> Values:
    """Map light in cd/m2, shape (..., 1 or 3), to a display of standard range: 0..1.

    The EETF is applied to the largest of R, G and B, and the others keep their ratio to it, so the
    hue stays. Light up to about 89 cd/m2 is only scaled.
    """
    brightest = np.clip(light.max(axis=-1, keepdims=True), 1e-6, PEAK)
    mapped: Values = light * (_eetf(brightest) / brightest) / WHITE
    return mapped


def _eetf(light: Values) -> Values:
    """Compress luminance 0..PEAK to 0..WHITE, both in cd/m2: BT.2408, annex 5, steps 1 to 4."""
    peak, white = light_to_pq(np.array([PEAK, WHITE]))
    signal = light_to_pq(light) / peak
    most = white / peak
    knee = 1.5 * most - 0.5
    t = (signal - knee) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    return pq_to_light(np.where(signal < knee, signal, spline) * peak)
