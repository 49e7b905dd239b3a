"""Pages of evaluations: command and versions, every metric at equal rates, and every point."""

from __future__ import annotations

import os
import platform
import textwrap
from collections.abc import Iterable, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from benchmarks import anchors
from benchmarks.anchors import Anchor
from benchmarks.presets import Page, Preset
from lbic.evaluate import curves, tables
from lbic.evaluate.bdrates import BdRate
from lbic.evaluate.curves import Curve
from lbic.evaluate.tables import Mean
from lbic.metrics.table import METRICS, Metric

PAGE, ROWS = "README.md", "rows.json"
"""The files that the folder of a page holds besides plots."""
RATES = (0.05, 0.10, 0.15, 0.20, 0.30, 0.40)
"""Bits per pixel at which the curves are compared."""
_LIBRARIES = ("lbic", "imageio-ffmpeg", "av", "pillow", "numpy", "onnxruntime-gpu", "onnxruntime", "torch")


def head(preset: Page) -> list[str]:
    """Return the paragraphs that a page begins with: title, text, command and environment."""
    command = f"    python -m benchmarks {preset.name} --pictures DIR --out OUT"
    return [f"# {preset.title}", preset.text, f"{command}\n\nDIR holds {preset.pictures}.", environment()]


def page(
    preset: Preset, means: Sequence[Mean], rates: Sequence[BdRate], published: Sequence[Anchor], plots: Iterable[str]
) -> str:
    """Return the page as Markdown; ``plots`` are the names of the files beside it."""
    parts = head(preset)
    for metric in (METRICS[name] for name in dict.fromkeys(name for mean in means for name in mean.metrics)):
        measured = curves.measured(means, metric.name)
        others = {f"{one.title}, published": one.curve for one in anchors.references(published, metric.name)}
        if rows := _at_rates(measured | others, metric):
            parts += [f"## {metric.title} at equal bits per pixel", rows]
        parts += [f"![{metric.title}]({name})" for name in plots if name == f"{metric.name}.svg"]
    if rates:
        parts += ["## BD-rate", tables.bd_markdown(rates)]
    parts += ["## Every point", tables.markdown(means)]
    return "\n\n".join(parts) + "\n"


def environment() -> str:
    """Return one sentence that names the libraries and the machine, wrapped as prose."""
    versions = ", ".join(f"{name} {number}" for name in _LIBRARIES if (number := _version(name)))
    return wrapped(f"Measured with {versions} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores.")


def wrapped(text: str) -> str:
    """Return Markdown whose prose ends before column 100; tables stay as they are."""
    fill = partial(textwrap.fill, width=99, break_long_words=False, break_on_hyphens=False)
    return "\n".join(line if line.startswith("|") else fill(line) for line in text.split("\n"))


def at_rate(curve: Curve, rate: float) -> float | None:
    """Return the metric at a rate in bits per pixel; None beyond the ends of the curve.

    The value is interpolated by PCHIP over the logarithm of the rate.
    """
    from scipy.interpolate import PchipInterpolator

    rates, values = np.array(curve, np.float64).T
    if len(curve) < 2 or not rates[0] <= rate <= rates[-1] or np.any(np.diff(rates) <= 0):
        return None
    return float(PchipInterpolator(np.log(rates), values)(np.log(rate)))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _at_rates(by_title: dict[str, Curve], metric: Metric) -> str | None:
    """Return a row for each curve, the best values in bold; None when no curve has a rate."""
    values = {title: [at_rate(curve, rate) for rate in RATES] for title, curve in by_title.items()}
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
    """Return the best value as text: values that look equal share the first place."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return f"{(min if metric.lower_is_better else max)(known):.{metric.digits}f}"


def _cell(value: float | None, best: str | None, metric: Metric) -> str:
    text = tables.number(metric.digits)(value)
    return f"**{text}**" if text == best else text
