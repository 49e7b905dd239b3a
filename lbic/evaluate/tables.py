"""From rows to results: means over pictures, a Markdown table, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from lbic.enhance.types import TYPES
from lbic.evaluate.runner import Row


@dataclass(frozen=True)
class Mean:
    """Arithmetic means over the pictures that worked, for one coding and type; PSNR is averaged in dB.

    ``images`` is how many worked, ``failures`` how many did not.
    """

    codec: str
    q: int
    scale: float
    type: int
    images: int
    bpp: float | None
    psnr: float | None
    psnr_y: float | None
    encode_s: float | None
    decode_s: float | None
    failures: int


def means(rows: Sequence[Row]) -> list[Mean]:
    """One mean for each codec, quality, scale and type, in the rows' order."""
    groups: dict[tuple[str, int, float, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.codec, row.q, row.scale, row.type), []).append(row)
    return [_mean(*key, group) for key, group in groups.items()]


def _mean(codec: str, q: int, scale: float, kind: int, rows: Sequence[Row]) -> Mean:
    good = [row for row in rows if row.error is None]

    def over(name: str) -> float | None:
        values = [getattr(row, name) for row in good]
        return sum(values) / len(values) if values else None

    return Mean(
        codec=codec,
        q=q,
        scale=scale,
        type=kind,
        images=len(good),
        bpp=over("bpp"),
        psnr=over("psnr"),
        psnr_y=over("psnr_y"),
        encode_s=over("encode_s"),
        decode_s=over("decode_s"),
        failures=len(rows) - len(good),
    )


def _number(digits: int) -> Callable[[float | None], str]:
    return lambda value: "-" if value is None else f"{value:.{digits}f}"


_COLUMNS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "codec": ("codec", str),
    "q": ("q", str),
    "scale": ("scale", "{:g}".format),
    "type": ("type", lambda number: str(TYPES[number])),
    "images": ("images", str),
    "bpp": ("bpp", _number(3)),
    "psnr": ("PSNR", _number(2)),
    "psnr_y": ("PSNR-Y", _number(2)),
    "encode_s": ("encode s", _number(2)),
    "decode_s": ("decode s", _number(2)),
    "failures": ("failures", str),
}


def markdown(results: Sequence[Mean]) -> str:
    """The means as a Markdown table whose columns line up in a terminal."""
    head = [title for title, _ in _COLUMNS.values()]
    body = [[show(getattr(row, name)) for name, (_, show) in _COLUMNS.items()] for row in results]
    widths = [max(len(line[column]) for line in [head, *body]) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in body
    ]
    title = "| " + " | ".join(cell.rjust(width) for cell, width in zip(head, widths, strict=True)) + " |"
    rule = "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|"
    return "\n".join([title, rule, *lines])


def to_json(rows: Sequence[Row]) -> bytes:
    """Rows and means as JSON, which knows no infinity: an infinite PSNR is null (and so is one that failed)."""
    content = {
        "rows": [_finite(asdict(row)) for row in rows],
        "means": [_finite(asdict(mean)) for mean in means(rows)],
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def to_csv(rows: Sequence[Row]) -> bytes:
    """Rows as CSV, one picture, coding and type a line; an infinite PSNR is ``inf``."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return out.getvalue().encode()


def _finite(record: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and math.isinf(value) else value for key, value in record.items()}
