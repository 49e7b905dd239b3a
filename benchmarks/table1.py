"""Table I of Jia et al.: luma PSNR of seven pictures at five rates, counted on whole .lbic files.

The luma of MATLAB's rgb2ycbcr (8 bits, 16..235) is coded as a gray picture. The rate is the size
of the whole file over all pixels, and PSNR is that of the luma, interpolated linearly between the
two neighbouring qualities. The paper does not state all of this: with this protocol the JPEG row
comes out as published.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from lbic import color, pipeline
from lbic.codecs.table import get
from lbic.coding import SCALE_ONE, Coding
from lbic.enhance.apply import enhance_planes
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, EnhancementType, parse
from lbic.errors import UsageError
from lbic.metrics.psnr import luma, psnr_luma
from lbic.metrics.rate import bits_per_pixel
from lbic.picture.load import load

RATES = (0.15, 0.20, 0.25, 0.30, 0.35)
"""Bits per pixel."""
PAPER = (26.84, 28.27, 29.03, 29.67, 30.31)
"""The published mean PSNR of the paper's method at RATES, in dB."""
PAPER_JPEG = (None, None, 27.66, 28.86, 29.80)
"""The published mean PSNR of JPEG in dB; None where its files are too large."""
PICTURES = ("baby", "bird", "butterfly", "head", "woman", "zebra", "barbara")


@dataclass(frozen=True)
class Way:
    """One way to code a picture and to restore it."""

    codec: str
    scale: int
    """Downsampling before the codec, in sixteenths."""
    type: EnhancementType
    """The type that the file is decoded with."""
    first: EnhancementType = NONE
    """A type that runs on the small picture before it is enlarged; .lbic files have none."""

    @property
    def plain(self) -> str:
        """The title of the way without its networks."""
        return f"{self.codec}, scale {self.scale / SCALE_ONE:g}, no networks"

    def __str__(self) -> str:
        """Return the title of the way in tables and plots."""
        before = f", type {self.first} before it is enlarged" if self.first.roles else ""
        return f"{self.codec}, scale {self.scale / SCALE_ONE:g}, type {self.type}{before}"


ARCNN_FIRST = Way("jpeg", 32, parse("sr"), parse("ar"))
"""The order of Figure 5's caption: ARCNN before the enlargement.

The text of the paper has ARCNN after it, as type 6 does.
"""
JPEG = Way("file:jpeg", 16, NONE)
"""The first row of the paper: whole JPEG files."""
WAYS = (
    JPEG,
    Way("jpeg", 16, parse("ar")),
    Way("jpeg", 32, parse("sr")),
    Way("jpeg", 32, parse("sr+ar")),
    Way("vvc", 16, NONE),
    Way("vvc", 16, parse("nr")),
    Way("vvc", 32, parse("sr+ar")),
    ARCNN_FIRST,
)


@dataclass(frozen=True)
class Point:
    """Luma PSNR in dB of one picture at one rate. Tables hold None for a rate out of reach."""

    plain: float
    """Without networks."""
    enhanced: float
    """With networks."""


Points = list[Point | None]
"""The points of one picture at RATES."""


def find_pictures(folder: Path) -> list[Path]:
    """Return the seven pictures of a folder, with any suffix, in the order of PICTURES.

    Raises UsageError, which names the missing pictures.
    """
    paths = {path.stem.lower(): path for path in sorted(folder.iterdir()) if path.stem.lower() in PICTURES}
    missing = [name for name in PICTURES if name not in paths]
    if missing:
        raise UsageError(f"{folder} has no picture named {', '.join(missing)}")
    return [paths[name] for name in PICTURES]


def measure(data: bytes, ways: Sequence[Way] = WAYS) -> dict[Way, Points]:
    """Measure one picture file with every way. Raises ImageError when it cannot be read."""
    picture = Image.fromarray(luma(load(data).image))
    code = lru_cache(maxsize=None)(partial(_code, picture))
    coders = {way: _jpeg_coder(picture) if way == JPEG else _way_coder(picture, way, code) for way in ways}
    return {way: [coder.at_rate(rate) for rate in RATES] for way, coder in coders.items()}


def joined(pictures: Sequence[dict[Way, Points]]) -> dict[Way, list[Points]]:
    """Return the points of every picture for each way."""
    return {way: [picture[way] for picture in pictures] for way in pictures[0]}


