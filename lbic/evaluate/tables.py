"""Tables of an evaluation: means over pictures, as Markdown, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lbic.enhance.types import TYPES
from lbic.evaluate.bdrates import BdRate
from lbic.evaluate.runner import Row
from lbic.metrics.table import METRICS, Metric


@dataclass(frozen=True)
class Mean:
    """Means over pictures for one coding and type; the first four fields are as in Row."""

    codec: str
    q: int
    scale: float
    type: int
    images: int
    """How many pictures the means are over: those without an error."""
    bpp: float | None
    metrics: dict[str, float | None]
    """Means over the pictures that a metric is defined for; PSNR is averaged in dB."""
    encode_s: float | None
    decode_s: float | None
    failures: int
    """How many pictures have an error."""


def means(rows: Sequence[Row]) -> list[Mean]:
    """Return the means of each codec, quality, scale and type, in the order of the rows."""
    groups: dict[tuple[str, int, float, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.codec, row.q, row.scale, row.type), []).append(row)
    return [_mean(*key, group) for key, group in groups.items()]


def _mean(codec: str, q: int, scale: float, kind: int, rows: Sequence[Row]) -> Mean:
    good = [row for row in rows if row.error is None]
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    return Mean(
        codec=codec,
        q=q,
        scale=scale,
        type=kind,
        images=len(good),
        bpp=mean_of(row.bpp for row in good),
        metrics={name: mean_of(row.metrics.get(name) for row in good) for name in names},
        encode_s=mean_of(row.encode_s for row in good),
        decode_s=mean_of(row.decode_s for row in good),
        failures=len(rows) - len(good),
    )


def gaps(rows: Sequence[Row], metrics: Iterable[Metric]) -> list[str]:
    """Return a sentence on each metric that is not defined for some of the pictures."""
    good = [row for row in rows if row.error is None]
    pictures = {row.image for row in good}
    without = {metric: {row.image for row in good if row.metrics[metric.name] is None} for metric in metrics}
    return [
        f"{metric.title} is not defined for {len(names)} of {len(pictures)} pictures; its means are over the others"
        for metric, names in without.items()
        if names
    ]


def mean_of(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are not None; None when there are none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def number(digits: int, sign: str = "") -> Callable[[float | None], str]:
    """Return a function that formats numbers; a dash for None, ``sign`` is "+" for differences."""
    return lambda value: "-" if value is None else f"{value:{sign}.{digits}f}"


Column = tuple[str, Callable[[Any], str]]
"""The title of a column, and the function that formats its values."""
_WAY: dict[str, Column] = {
    "codec": ("codec", str),
    "q": ("q", str),
    "scale": ("scale", "{:g}".format),
    "type": ("type", lambda number: str(TYPES[number])),
}
_BEFORE: dict[str, Column] = {**_WAY, "images": ("images", str), "bpp": ("bpp", number(3))}
_METRICS: dict[str, Column] = {metric.name: (metric.title, number(metric.digits)) for metric in METRICS.values()}
_AFTER: dict[str, Column] = {
    "encode_s": ("encode s", number(2)),
    "decode_s": ("decode s", number(2)),
    "failures": ("failures", str),
}
_BD_RATE: dict[str, Column] = {
    **{name: _WAY[name] for name in ("codec", "scale", "type")},
    "bd_rate": ("BD-rate, %", number(2, "+")),
    "images": ("images", str),
    "failures": ("failures", str),
}


def markdown(results: Sequence[Mean]) -> str:
    """Return the means as a Markdown table, with a column for every metric that was measured."""
    measured = {name: column for name, column in _METRICS.items() if any(name in row.metrics for row in results)}
    return _table({**_BEFORE, **measured, **_AFTER}, [_flat(row) for row in results])


def bd_markdown(results: Sequence[BdRate]) -> str:
    """Return BD-rates as a sentence and a Markdown table; the first row is the anchor."""
    return "BD-rate over RGB-PSNR against the first row:\n\n" + _table(_BD_RATE, [asdict(row) for row in results])


def _table(columns: dict[str, Column], records: Sequence[dict[str, Any]]) -> str:
    """Return records as a Markdown table with aligned columns."""
    head = [title for title, _ in columns.values()]
    return aligned(head, [[show(record[name]) for name, (_, show) in columns.items()] for record in records])


def aligned(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are aligned, so that it can be read in a terminal."""
    widths = [max(len(line[column]) for line in [head, *body]) for column in range(len(head))]
    title, *lines = (
        "| " + " | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in [head, *body]
    )
    rule = "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|"
    return "\n".join([title, rule, *lines])


def to_json(rows: Sequence[Row], rates: Sequence[BdRate]) -> bytes:
    """Return rows, means and BD-rates as JSON.

    JSON knows no infinity: an infinite PSNR is null, as is one that failed. Every metric of the
    table has its key, null where it was not measured.
    """
    content = {
        "rows": [_finite(_flat(row)) for row in rows],
        "means": [_finite(_flat(mean)) for mean in means(rows)],
        "bd_rate": [asdict(rate) for rate in rates],
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def to_csv(rows: Sequence[Row]) -> bytes:
    """Return rows, at least one, as CSV; an infinite PSNR is ``inf``."""
    records = [_flat(row) for row in rows]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue().encode(errors="surrogateescape")  # the system's names are bytes


def _flat(result: Row | Mean) -> dict[str, Any]:
    """Return the fields of a result, and all metrics as fields; None if not measured."""
    record: dict[str, Any] = {}
    for name, value in asdict(result).items():
        record |= dict.fromkeys(METRICS) | value if name == "metrics" else {name: value}
    return record


def _finite(record: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and math.isinf(value) else value for key, value in record.items()}
