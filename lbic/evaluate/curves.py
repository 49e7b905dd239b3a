"""Rate-distortion curves for plots: one for each codec, scale and type."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from lbic.enhance.types import TYPES
from lbic.evaluate.tables import Mean

Curve = list[tuple[float, float]]
"""Points (bits per pixel, metric), in order of rate."""


@dataclass(frozen=True)
class Reference:
    """A curve that was measured elsewhere."""

    title: str
    """Its name in the legend."""
    source: str
    """Where its numbers are from."""
    curve: Curve


def measured(means: Iterable[Mean], metric: str) -> dict[str, Curve]:
    """Return the curves of codecs, scales and types by title, without infinite values."""
    curves: dict[str, Curve] = {}
    for mean in means:
        value = mean.metrics.get(metric)
        if mean.bpp is not None and value is not None and math.isfinite(value):
            curves.setdefault(_title(mean), []).append((mean.bpp, value))
    return {title: sorted(curve) for title, curve in curves.items()}


def _title(mean: Mean) -> str:
    scale = f", scale {mean.scale:g}" if mean.scale != 1 else ""
    kind = f", type {TYPES[mean.type]}" if mean.type else ""
    return f"{mean.codec}{scale}{kind}"
