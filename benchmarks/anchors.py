"""Published rate-distortion curves: means over a public set of pictures.

The numbers are other people's work; data/anchors.json names the authors, the source and the
licence of each curve. It holds only metrics that lbic defines in the same way: PSNR over R, G and
B, and LPIPS on AlexNet.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lbic.evaluate.curves import Reference

_FILE = Path(__file__).parent / "data" / "anchors.json"


@dataclass(frozen=True)
class Anchor:
    """A published curve."""

    name: str
    """The codec, as its authors call it."""
    by: str
    """Who measured it."""
    source: str
    """Where the numbers were copied from."""
    licence: str
    """The licence that the numbers are published under."""
    points: tuple[dict[str, float], ...]
    """``bpp`` and metrics by name, in order of rate."""


@lru_cache(maxsize=1)
def sets() -> dict[str, tuple[Anchor, ...]]:
    """Read the curves, by the set of pictures that they were measured on."""
    content = json.loads(_FILE.read_text(encoding="utf-8"))
    return {
        name: tuple(Anchor(**row | {"points": tuple(row["points"])}) for row in rows) for name, rows in content.items()
    }


def references(anchors: Sequence[Anchor], metric: str) -> list[Reference]:
    """Return the curves that have points for a metric."""
    return [
        Reference(f"{anchor.name} ({anchor.by})", anchor.source, curve)
        for anchor in anchors
        if (curve := sorted((point["bpp"], point[metric]) for point in anchor.points if metric in point))
    ]
