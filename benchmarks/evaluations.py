"""Run an evaluation of benchmarks/presets.py and write its page, rows and plots into a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks import anchors, report
from benchmarks.presets import Preset
from lbic.coding import SCALE_ONE
from lbic.enhance import catalog
from lbic.enhance.types import parse
from lbic.errors import LbicError, MissingError
from lbic.evaluate import cache, curves, plan, plots, runner, tables
from lbic.evaluate.bdrates import bd_rates
from lbic.evaluate.cache import Cache
from lbic.evaluate.plan import Plan
from lbic.evaluate.runner import Row
from lbic.metrics import table
from lbic.metrics.table import METRICS
from lbic.system import files


def write(preset: Preset, pictures: Path, folder: Path) -> None:
    """Measure the PNG files of a folder and write the page; files of an earlier run are replaced.

    Results are cached where ``lbic evaluate`` caches them, so that an interrupted run continues.
    Raises LbicError where a picture, an encoder or a library that the page needs is missing or
    fails.
    """
    if sentence := plots.missing():
        raise MissingError(sentence)
    evaluation = _plan(preset)
    rows = measure(sorted(pictures.glob("*.png")), evaluation)
    write_files(folder, _content(preset, rows, [metric.name for metric in evaluation.metrics]))


def measure(paths: Sequence[Path], evaluation: Plan) -> list[Row]:
    """Evaluate picture files. Raises LbicError at the first failure."""
    rows = []
    for path in paths:
        for row in runner.evaluate(path.name, path.read_bytes(), evaluation, Cache(cache.default_folder())):
            if row.error:
                raise LbicError(f"{path.name}: {row.codec} at quality {row.q}, type {row.type}: {row.error}")
            rows.append(row)
        sys.stderr.write(f"{path.name}\n")
    return rows


def possible(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the codings whose encoder is installed, and a sentence on each of the others."""
    installed, notes = [], []
    for text in texts:
        name = plan.parse_codings(text)[0].codec
        if reason := plan.coder(name).availability():
            notes.append(f"{name} left out: {reason}")
        else:
            installed.append(text)
    return installed, notes


def write_files(folder: Path, content: Iterable[tuple[str, bytes]]) -> None:
    """Write named files into a folder, and make the folder where it is missing."""
    files.make_folder(folder)
    for name, data in content:
        files.write(folder / name, data)


def _plan(preset: Preset) -> Plan:
    optional, left_out = possible(preset.optional)
    metrics, notes = table.chosen(preset.metrics.split(","))
    for note in (*notes, *left_out):
        sys.stderr.write(f"{note}\n")
    types = tuple(parse(word) for word in preset.types.split(","))
    for kind in types:
        catalog.load().require(kind)
    evaluation = Plan(plan.codings((*preset.codecs, *optional), [SCALE_ONE]), types, metrics)
    for sentence in plan.missing(evaluation):
        raise MissingError(sentence)
    return evaluation


def _content(preset: Preset, rows: Sequence[Row], metrics: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    means, rates = tables.means(rows), bd_rates(rows)
    published = anchors.sets()[preset.anchors] if preset.anchors else ()
    yield report.PAGE, report.page(preset, means, rates, published, plots.names(metrics)).encode()
    yield report.ROWS, tables.to_json(rows, rates)
    for metric in metrics:
        references = anchors.references(published, metric)
        yield from plots.draw_curves(metric, METRICS[metric].title, curves.measured(means, metric), references)
