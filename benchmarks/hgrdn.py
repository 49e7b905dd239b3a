"""Types 1 to 4 on Kodak: codec vvc, effort 2, profile lite on the CPU.

Coded pictures and rows are cached in runs/benchmark-hgrdn: an interrupted run continues, and a new
network does not code the pictures again. Seconds, memory and seams are measured every time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import bars, costs, seams
from benchmarks.bars import Facts
from benchmarks.restored import CODEC, EFFORT, KINDS, QUALITY, RUNTIME, Coded, code, kept, key, restore, shipped
from lbic.enhance.types import NOISE_REDUCTION, NONE, TYPES, EnhancementType
from lbic.evaluate import keys, runner
from lbic.evaluate.bdrates import bd_rates
from lbic.evaluate.runner import Row, measured
from lbic.evaluate.tables import Mean, mean_of, means, number
from lbic.metrics import table
from lbic.metrics.flatness import added_deviation

QPS = (32, 35, 37, 40, 42)
JUDGES = ("lpips", "niqe")
"""Slow metrics, which are measured at QUALITY and at QPs that the user adds."""
LIMITS = {1: 1, 2: 2, 3: 2, 4: 2}
"""By how many levels tiles may change a pixel, by type."""
_FLAT = ("flat", "flat_blocks")
"""Metrics in rows: mean deviation added to the flat blocks, and their number."""
_MEGABYTE = 1 << 20


def measure(folder: Path, qps: Sequence[int] = QPS, judged: Collection[int] = (), count: int | None = None) -> str:
    """Return Markdown: types by QP, types at QUALITY, the bars, and the order of the types.

    QUALITY is always measured. LPIPS and NIQE are measured at the QPs ``judged`` too. ``count``
    limits the pictures; None takes all of the folder. Types that are not shipped are listed.
    """
    kinds = shipped()
    absent = [str(kind) for kind in KINDS if kind not in kinds]
    lines = [f"Not shipped in profile {RUNTIME.profile} for {CODEC}: type {', '.join(absent)}.", ""] if absent else []
    if not kinds:
        return lines[0]
    paths = sorted(folder.glob("kodim*.png"))[:count]
    cost = costs.measure(code(paths[0], QUALITY), kinds)
    rows = measure_rows(paths, sorted({*qps, QUALITY}), kinds, {*judged, QUALITY})
    borders = {kind.id: seams.worst(_borders(paths[::8], kind)) for kind in kinds}
    facts = [replace(fact, cost=cost.get(fact.type), seams=borders.get(fact.type)) for fact in collect(rows)]
    setup = f"{len(paths)} pictures, {CODEC}, effort {EFFORT}, profile {RUNTIME.profile}, {os.cpu_count()} cores."
    lines += [setup, ""]
    lines += [*by_quality(rows), "", *at_quality(facts), "", *against_bars(facts), ""]
    return "\n".join([*lines, *(claim.sentence(facts) for claim in bars.CLAIMS)])


def measure_rows(
    paths: Sequence[Path], qps: Sequence[int], kinds: Sequence[EnhancementType], judged: Collection[int]
) -> list[Row]:
    """Return a row for each picture, QP and type, type 0 first, from the cache where possible.

    Types 2 to 4 trade PSNR for LPIPS and NIQE, so they are measured at the QPs ``judged`` only.
    """
    judges = [table.METRICS[name] for name in JUDGES if not table.METRICS[name].missing()]
    cache = kept()
    rows = []
    for path in paths:
        for qp in qps:
            metrics = (*table.ALWAYS, *(judges if qp in judged else ()))
            names = {metric.name for metric in metrics} | {*_FLAT}
            coded: Coded | None = None
            for kind in (NONE, *(kind for kind in kinds if kind == NOISE_REDUCTION or qp in judged)):
                row_key = keys.row_key(key(path, qp), kind, RUNTIME)
                row = runner.find_row(cache, row_key, names)
                if row is None:
                    coded = coded or code(path, qp)
                    row = runner.keep_row(cache, row_key, _row(coded, kind, metrics))
                rows.append(replace(row, image=path.stem))
        sys.stderr.write(".")
    sys.stderr.write("\n")
    return rows


def _row(coded: Coded, kind: EnhancementType, metrics: Sequence[table.Metric]) -> Row:
    plain, picture = restore(coded, NONE), restore(coded, kind)
    row = Row("", CODEC, coded.header.quality, 1, kind.id)
    row = measured(row, coded.original, coded.data, picture, metrics)
    added = added_deviation(coded.original, plain, picture)
    flat = float(added.mean()) if added.size else None
    return replace(row, metrics=row.metrics | dict(zip(_FLAT, (flat, float(added.size)), strict=True)))


def collect(rows: Sequence[Row]) -> list[Facts]:
    """Return the facts of each type at QUALITY, type 0 first. BD-rates need two qualities."""
    here = {mean.type: mean for mean in means(rows) if mean.q == QUALITY}
    plain = here[NONE.id].metrics
    rates = {rate.type: rate.bd_rate for rate in bd_rates(rows)}
    facts = []
    for kind, mean in here.items():
        psnr, niqe, lpips = (mean.metrics.get(name) for name in ("psnr", "niqe", "lpips"))
        fact = Facts(kind, psnr, niqe)
        if kind != NONE.id:
            differences = gains(rows, kind, QUALITY)
            fact = replace(
                fact,
                gain=float(np.mean(differences)),
                better=float(np.mean(np.array(differences) > 0)),
                lpips=_together(lambda a, b: (b / a - 1) * 100, plain.get("lpips"), lpips),
                niqe_change=_together(lambda a, b: b - a, plain.get("niqe"), niqe),
                bd_rate=rates.get(kind),
                flat=_pooled([row for row in rows if (row.type, row.q) == (kind, QUALITY)]),
            )
        facts.append(fact)
    return facts


def gains(rows: Sequence[Row], kind: int, qp: int) -> list[float]:
    """Return the gain of RGB-PSNR over the codec's picture in dB, for each picture."""
    psnr = {(row.image, row.type): value for row in rows if row.q == qp and (value := row.metrics["psnr"]) is not None}
    return [value - psnr[image, NONE.id] for (image, number), value in psnr.items() if number == kind]


