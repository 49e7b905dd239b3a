"""Table I of Jia et al.: luma PSNR of seven pictures at five rates, counted on whole .lbic files.

The protocol, found by trying until the JPEG row came out as published: luma as MATLAB's rgb2ycbcr gives
it (8 bits, 16..235), coded as a gray picture; rate = whole file over all pixels; PSNR on that luma;
linear interpolation between the two neighbouring qualities.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
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
from lbic.picture.load import load

RATES = (0.15, 0.20, 0.25, 0.30, 0.35)
PAPER = (26.84, 28.27, 29.03, 29.67, 30.31)
"""The published mean of the proposed method, dB at RATES."""
PAPER_JPEG = (None, None, 27.66, 28.86, 29.80)
"""The published mean of JPEG, where its files are small enough."""
PICTURES = ("baby", "bird", "butterfly", "head", "woman", "zebra", "barbara")


@dataclass(frozen=True)
class Way:
    """One way to code: codec, downsampling in sixteenths, and the enhancement that belongs to it.

    ``first`` runs on the small picture, before it is enlarged; none in .lbic files.
    """

    codec: str
    scale: int
    type: EnhancementType
    first: EnhancementType = NONE

    @property
    def plain(self) -> str:
        """The way without its networks."""
        return f"{self.codec}, scale {self.scale / SCALE_ONE:g}, no networks"

    def __str__(self) -> str:
        before = f", type {self.first} before it is enlarged" if self.first.roles else ""
        return f"{self.codec}, scale {self.scale / SCALE_ONE:g}, type {self.type}{before}"


ARCNN_FIRST = Way("jpeg", 32, parse("sr"), parse("ar"))
"""Figure 5's other order: its text has ARCNN after the enlargement (type 6), its caption before."""
JPEG = Way("file:jpeg", 16, NONE)
"""The paper's first row: whole JPEG files."""
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
    """Luma PSNR in dB of one picture at one rate, without and with networks; None where the rate is out of reach."""

    plain: float
    enhanced: float


_See = Callable[[bytes], Point]


def find_pictures(folder: Path) -> list[Path]:
    """The seven pictures in a folder, whatever their suffix; UsageError names those that are missing."""
    found = {path.stem.lower(): path for path in sorted(folder.iterdir()) if path.stem.lower() in PICTURES}
    missing = [name for name in PICTURES if name not in found]
    if missing:
        raise UsageError(f"{folder} lacks {', '.join(missing)} of Table I's pictures")
    return [found[name] for name in PICTURES]


def measure(
    data: bytes, ways: Sequence[Way] = WAYS, tick: Callable[[], object] = lambda: None
) -> dict[Way, list[Point | None]]:
    """What each way gives one picture file at RATES; ``tick`` is called after every way. Raises ImageError."""
    picture = Image.fromarray(luma(load(data).image))
    code = lru_cache(maxsize=None)(partial(_code, picture))
    found = {}
    for way in ways:
        coder = _jpeg_coder(picture) if way == JPEG else _way_coder(picture, way, code)
        found[way] = [coder.at_rate(rate) for rate in RATES]
        tick()
    return found


def joined(pictures: Sequence[dict[Way, list[Point | None]]]) -> dict[Way, list[list[Point | None]]]:
    """For each way a list over pictures of lists over RATES."""
    return {way: [picture[way] for picture in pictures] for way in pictures[0]}


def rows(found: dict[Way, list[list[Point | None]]]) -> Iterator[tuple[str, list[float | None]]]:
    """The table's rows: for each way the mean without and with networks, then the best jpeg way of each picture."""
    yield "paper, JPEG", list(PAPER_JPEG)
    yield "paper, proposed", list(PAPER)
    plain = {way.plain: _means(table, lambda point: point.plain) for way, table in found.items()}
    for way, table in found.items():
        if way.type.roles:
            yield f"{way}", _means(table, lambda point: point.enhanced)
    yield from plain.items()
    best = best_of([table for way, table in found.items() if way.codec == "jpeg" and way != ARCNN_FIRST])
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
    """One picture coded one way; files and their points are computed once for each quality."""

    def __init__(self, pixels: int, qualities: Sequence[int], code: Callable[[int], bytes], see: _See) -> None:
        """``qualities`` go from small to large files."""
        self._pixels = pixels
        self._qualities = qualities
        self._code = lru_cache(maxsize=None)(lambda index: code(qualities[index]))
        self._point = lru_cache(maxsize=None)(lambda index: see(self._code(index)))

    def at_rate(self, rate: float) -> Point | None:
        """Interpolate between the two qualities around a rate, found by bisection; None where no two are around it."""
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
        return 8 * len(self._code(index)) / self._pixels


def _code(picture: Image.Image, coding: Coding) -> bytes:
    """The .lbic file, without advice on enhancement, so that ways with the same coding share it."""
    return pipeline.compress(
        picture, pipeline.CompressSettings(coding.codec, coding.quality, coding.scale, type=NONE)
    ).data


def _way_coder(picture: Image.Image, way: Way, code: Callable[[Coding], bytes]) -> _Coder:
    codec = get(way.codec)
    low, high = codec.quality_range

    def see(data: bytes) -> Point:
        plain, enhanced = (psnr_luma(picture, image) for image in (_decompress(data, NONE), restore(data, way)))
        return Point(plain, enhanced)

    qualities = range(high, low - 1, -1) if codec.lower_is_better else range(low, high + 1)
    pixels = picture.width * picture.height
    return _Coder(pixels, qualities, lambda quality: code(Coding(way.codec, quality, way.scale)), see)


def _jpeg_coder(picture: Image.Image) -> _Coder:
    """JPEG files as the paper must have counted them: gray, with the standard Huffman tables."""

    def code(quality: int) -> bytes:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality)
        return out.getvalue()

    def see(data: bytes) -> Point:
        with Image.open(io.BytesIO(data)) as decoded:
            return Point(*[psnr_luma(picture, decoded)] * 2)

    return _Coder(picture.width * picture.height, range(1, 96), code, see)


def restore(data: bytes, way: Way) -> Image.Image:
    """What a way makes of its .lbic file."""
    if not way.first.roles:
        return _decompress(data, way.type)
    (header, planes), runtime = pipeline.decode_coded(data), Runtime()
    small = replace(header.coding, scale=SCALE_ONE)
    planes = enhance_planes(planes, way.first, small, header.coded_size, runtime, explicit=True).planes
    planes = enhance_planes(planes, way.type, header.coding, header.size, runtime, explicit=True).planes
    return Image.fromarray(color.planes_to_uint8(planes))


def _decompress(data: bytes, kind: EnhancementType) -> Image.Image:
    return pipeline.decompress(data, pipeline.DecompressSettings(kind)).image
