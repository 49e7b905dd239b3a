"""Rate-distortion plots: for each metric its mean over the pictures against bits per pixel, as SVG and PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import cycle
from typing import TYPE_CHECKING, Any

from lbic.enhance.types import TYPES
from lbic.evaluate.anchors import Anchor
from lbic.evaluate.tables import Mean
from lbic.metrics.table import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
_ROOM = 1.5
"""How far, as a factor of bits per pixel, published curves may go beyond ours."""

Curve = list[tuple[float, float]]


def missing() -> str | None:
    """What drawing lacks on this machine, a sentence; None when nothing."""
    return None if find_spec("matplotlib") else "plots need matplotlib: pip install 'lbic[plot]'"


def names(metrics: Iterable[str]) -> list[str]:
    """The files that ``draw`` makes for these metrics."""
    return [f"{metric}.{suffix}" for metric in metrics for suffix in FORMATS]


def draw(means: Sequence[Mean], metrics: Iterable[str], anchors: Sequence[Anchor] = ()) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file; the published curves are dashed, each with its source."""
    import matplotlib

    for metric in metrics:
        figure = _figure(curves(means, metric), metric, anchors)
        for suffix in FORMATS:
            out = io.BytesIO()
            # The same picture is the same file: no date, no random identifiers.
            with matplotlib.rc_context({"svg.hashsalt": "lbic"}):
                figure.savefig(out, format=suffix, dpi=150, metadata={"Date": None} if suffix == "svg" else None)
            yield f"{metric}.{suffix}", out.getvalue()


def curves(means: Sequence[Mean], metric: str) -> dict[str, Curve]:
    """Each codec, scale and type with its points (bpp, metric) from small to large; what is infinite has no place."""
    found: dict[str, Curve] = {}
    for mean in means:
        value = mean.metrics.get(metric)
        if mean.bpp is not None and value is not None and math.isfinite(value):
            found.setdefault(_title(mean), []).append((mean.bpp, value))
    return {title: sorted(curve) for title, curve in found.items()}


def _title(mean: Mean) -> str:
    scale = f", scale {mean.scale:g}" if mean.scale != 1 else ""
    kind = f", type {TYPES[mean.type]}" if mean.type else ""
    return f"{mean.codec}{scale}{kind}"


def _figure(ours: dict[str, Curve], metric: str, anchors: Sequence[Anchor]) -> Figure:
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="bits per pixel", ylabel=METRICS[metric].title)
    axes.grid(alpha=0.3)
    # Tab20 has ten colours and their lighter sisters: the sisters come last.
    axes.set_prop_cycle(color=[colormaps["tab20"](index) for index in (*range(0, 20, 2), *range(1, 20, 2))])
    for title, curve in ours.items():
        axes.plot(*zip(*curve, strict=True), marker="o", markersize=3, label=title)
    if ours:
        rates = [bpp for curve in ours.values() for bpp, _ in curve]
        sources = _draw_anchors(axes, anchors, metric, (min(rates) / _ROOM, max(rates) * _ROOM))
        figure.legend(loc="outside right upper", fontsize="small")
        if sources:
            figure.supxlabel("\n".join(["dashed: published figures", *sources]), fontsize=6)
    return figure


def _draw_anchors(axes: Axes, anchors: Sequence[Anchor], metric: str, within: tuple[float, float]) -> list[str]:
    """Draw what the published curves have of a metric between two rates; returns their sources."""
    drawn: dict[str, None] = {}
    for anchor, marker in zip(anchors, cycle("x+1234"), strict=False):
        points = [(point["bpp"], point[metric]) for point in anchor.points if metric in point]
        shown = [point for point in points if within[0] <= point[0] <= within[1]]
        if shown:
            style: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 0.8, "marker": marker}
            axes.plot(*zip(*shown, strict=True), label=f"{anchor.name} ({anchor.by})", **style)
            drawn[anchor.source] = None
    return list(drawn)
