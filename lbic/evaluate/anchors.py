"""Published rate-distortion curves to draw beside ours: means over the pictures of a public set.

The figures are others' (data/anchors.json says whose, and under which licence). Only metrics that are defined as
ours are there: PSNR over R, G and B, and LPIPS on AlexNet.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).parent / "data" / "anchors.json"


@dataclass(frozen=True)
class Anchor:
    """A curve: who published it, where it was copied from, and its points, ``bpp`` and metrics by name."""

    name: str
    by: str
    source: str
    licence: str
    points: tuple[dict[str, float], ...]


@lru_cache(maxsize=1)
def sets() -> dict[str, tuple[Anchor, ...]]:
    """The curves by the set of pictures that they are valid for."""
    content = json.loads(_FILE.read_text(encoding="utf-8"))
    return {
        name: tuple(Anchor(**row | {"points": tuple(row["points"])}) for row in rows) for name, rows in content.items()
    }
