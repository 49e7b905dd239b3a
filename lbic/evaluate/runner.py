"""Code a picture in every wanted way, decode it with every wanted type, and measure."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace

from PIL import Image

from lbic import pipeline
from lbic.codecs.base import Geometry
from lbic.coding import SCALE_ONE
from lbic.enhance.types import NONE, EnhancementType
from lbic.errors import CodecError, LbicError
from lbic.evaluate import keys
from lbic.evaluate.cache import Cache
from lbic.evaluate.keys import Key
from lbic.evaluate.peers import PEERS
from lbic.evaluate.plan import Plan, PlannedCoding
from lbic.metrics.table import METRICS, Metric
from lbic.picture.load import Picture, load
from lbic.pipeline import CompressSettings, DecompressSettings


@dataclass(frozen=True)
class Row:
    """One picture, one coding, one type. What failed has ``error`` and no numbers.

    ``profile`` is that of the networks that ran, None where none did; ``bytes`` the size of the whole file, ``bpp``
    its bits per pixel of the original picture. ``metrics`` has a value for each metric of the plan by its name, None
    where it is not defined. ``kept`` tells that the row is from an earlier run, and its seconds with it.
    """

    image: str
    codec: str
    q: int
    scale: float
    type: int
    profile: str | None = None
    bytes: int | None = None
    bpp: float | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    encode_s: float | None = None
    decode_s: float | None = None
    kept: bool = field(default=False, compare=False)
    error: str | None = None


@dataclass(frozen=True)
class File:
    """What a coding made of a picture, and the seconds it took."""

    data: bytes
    encode_s: float


def evaluate(
    name: str, data: bytes, plan: Plan, cache: Cache | None = None, tick: Callable[[], None] = lambda: None
) -> list[Row]:
    """Measure one picture file over the whole plan; codings and types that fail are rows with an error.

    What the cache has is not computed again; ``tick`` is called after every row. Raises ImageError when the picture
    itself cannot be read.
    """
    # Alpha is stored without loss and measured by no metric: it would only blur what the codec costs.
    original = load(data).image
    picture, rows = keys.picture_key(data), []
    for coding in plan.codings:
        for row in _evaluate_coding(original, picture, coding, plan, cache or Cache()):
            rows.append(replace(row, image=name))
            tick()
    return rows


def failed(name: str, plan: Plan, error: str) -> list[Row]:
    """The rows of a picture that could not be read."""
    return [_failed(name, coding, kind, plan, error) for coding in plan.codings for kind in plan.types_of(coding)]


def _evaluate_coding(
    original: Image.Image, picture: str, coding: PlannedCoding, plan: Plan, cache: Cache
) -> Iterator[Row]:
    effort = plan.effort_of(coding)
    key = keys.coded_key(picture, coding, effort)
    row_keys = {kind: keys.row_key(key, kind, plan.runtime) for kind in plan.types_of(coding)}
    names = [metric.name for metric in plan.metrics]
    known = {kind: find_row(cache, row_key, names) for kind, row_key in row_keys.items()}
    file, error = None, ""
    if not all(known.values()):
        try:
            file = code(original, coding, effort, key, cache)
        except LbicError as failure:
            error = str(failure)
    for kind, row_key in row_keys.items():
        row = known[kind]
        if row is None and file is not None:
            try:
                row = keep_row(cache, row_key, _measure(original, coding, kind, plan, file))
            except LbicError as failure:
                error = str(failure)
        # Codings of other names may come to the same file.
        yield replace(row, codec=coding.name) if row else _failed("", coding, kind, plan, error)


def code(original: Image.Image, coding: PlannedCoding, effort: int, key: Key, cache: Cache) -> File:
    """The file that a coding makes of a picture, found in the cache by its keys.coded_key or made and kept.

    Raises LbicError when the encoder fails.
    """
    if found := cache.find(key):
        return File(base64.b64decode(found["data"]), found["encode_s"])
    peer = PEERS.get(coding.codec)
    settings = CompressSettings(coding.codec, coding.quality, coding.scale, effort, NONE)
    started = time.perf_counter()
    if peer:
        data = peer.encode(original, coding.quality, effort)
    else:
        data = pipeline.compress(Picture(original), settings).data
    file = File(data, time.perf_counter() - started)
    cache.keep(key, {"data": base64.b64encode(file.data).decode(), "encode_s": file.encode_s})
    return file


def _measure(original: Image.Image, coding: PlannedCoding, kind: EnhancementType, plan: Plan, file: File) -> Row:
    """Decode a file and measure; raises LbicError when that fails."""
    peer, profile = PEERS.get(coding.codec), None
    started = time.perf_counter()
    if peer:
        decoded = peer.decode(file.data, Geometry(*original.size, gray=original.mode == "L"))
    else:
        done = pipeline.decompress(file.data, DecompressSettings(kind, plan.runtime))
        decoded, profile = done.image, done.profile
    decode_s = time.perf_counter() - started
    if decoded.size != original.size:
        raise CodecError(f"the file decoded to {decoded.width}x{decoded.height}")
    row = Row("", coding.name, coding.quality, coding.scale / SCALE_ONE, kind.id, profile)
    row = replace(row, encode_s=file.encode_s, decode_s=decode_s)
    # Some formats have no gray: their three equal channels are the gray picture again.
    return measured(row, original, file.data, decoded.convert(original.mode), plan.metrics)


def measured(row: Row, original: Image.Image, data: bytes, decoded: Image.Image, metrics: Iterable[Metric]) -> Row:
    """The row with the size of the file and what the metrics say of the picture decoded from it."""
    return replace(
        row,
        bytes=len(data),
        bpp=8 * len(data) / (original.width * original.height),
        metrics={metric.name: metric.measure(original, decoded) for metric in metrics},
    )


def find_row(cache: Cache, key: Key, metrics: Collection[str]) -> Row | None:
    """The row that was kept under a key, if it has all these metrics, by the weights of today; it shows no others, and
    no picture's name."""
    found = cache.find(key)
    if found is None:
        return None
    try:
        stamps = found.pop("stamps")
        if any(stamps[name] != _stamp(name) for name in metrics):
            return None
        row = Row(**found | {"kept": True})
        return replace(row, metrics={name: row.metrics[name] for name in metrics})
    except (TypeError, KeyError):  # of another lbic, or measured by other metrics
        return None


def keep_row(cache: Cache, key: Key, row: Row) -> Row:
    """Keep a row, and the metrics that an earlier one had besides; returns the row."""
    before = cache.find(key) or {}
    metrics = before.get("metrics", {}) | row.metrics
    stamps = before.get("stamps", {}) | {name: _stamp(name) for name in row.metrics}
    cache.keep(key, asdict(replace(row, image="", metrics=metrics)) | {"stamps": stamps})
    return row


def _stamp(name: str) -> str:
    """The weights that a metric goes by; benchmarks have metrics of their own, which have none."""
    return METRICS[name].stamp() if name in METRICS else ""


def _failed(name: str, coding: PlannedCoding, kind: EnhancementType, plan: Plan, error: str) -> Row:
    nothing: dict[str, float | None] = {metric.name: None for metric in plan.metrics}
    scale = coding.scale / SCALE_ONE
    return Row(name, coding.name, coding.quality, scale, kind.id, metrics=nothing, error=error)