def _pooled(rows: Sequence[Row]) -> float | None:
    """Return the mean over all flat blocks of all pictures; None where there are none."""
    flat = [(row.metrics["flat"] or 0.0, row.metrics["flat_blocks"] or 0.0) for row in rows]
    blocks = sum(count for _, count in flat)
    return sum(mean * count for mean, count in flat) / blocks if blocks else None


def _together(join: Callable[[float, float], float], one: float | None, two: float | None) -> float | None:
    return None if one is None or two is None else join(one, two)


def _borders(paths: Sequence[Path], kind: EnhancementType) -> list[seams.Seams]:
    return [seams.measure(code(path, QUALITY), kind, LIMITS[kind.id]) for path in paths]


def by_quality(rows: Sequence[Row]) -> list[str]:
    """Return the table of types by QP."""
    return [
        "| type | QP | bpp | RGB-PSNR | gain, dB | pictures that gain | LPIPS | NIQE |",
        "|---|---|---|---|---|---|---|---|",
        *(_quality_row(rows, mean) for mean in sorted(means(rows), key=lambda mean: (mean.type, mean.q))),
    ]


def _quality_row(rows: Sequence[Row], mean: Mean) -> str:
    differences = gains(rows, mean.type, mean.q) if mean.type else []
    cells = [
        str(TYPES[mean.type]),
        str(mean.q),
        number(4)(mean.bpp),
        number(2)(mean.metrics["psnr"]),
        number(2, "+")(mean_of(differences)),
        f"{sum(gain > 0 for gain in differences)} of {len(differences)}" if differences else "-",
        number(4)(mean.metrics.get("lpips")),
        number(3)(mean.metrics.get("niqe")),
    ]
    return f"| {' | '.join(cells)} |"


def at_quality(facts: Sequence[Facts]) -> list[str]:
    """Return the table of types at QUALITY."""
    head = (
        f"at QP {QUALITY}",
        "gain, dB",
        "LPIPS, %",
        "NIQE",
        "BD-rate, %",
        "flat blocks, levels",
        f"tiles of {seams.TILE}: pixels within",
        "jump at a border (beside it), levels",
        "seconds (CPU)",
        "peak memory",
    )
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(_facts_row(fact) for fact in facts if fact.type)]


def _facts_row(fact: Facts) -> str:
    cells = [
        str(TYPES[fact.type]),
        number(2, "+")(fact.gain),
        number(1, "+")(fact.lpips),
        number(3, "+")(fact.niqe_change),
        number(1, "+")(fact.bd_rate),
        number(2)(fact.flat),
        f"{LIMITS[fact.type]}: {fact.seams.within:.2%}" if fact.seams else "-",
        f"{fact.seams.jump:.3f} ({fact.seams.beside:.3f})" if fact.seams else "-",
        f"{fact.cost.seconds:.2f} ({fact.cost.cpu:.2f})" if fact.cost else "-",
        f"{fact.cost.memory / _MEGABYTE:,.0f} MiB" if fact.cost and fact.cost.memory else "-",
    ]
    return f"| {' | '.join(cells)} |"


def against_bars(facts: Sequence[Facts]) -> list[str]:
    """Return the table of bars."""
    return ["| type | what | bar | measured | met |", "|---|---|---|---|---|", *bars.rows(facts)]
