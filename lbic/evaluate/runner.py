"""Code a picture in every wanted way, decode it with every wanted type, and measure."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from PIL import Image

from lbic import image, pipeline
from lbic.codecs import CODECS, check_quality, get
from lbic.codecs.base import DEFAULT_EFFORT
from lbic.container import SCALE_ONE
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, EnhancementType
from lbic.errors import LbicError, UsageError
from lbic.image import Picture
from lbic.metrics.table import ALWAYS, Metric
from lbic.pipeline import CompressSettings, DecompressSettings


@dataclass(frozen=True)
class Coding:
    """One way to make a file; ``scale`` is in sixteenths."""

    codec: str
    quality: int
    scale: int = SCALE_ONE


@dataclass(frozen=True)
class Plan:
    """Every coding is done once for a picture, and decoded and measured once for every type."""

    codings: tuple[Coding, ...]
    types: tuple[EnhancementType, ...] = (NONE,)
    metrics: tuple[Metric, ...] = ALWAYS
    effort: int = DEFAULT_EFFORT
    runtime: Runtime = field(default_factory=Runtime)


@dataclass(frozen=True)
class Row:
    """One picture, one coding, one type. What failed has ``error`` and no numbers.

    ``bytes`` is the whole .lbic file, ``bpp`` its bits per pixel of the original picture; ``metrics`` has a value for
    each metric of the plan by its name, None where it is not defined.
    """

    image: str
    codec: str
    q: int
    scale: float
    type: int
    bytes: int | None = None
    bpp: float | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    encode_s: float | None = None
    decode_s: float | None = None
    error: str | None = None


def parse_codings(text: str) -> list[tuple[str, int]]:
    """Codec and qualities as evaluate takes them: ``vvc:37``, ``jpeg:10,20``, ``vvc`` for the default.

    Raises UsageError for an unknown codec or a quality that is no number or not in its range.
    """
    name, _, numbers = text.partition(":")
    codec = get(name)
    if not numbers:
        return [(name, codec.default_quality)]
    try:
        qualities = [int(number) for number in numbers.split(",")]
    except ValueError:
        raise UsageError(f"{text!r}: qualities are whole numbers joined by commas, as in jpeg:10,20") from None
    return [(name, check_quality(codec, quality)) for quality in qualities]


def evaluate(name: str, data: bytes, plan: Plan) -> list[Row]:
    """Measure one picture file over the whole plan; codings and types that fail are rows with an error.

    Raises ImageError when the picture itself cannot be read.
    """
    picture = image.load(data)
    return [row for coding in plan.codings for row in _evaluate_coding(name, picture, coding, plan)]


def failed(name: str, plan: Plan, error: str) -> list[Row]:
    """The rows of a picture that could not be read."""
    return [_row(name, coding, kind, plan, error=error) for coding in plan.codings for kind in plan.types]


def _evaluate_coding(name: str, picture: Picture, coding: Coding, plan: Plan) -> Iterator[Row]:
    settings = CompressSettings(coding.codec, coding.quality, coding.scale, plan.effort, NONE)
    # Alpha is stored without loss and measured by no metric: it would only blur what the codec costs.
    opaque = Picture(picture.image)
    try:
        started = time.perf_counter()
        data = pipeline.compress(opaque, settings).data
        encode_s = time.perf_counter() - started
    except LbicError as error:
        yield from (_row(name, coding, kind, plan, error=str(error)) for kind in plan.types)
        return
    for kind in plan.types:
        try:
            started = time.perf_counter()
            decoded = pipeline.decompress(data, DecompressSettings(kind, plan.runtime)).image
            decode_s = time.perf_counter() - started
        except LbicError as error:
            yield _row(name, coding, kind, plan, error=str(error))
        else:
            row = replace(_row(name, coding, kind, plan), encode_s=encode_s, decode_s=decode_s)
            yield measured(row, opaque.image, data, decoded, plan.metrics)


def measured(row: Row, original: Image.Image, data: bytes, decoded: Image.Image, metrics: Iterable[Metric]) -> Row:
    """The row with the size of the .lbic file and what the metrics say of the picture decoded from it."""
    return replace(
        row,
        bytes=len(data),
        bpp=8 * len(data) / (original.width * original.height),
        metrics={metric.name: metric.measure(original, decoded) for metric in metrics},
    )


def _row(name: str, coding: Coding, kind: EnhancementType, plan: Plan, *, error: str | None = None) -> Row:
    nothing: dict[str, float | None] = {metric.name: None for metric in plan.metrics}
    return Row(name, coding.codec, coding.quality, coding.scale / SCALE_ONE, kind.id, metrics=nothing, error=error)


def missing(plan: Plan) -> list[str]:
    """Why codecs of the plan cannot encode here and metrics cannot measure, a sentence each; empty when all can."""
    checks = [
        *(CODECS[name].availability for name in dict.fromkeys(coding.codec for coding in plan.codings)),
        *(metric.missing for metric in plan.metrics),
    ]
    return [sentence for check in checks if (sentence := check())]
