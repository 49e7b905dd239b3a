"""Rate-distortion plots: the mean of each metric against bits per pixel, as SVG and PNG files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import cycle
from typing import TYPE_CHECKING, Any

from lbic.evaluate import curves
from lbic.evaluate.curves import Curve, Reference
from lbic.evaluate.tables import Mean
from lbic.metrics.table import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
_MARGIN = 1.5
"""Reference curves are drawn up to this factor of bits per pixel beyond the measured ones."""


def missing() -> str | None:
    """Return a sentence on what drawing lacks; None when nothing is missing."""
    return None if find_spec("matplotlib") else "plots need matplotlib: pip install 'lbic[plot]'"


def names(metrics: Iterable[str]) -> list[str]:
    """Return the names of the files that ``draw`` makes for these metrics."""
    return [f"{metric}.{suffix}" for metric in metrics for suffix in FORMATS]


def draw(means: Sequence[Mean], metrics: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Draw a plot of each metric; yield the name and the content of each file."""
    for metric in metrics:
        yield from draw_curves(metric, METRICS[metric].title, curves.measured(means, metric))


def draw_curves(
    stem: str, title: str, measured: dict[str, Curve], references: Sequence[Reference] = ()
) -> Iterator[tuple[str, bytes]]:
    """Draw one plot; yield a file named after ``stem`` for each format.

    ``title`` is that of the vertical axis. Reference curves are dashed, and the plot names their
    sources.
    """
    import matplotlib

    figure = _figure(title, measured, references)
    for suffix in FORMATS:
        out = io.BytesIO()
        # No date and no random identifiers: the same plot is the same file.
        with matplotlib.rc_context({"svg.hashsalt": "lbic"}):
            figure.savefig(out, format=suffix, dpi=150, metadata={"Date": None} if suffix == "svg" else None)
        yield f"{stem}.{suffix}", out.getvalue()


def _figure(title: str, measured: dict[str, Curve], references: Sequence[Reference]) -> Figure:
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="bits per pixel", ylabel=title)
    axes.grid(alpha=0.3)
    # Tab20 holds ten colours, each followed by a lighter one. The lighter ones are used last.
    axes.set_prop_cycle(color=[colormaps["tab20"](index) for index in (*range(0, 20, 2), *range(1, 20, 2))])
    for name, curve in measured.items():
        axes.plot(*zip(*curve, strict=True), marker="o", markersize=3, label=name)
    if measured:
        rates = [bpp for curve in measured.values() for bpp, _ in curve]
        sources = _draw_references(axes, references, (min(rates) / _MARGIN, max(rates) * _MARGIN))
        figure.legend(loc="outside right upper", fontsize="small")
        if sources:
            figure.supxlabel("\n".join(["dashed: published figures", *sources]), fontsize=6)
    return figure


def _draw_references(axes: Axes, references: Sequence[Reference], rates: tuple[float, float]) -> list[str]:
    """Draw the reference curves between two rates; return the sources of those drawn."""
    sources: dict[str, None] = {}
    for reference, marker in zip(references, cycle("x+1234"), strict=False):
        points = [point for point in reference.curve if rates[0] <= point[0] <= rates[1]]
        if points:
            style: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 0.8, "marker": marker}
            axes.plot(*zip(*points, strict=True), label=reference.title, **style)
            sources[reference.source] = None
    return list(sources)
