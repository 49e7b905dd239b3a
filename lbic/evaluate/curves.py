"""Rate-distortion curves: one for each codec, scale and type, ours and published ones, and their values at a rate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lbic.enhance.types import TYPES
from lbic.evaluate.anchors import Anchor
from lbic.evaluate.tables import Mean
from lbic.metrics.bdrate import pchip

Curve = list[tuple[float, float]]
"""Points (bits per pixel, metric) from small to large."""


@dataclass(frozen=True)
class Published:
    """Somebody else's curve: what it is called in a legend, and where it is from."""

    title: str
    source: str
    curve: Curve


def measured(means: Iterable[Mean], metric: str) -> dict[str, Curve]:
    """The curve of each codec, scale and type; what is infinite has no place."""
    found: dict[str, Curve] = {}
    for mean in means:
        value = mean.metrics.get(metric)
        if mean.bpp is not None and value is not None and math.isfinite(value):
            found.setdefault(_title(mean), []).append((mean.bpp, value))
    return {title: sorted(curve) for title, curve in found.items()}


def published(anchors: Sequence[Anchor], metric: str) -> list[Published]:
    """The published curves that tell of this metric."""
    return [
        Published(f"{anchor.name} ({anchor.by})", anchor.source, curve)
        for anchor in anchors
        if (curve := sorted((point["bpp"], point[metric]) for point in anchor.points if metric in point))
    ]


def at_rate(curve: Curve, rate: float) -> float | None:
    """The metric at a rate, interpolated (PCHIP) over the logarithm of the rate; None beyond the curve's ends."""
    rates, values = np.array(curve, np.float64).T
    if len(curve) < 2 or not rates[0] <= rate <= rates[-1] or np.any(np.diff(rates) <= 0):
        return None
    return float(pchip(np.log(rates), values, np.log(np.array([rate])))[0])


def _title(mean: Mean) -> str:
    scale = f", scale {mean.scale:g}" if mean.scale != 1 else ""
    kind = f", type {TYPES[mean.type]}" if mean.type else ""
    return f"{mean.codec}{scale}{kind}"
