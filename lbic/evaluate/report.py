"""The page that an evaluation leaves behind: what was run and with what, and every metric at equal rates."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version

from lbic.evaluate import curves, tables
from lbic.evaluate.anchors import Anchor
from lbic.evaluate.bdrates import BdRate
from lbic.evaluate.presets import Preset
from lbic.evaluate.tables import Mean
from lbic.metrics.table import METRICS, Metric

PAGE, ROWS = "README.md", "rows.json"
"""What a report's folder holds besides plots."""
RATES = (0.05, 0.10, 0.15, 0.20, 0.30, 0.40)
"""Bits per pixel at which codecs are held against each other."""
_LIBRARIES = ("lbic", "imageio-ffmpeg", "av", "pillow", "numpy", "onnxruntime-gpu", "onnxruntime", "torch")


def head(preset: Preset) -> list[str]:
    """How every preset's page begins: its title, what it is about, the command that makes it, and with what it was."""
    command = f"    lbic evaluate DIR --preset {preset.name} --report OUT"
    return [f"# {preset.title}", preset.text, f"{command}\n\nDIR holds {preset.pictures}.", environment()]


def page(
    preset: Preset, means: Sequence[Mean], rates: Sequence[BdRate], anchors: Sequence[Anchor], plots: Iterable[str]
) -> str:
    """Markdown; ``plots`` are the names of the files beside it."""
    parts = head(preset)
    for metric in (METRICS[name] for name in dict.fromkeys(name for mean in means for name in mean.metrics)):
        ours = curves.measured(means, metric.name)
        others = {f"{one.title}, published": one.curve for one in curves.published(anchors, metric.name)}
        if rows := _at_rates(ours | others, metric):
            parts += [f"## {metric.title} at equal bits per pixel", rows]
        parts += [f"![{metric.title}]({name})" for name in plots if name == f"{metric.name}.svg"]
    if rates:
        parts += ["## BD-rate", tables.bd_markdown(rates)]
    parts += ["## Every point", tables.markdown(means)]
    return "\n\n".join(parts) + "\n"


def environment() -> str:
    """One line on what the figures were measured with."""
    versions = ", ".join(f"{name} {found}" for name in _LIBRARIES if (found := _version(name)))
    return f"Measured with {versions} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores."


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _at_rates(found: dict[str, curves.Curve], metric: Metric) -> str | None:
    """A row for each curve, the best of a column in bold; None when no curve reaches any of the rates."""
    values = {title: [curves.at_rate(curve, rate) for rate in RATES] for title, curve in found.items()}
    best = [_best((row[column] for row in values.values()), metric) for column in range(len(RATES))]
    if not any(best):
        return None
    body = [
        [title, *(_cell(value, best[column], metric) for column, value in enumerate(row))]
        for title, row in values.items()
        if any(value is not None for value in row)
    ]
    return tables.aligned([f"{metric.title}, mean", *(f"{rate:.2f} bpp" for rate in RATES)], body)


def _best(values: Iterable[float | None], metric: Metric) -> str | None:
    """The best value as it is shown: what looks equal shares the first place."""
    there = [value for value in values if value is not None]
    if not there:
        return None
    return f"{(min if metric.lower_is_better else max)(there):.{metric.digits}f}"


def _cell(value: float | None, best: str | None, metric: Metric) -> str:
    shown = tables.number(metric.digits)(value)
    return f"**{shown}**" if shown == best else shown
