"""Table I of Jia et al.: luma PSNR of seven pictures at five rates, counted on whole .lbic files.

The protocol, found by trying until the JPEG row came out as published: luma as MATLAB's rgb2ycbcr gives
it (8 bits, 16..235), coded as a gray picture; rate = whole file over all pixels; PSNR on that luma;
linear interpolation between the two neighbouring qualities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lbic import pipeline
from lbic.codecs import get
from lbic.container import SCALE_ONE
from lbic.enhance.types import NONE, EnhancementType, parse
from lbic.errors import UsageError
from lbic.metrics.psnr import luma, psnr_luma

RATES = (0.15, 0.20, 0.25, 0.30, 0.35)
PAPER = (26.84, 28.27, 29.03, 29.67, 30.31)
"""The published mean of the proposed method, dB at RATES."""
PICTURES = ("baby", "bird", "butterfly", "head", "woman", "zebra", "barbara")


@dataclass(frozen=True)
class Way:
    """One way to code: codec, downsampling in sixteenths, and the enhancement that belongs to it."""

    codec: str
    scale: int
    type: EnhancementType

    def __str__(self) -> str:
        return f"{self.codec}, scale {self.scale / SCALE_ONE:g}, type {self.type}"


WAYS = (
    Way("jpeg", 16, parse("ar")),
    Way("jpeg", 32, parse("sr")),
    Way("jpeg", 32, parse("sr+ar")),
    Way("vvc", 16, NONE),
    Way("vvc", 32, parse("sr+ar")),
)


@dataclass(frozen=True)
class Point:
    """Luma PSNR in dB of one picture at one rate, without and with networks; None where the rate is out of reach."""

    plain: float
    enhanced: float


def find_pictures(folder: Path) -> list[Path]:
    """The seven pictures in a folder, whatever their suffix; UsageError names those that are missing."""
    found = {path.stem.lower(): path for path in sorted(folder.iterdir()) if path.stem.lower() in PICTURES}
    missing = [name for name in PICTURES if name not in found]
    if missing:
        raise UsageError(f"{folder} lacks {', '.join(missing)} of Table I's pictures")
    return [found[name] for name in PICTURES]


def measure(
    paths: Sequence[Path], ways: Sequence[Way], tick: Callable[[], object]
) -> dict[Way, list[list[Point | None]]]:
    """For each way a list over pictures of lists over RATES; ``tick`` is called after every picture and way."""
    result: dict[Way, list[list[Point | None]]] = {way: [] for way in ways}
    for path in paths:
        with Image.open(path) as image:
            picture = Image.fromarray(luma(image))
        for way in ways:
            coder = _Coder(picture, way)
            result[way].append([coder.at_rate(rate) for rate in RATES])
            tick()
    return result


def rows(found: dict[Way, list[list[Point | None]]]) -> Iterator[tuple[str, list[float | None]]]:
    """The table's rows: for each way the mean without and with networks, then the best jpeg way of each picture."""
    yield "paper, proposed", list(PAPER)
    for way, table in found.items():
        if way.type.roles:
            yield f"{way}", _means(table, lambda point: point.enhanced)
        yield f"{way.codec}, scale {way.scale / SCALE_ONE:g}, no networks", _means(table, lambda point: point.plain)
    best = best_of([table for way, table in found.items() if way.codec == "jpeg"])
    yield "jpeg, best way for each picture", _means(best, lambda point: point.enhanced)
    yield "the same files, no networks", _means(best, lambda point: point.plain)


def best_of(tables: Sequence[list[list[Point | None]]]) -> list[list[Point | None]]:
    """Picture by picture and rate by rate the way with the highest enhanced PSNR: what an encoder would choose."""

    def best(points: Sequence[Point | None]) -> Point | None:
        return max((point for point in points if point), key=lambda point: point.enhanced, default=None)

    return [[best(points) for points in zip(*pictures, strict=True)] for pictures in zip(*tables, strict=True)]


def _means(table: list[list[Point | None]], value: Callable[[Point], float]) -> list[float | None]:
    """The mean over pictures at each rate; None when a picture does not reach the rate."""
    columns = zip(*table, strict=True)
    return [None if None in column else float(np.mean([value(p) for p in column if p])) for column in columns]


class _Coder:
    """One picture coded one way; files and PSNRs are computed once for each quality."""

    def __init__(self, picture: Image.Image, way: Way) -> None:
        self._picture = picture
        self._way = way
        self._files: dict[int, bytes] = {}
        self._points: dict[int, Point] = {}
        codec = get(way.codec)
        low, high = codec.quality_range
        self._qualities = range(high, low - 1, -1) if codec.lower_is_better else range(low, high + 1)

    def at_rate(self, rate: float) -> Point | None:
        """Interpolate between the two qualities around a rate, found by bisection; None below the smallest file."""
        low, high = 0, len(self._qualities) - 1
        if self._bpp(low) > rate:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._bpp(middle) <= rate else (low, middle)
        share = (rate - self._bpp(low)) / (self._bpp(high) - self._bpp(low))
        a, b = self._point(low), self._point(high)
        return Point(a.plain + share * (b.plain - a.plain), a.enhanced + share * (b.enhanced - a.enhanced))

    def _file(self, index: int) -> bytes:
        if index not in self._files:
            settings = pipeline.CompressSettings(
                self._way.codec, self._qualities[index], self._way.scale, type=self._way.type
            )
            self._files[index] = pipeline.compress(self._picture, settings).data
        return self._files[index]

    def _bpp(self, index: int) -> float:
        return 8 * len(self._file(index)) / (self._picture.width * self._picture.height)

    def _point(self, index: int) -> Point:
        if index not in self._points:
            plain, enhanced = (
                psnr_luma(
                    self._picture, pipeline.decompress(self._file(index), pipeline.DecompressSettings(kind)).image
                )
                for kind in (NONE, self._way.type)
            )
            self._points[index] = Point(plain, enhanced)
        return self._points[index]
