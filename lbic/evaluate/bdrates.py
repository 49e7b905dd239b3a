"""BD-rates between the curves of an evaluation: what a codec, scale or type saves at equal RGB-PSNR."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lbic.evaluate.runner import Row
from lbic.metrics.bdrate import bd_rate

Point = tuple[float, float]


@dataclass(frozen=True)
class BdRate:
    """How many percent more bytes than the anchor a codec, scale and type needs; negative when fewer.

    ``bd_rate`` is the mean over ``images`` pictures; ``failures`` pictures have no BD-rate: their curves share no
    range of PSNR, do not rise, or lack points.
    """

    codec: str
    scale: float
    type: int
    bd_rate: float | None
    images: int
    failures: int


def bd_rates(rows: Sequence[Row]) -> list[BdRate]:
    """The BD-rate of every codec, scale and type with at least two qualities; empty for fewer than two of them.

    The first one is the anchor that all are held against: the rows' first codec and scale, with type 0 where there is
    one. A BD-rate is computed for each picture and then averaged, as JVET's common test conditions average over
    sequences: pictures count alike, while a curve of mean rates and mean PSNRs belongs mostly to the pictures that
    need the most bits, and compares no picture at equal quality.
    """
    curves: dict[tuple[str, float, int], dict[str, list[Point]]] = {}
    qualities: dict[tuple[str, float, int], set[int]] = defaultdict(set)
    for row in rows:
        way = row.codec, row.scale, row.type
        qualities[way].add(row.q)
        points = curves.setdefault(way, {}).setdefault(row.image, [])
        psnr = row.metrics.get("psnr")
        if row.bpp is not None and psnr is not None and math.isfinite(psnr):  # equal pictures lie on no curve
            points.append((row.bpp, psnr))
    ways = [way for way in curves if len(qualities[way]) > 1]
    if len(ways) < 2:
        return []
    anchor = min(ways, key=lambda way: (way[:2] != ways[0][:2], way[2] != 0))
    return [_mean(*way, curves[anchor], curves[way]) for way in sorted(ways, key=lambda way: way != anchor)]


def _mean(codec: str, scale: float, kind: int, anchor: dict[str, list[Point]], test: dict[str, list[Point]]) -> BdRate:
    found = [rate for image in test if (rate := _one(anchor.get(image, []), test[image])) is not None]
    mean = sum(found) / len(found) if found else None
    return BdRate(codec, scale, kind, mean, len(found), len(test) - len(found))


def _one(anchor: Sequence[Point], test: Sequence[Point]) -> float | None:
    try:
        return bd_rate(anchor, test)
    except ValueError:
        return None
