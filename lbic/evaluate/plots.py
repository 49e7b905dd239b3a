"""Rate-distortion plots: for each metric its mean over the pictures against bits per pixel, as SVG and PNG."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import cycle
from typing import TYPE_CHECKING, Any

from lbic.evaluate import curves
from lbic.evaluate.anchors import Anchor
from lbic.evaluate.curves import Curve, Published
from lbic.evaluate.tables import Mean
from lbic.metrics.table import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
_ROOM = 1.5
"""How far, as a factor of bits per pixel, published curves may go beyond ours."""


def missing() -> str | None:
    """What drawing lacks on this machine, a sentence; None when nothing."""
    return None if find_spec("matplotlib") else "plots need matplotlib: pip install 'lbic[plot]'"


def names(metrics: Iterable[str]) -> list[str]:
    """The files that ``draw`` makes for these metrics."""
    return [f"{metric}.{suffix}" for metric in metrics for suffix in FORMATS]


def draw(means: Sequence[Mean], metrics: Iterable[str], anchors: Sequence[Anchor] = ()) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file; the published curves are dashed, each with its source."""
    for metric in metrics:
        ours, others = curves.measured(means, metric), curves.published(anchors, metric)
        yield from draw_curves(metric, METRICS[metric].title, ours, others)


def draw_curves(
    stem: str, title: str, ours: dict[str, Curve], others: Sequence[Published] = ()
) -> Iterator[tuple[str, bytes]]:
    """One plot in every format, named after ``stem``; ``title`` is that of the axis."""
    import matplotlib

    figure = _figure(title, ours, others)
    for suffix in FORMATS:
        out = io.BytesIO()
        # The same picture is the same file: no date, no random identifiers.
        with matplotlib.rc_context({"svg.hashsalt": "lbic"}):
            figure.savefig(out, format=suffix, dpi=150, metadata={"Date": None} if suffix == "svg" else None)
        yield f"{stem}.{suffix}", out.getvalue()


def _figure(title: str, ours: dict[str, Curve], others: Sequence[Published]) -> Figure:
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="bits per pixel", ylabel=title)
    axes.grid(alpha=0.3)
    # Tab20 has ten colours and their lighter sisters: the sisters come last.
    axes.set_prop_cycle(color=[colormaps["tab20"](index) for index in (*range(0, 20, 2), *range(1, 20, 2))])
    for name, curve in ours.items():
        axes.plot(*zip(*curve, strict=True), marker="o", markersize=3, label=name)
    if ours:
        rates = [bpp for curve in ours.values() for bpp, _ in curve]
        sources = _draw_published(axes, others, (min(rates) / _ROOM, max(rates) * _ROOM))
        figure.legend(loc="outside right upper", fontsize="small")
        if sources:
            figure.supxlabel("\n".join(["dashed: published figures", *sources]), fontsize=6)
    return figure


def _draw_published(axes: Axes, others: Sequence[Published], within: tuple[float, float]) -> list[str]:
    """Draw what the published curves have between two rates; returns their sources."""
    drawn: dict[str, None] = {}
    for other, marker in zip(others, cycle("x+1234"), strict=False):
        shown = [point for point in other.curve if within[0] <= point[0] <= within[1]]
        if shown:
            style: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 0.8, "marker": marker}
            axes.plot(*zip(*shown, strict=True), label=other.title, **style)
            drawn[other.source] = None
    return list(drawn)
