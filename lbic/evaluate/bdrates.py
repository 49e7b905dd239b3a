"""BD-rates of an evaluation: the bytes that a codec, scale or type saves at equal RGB-PSNR."""

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
    """The BD-rate of one codec, scale and type against the anchor."""

    codec: str
    scale: float
    type: int
    bd_rate: float | None
    """Mean over pictures, in percent more bytes than the anchor; None when all failed."""
    images: int
    """How many pictures the mean is over."""
    failures: int
    """How many pictures have no BD-rate.

    Their curves do not rise, lack points, or share no range of PSNR with the anchor.
    """


def bd_rates(rows: Sequence[Row]) -> list[BdRate]:
    """Return the BD-rate of every codec, scale and type with two qualities or more, anchor first.

    The anchor is the first codec and scale of the rows, with type 0 where there is one. With
    fewer than two curves the list is empty. A BD-rate is computed for each picture and then
    averaged, as JVET's common test conditions average over sequences: every picture counts alike.
    In a curve of mean rates and mean PSNRs the pictures that need the most bits would dominate,
    and no picture would be compared at equal quality. Raises MissingError without SciPy.
    """
    curves: dict[tuple[str, float, int], dict[str, list[Point]]] = {}
    qualities: dict[tuple[str, float, int], set[int]] = defaultdict(set)
    for row in rows:
        way = row.codec, row.scale, row.type
        qualities[way].add(row.q)
        points = curves.setdefault(way, {}).setdefault(row.image, [])
        psnr = row.metrics.get("psnr")
        if row.bpp is not None and psnr is not None and math.isfinite(psnr):
            points.append((row.bpp, psnr))
    ways = [way for way in curves if len(qualities[way]) > 1]
    if len(ways) < 2:
        return []
    anchor = min(ways, key=lambda way: (way[:2] != ways[0][:2], way[2] != 0))
    return [_mean(*way, curves[anchor], curves[way]) for way in sorted(ways, key=lambda way: way != anchor)]


def _mean(codec: str, scale: float, kind: int, anchor: dict[str, list[Point]], test: dict[str, list[Point]]) -> BdRate:
    rates = [rate for image in test if (rate := _one(anchor.get(image, []), test[image])) is not None]
    mean = sum(rates) / len(rates) if rates else None
    return BdRate(codec, scale, kind, mean, len(rates), len(test) - len(rates))


def _one(anchor: Sequence[Point], test: Sequence[Point]) -> float | None:
    try:
        return bd_rate(anchor, test)
    except ValueError:
        return None