def rows(points: dict[Way, list[Points]]) -> Iterator[tuple[str, list[float | None]]]:
    """Yield title and means of each row.

    The paper's rows come first, then every way with networks and every way without, and last the
    best way with codec jpeg for each picture.
    """
    yield "paper, JPEG", list(PAPER_JPEG)
    yield "paper, proposed", list(PAPER)
    plain = {way.plain: _means(table, lambda point: point.plain) for way, table in points.items()}
    for way, table in points.items():
        if way.type.roles:
            yield f"{way}", _means(table, lambda point: point.enhanced)
    yield from plain.items()
    best = best_of([table for way, table in points.items() if way.codec == "jpeg" and way != ARCNN_FIRST])
    yield "jpeg, best way for each picture", _means(best, lambda point: point.enhanced)
    yield "the same files, no networks", _means(best, lambda point: point.plain)


def best_of(tables: Sequence[list[Points]]) -> list[Points]:
    """Return the point with the highest enhanced PSNR for each picture and rate.

    An encoder that knows the original would choose it.
    """

    def best(points: Iterable[Point | None]) -> Point | None:
        return max((point for point in points if point), key=lambda point: point.enhanced, default=None)

    return [[best(points) for points in zip(*pictures, strict=True)] for pictures in zip(*tables, strict=True)]


def _means(table: list[Points], value: Callable[[Point], float]) -> list[float | None]:
    """Return the mean over pictures at each rate; None when a picture does not reach the rate."""
    columns = zip(*table, strict=True)
    return [None if None in column else float(np.mean([value(p) for p in column if p])) for column in columns]


class _Coder:
    """One picture coded one way; each file and each point is computed once."""

    def __init__(
        self, pixels: int, qualities: Sequence[int], code: Callable[[int], bytes], measure: Callable[[bytes], Point]
    ) -> None:
        """Take a picture of so many pixels; ``qualities`` go from small to large files."""
        self._pixels = pixels
        self._qualities = qualities
        self._code = lru_cache(maxsize=None)(lambda index: code(qualities[index]))
        self._point = lru_cache(maxsize=None)(lambda index: measure(self._code(index)))

    def at_rate(self, rate: float) -> Point | None:
        """Interpolate between the two qualities around a rate.

        None is returned where no two qualities are around it.
        """
        low, high = 0, len(self._qualities) - 1
        if self._bpp(low) > rate:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._bpp(middle) <= rate else (low, middle)
        if self._bpp(high) <= rate:
            return None
        share = (rate - self._bpp(low)) / (self._bpp(high) - self._bpp(low))
        a, b = self._point(low), self._point(high)
        return Point(a.plain + share * (b.plain - a.plain), a.enhanced + share * (b.enhanced - a.enhanced))

    def _bpp(self, index: int) -> float:
        return bits_per_pixel(len(self._code(index)), self._pixels, 1)


def _code(picture: Image.Image, coding: Coding) -> bytes:
    """Return the .lbic file; it records no type, so that ways with the same coding share it."""
    return pipeline.compress(
        picture, pipeline.CompressSettings(coding.codec, coding.quality, coding.scale, type=NONE)
    ).data


def _way_coder(picture: Image.Image, way: Way, code: Callable[[Coding], bytes]) -> _Coder:
    codec = get(way.codec)
    low, high = codec.quality_range

    def measure(data: bytes) -> Point:
        plain, enhanced = (psnr_luma(picture, image) for image in (_decompress(data, NONE), restore(data, way)))
        return Point(plain, enhanced)

    qualities = range(high, low - 1, -1) if codec.lower_is_better else range(low, high + 1)
    pixels = picture.width * picture.height
    return _Coder(pixels, qualities, lambda quality: code(Coding(way.codec, quality, way.scale)), measure)


def _jpeg_coder(picture: Image.Image) -> _Coder:
    """Code gray JPEG files with the standard Huffman tables, as the paper counts them."""

    def code(quality: int) -> bytes:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality)
        return out.getvalue()

    def measure(data: bytes) -> Point:
        with Image.open(io.BytesIO(data)) as decoded:
            return Point(*[psnr_luma(picture, decoded)] * 2)

    return _Coder(picture.width * picture.height, range(1, 96), code, measure)


def restore(data: bytes, way: Way) -> Image.Image:
    """Return the picture that a way restores from its .lbic file."""
    if not way.first.roles:
        return _decompress(data, way.type)
    (header, planes), runtime = pipeline.decode_coded(data), Runtime()
    small = replace(header.coding, scale=SCALE_ONE)
    planes = enhance_planes(planes, way.first, small, header.coded_size, runtime, explicit=True).planes
    planes = enhance_planes(planes, way.type, header.coding, header.size, runtime, explicit=True).planes
    return Image.fromarray(color.planes_to_uint8(planes))


def _decompress(data: bytes, kind: EnhancementType) -> Image.Image:
    return pipeline.decompress(data, pipeline.DecompressSettings(kind)).image
