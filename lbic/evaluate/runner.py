"""Evaluate one picture over a plan: code it, decode it with every type, and measure it."""

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
from lbic.metrics.rate import bits_per_pixel
from lbic.metrics.table import METRICS, Metric
from lbic.picture.load import Picture, load
from lbic.pipeline import CompressSettings, DecompressSettings


@dataclass(frozen=True)
class Row:
    """The result of one picture, coding and type. A failure has an error and no numbers."""

    image: str
    """The name of the picture."""
    codec: str
    """The name of the coding: the codec, and @ with its own effort and goal where it has them."""
    q: int
    """The quality, in the codec's own numbers."""
    scale: float
    """How many times smaller the sides were coded."""
    type: int
    """The number of the enhancement type."""
    profile: str | None = None
    """The profile of the networks that ran; None when none ran."""
    bytes: int | None = None
    """The size of the whole file."""
    bpp: float | None = None
    """Bits of the whole file for each pixel of the original picture."""
    metrics: dict[str, float | None] = field(default_factory=dict)
    """Metrics by name; None where one is not defined."""
    encode_s: float | None = None
    """Seconds to make the file."""
    decode_s: float | None = None
    """Seconds to decode it, networks included."""
    kept: bool = field(default=False, compare=False)
    """Whether an earlier run computed the row, and took these seconds."""
    error: str | None = None
    """Why coding or decoding failed; None when it did not."""


@dataclass(frozen=True)
class File:
    """The file that a coding makes of a picture."""

    data: bytes
    encode_s: float
    """Seconds to make it."""


def evaluate(
    name: str, data: bytes, plan: Plan, cache: Cache | None = None, tick: Callable[[], None] = lambda: None
) -> list[Row]:
    """Evaluate one picture file over a plan; a failure becomes a row with an error.

    Results in the cache are not computed again. ``tick`` is called after every row. Raises
    ImageError when the picture cannot be read.
    """
    # Alpha is left out: it is stored without loss, and its bytes would hide the codec's.
    original = load(data).image
    picture, rows = keys.picture_key(data), []
    for coding in plan.codings:
        for row in _evaluate_coding(original, picture, coding, plan, cache or Cache()):
            rows.append(replace(row, image=name))
            tick()
    return rows


def failed(name: str, plan: Plan, error: str) -> list[Row]:
    """Return the rows of a picture that cannot be read."""
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
        # Codings with different names may share a file, and so a row in the cache.
        yield replace(row, codec=coding.name) if row else _failed("", coding, kind, plan, error)


def code(original: Image.Image, coding: PlannedCoding, effort: int, key: Key, cache: Cache) -> File:
    """Return the file that a coding makes of a picture, from the cache where it is there.

    ``key`` is the keys.coded_key. Raises LbicError when the encoder fails.
    """
    if entry := cache.find(key):
        return File(base64.b64decode(entry["data"]), entry["encode_s"])
    peer = PEERS.get(coding.codec)
    settings = CompressSettings(coding.codec, coding.quality, coding.scale, effort, NONE, goal=coding.goal)
    started = time.perf_counter()
    if peer:
        data = peer.encode(original, coding.quality, effort)
    else:
        data = pipeline.compress(Picture(original), settings).data
    file = File(data, time.perf_counter() - started)
    cache.keep(key, {"data": base64.b64encode(file.data).decode(), "encode_s": file.encode_s})
    return file


def _measure(original: Image.Image, coding: PlannedCoding, kind: EnhancementType, plan: Plan, file: File) -> Row:
    """Decode a file and measure it. Raises LbicError when that fails."""
    peer, profile = PEERS.get(coding.codec), None
    started = time.perf_counter()
    if peer:
        decoded = peer.decode(file.data, Geometry(*original.size, gray=original.mode == "L"))
    else:
        result = pipeline.decompress(file.data, DecompressSettings(kind, plan.runtime))
        decoded, profile = result.image, result.profile
    decode_s = time.perf_counter() - started
    if decoded.size != original.size:
        raise CodecError(
            f"the file decoded to {decoded.width}x{decoded.height} pixels instead of {original.width}x{original.height}"
        )
    row = Row("", coding.name, coding.quality, coding.scale / SCALE_ONE, kind.id, profile)
    row = replace(row, encode_s=file.encode_s, decode_s=decode_s)
    # Formats without gray decode a gray picture to three equal channels.
    return measured(row, original, file.data, decoded.convert(original.mode), plan.metrics)


def measured(row: Row, original: Image.Image, data: bytes, decoded: Image.Image, metrics: Iterable[Metric]) -> Row:
    """Return the row with the size of the file and the metrics of the picture decoded from it."""
    return replace(
        row,
        bytes=len(data),
        bpp=bits_per_pixel(len(data), *original.size),
        metrics={metric.name: metric.measure(original, decoded) for metric in metrics},
    )


def find_row(cache: Cache, key: Key, metrics: Collection[str]) -> Row | None:
    """Return the row under a key if it has all these metrics, measured with the present weights.

    The row has no other metrics and no name of a picture.
    """
    entry = cache.find(key)
    if entry is None:
        return None
    try:
        stamps = entry.pop("stamps")
        if any(stamps[name] != _stamp(name) for name in metrics):
            return None
        row = Row(**entry | {"kept": True})
        return replace(row, metrics={name: row.metrics[name] for name in metrics})
    except (TypeError, KeyError):  # another version of lbic wrote it, or a metric is missing
        return None


def keep_row(cache: Cache, key: Key, row: Row) -> Row:
    """Keep a row together with the other metrics of an earlier one; return the row."""
    before = cache.find(key) or {}
    metrics = before.get("metrics", {}) | row.metrics
    stamps = before.get("stamps", {}) | {name: _stamp(name) for name in row.metrics}
    cache.keep(key, asdict(replace(row, image="", metrics=metrics)) | {"stamps": stamps})
    return row


def _stamp(name: str) -> str:
    """Return the stamp of a metric's weights; metrics outside the table have no weights."""
    return METRICS[name].stamp() if name in METRICS else ""


def _failed(name: str, coding: PlannedCoding, kind: EnhancementType, plan: Plan, error: str) -> Row:
    nothing: dict[str, float | None] = {metric.name: None for metric in plan.metrics}
    scale = coding.scale / SCALE_ONE
    return Row(name, coding.name, coding.quality, scale, kind.id, metrics=nothing, error=error)
