"""The table of metrics: to add a metric, add a row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from lbic.errors import MissingError
from lbic.metrics import lpips, ma, pi
from lbic.metrics.niqe import niqe, pirm_luma
from lbic.metrics.psnr import gray, luma, psnr_luma, psnr_rgb, rgb
from lbic.metrics.ssim import ms_ssim, ssim
from lbic.metrics.ssimulacra2 import ssimulacra2
from lbic.system import weights

Measure = Callable[[Image.Image, Image.Image], float | None]


@dataclass(frozen=True)
class Metric:
    """A metric of a picture, with or without a reference."""

    name: str
    """The word on the command line and the key in files."""
    title: str
    """The head of its column."""
    digits: int
    """How many decimals are shown."""
    measure: Measure
    """Takes the original and a picture of the same size, both without alpha.

    The result is None where the metric is not defined, such as for a picture that is too small.
    """
    missing: Callable[[], str | None] = lambda: None
    """Returns what the metric lacks on this machine, as a sentence; None when nothing is missing.
    """
    instead: str | None = None
    """The metric that replaces it when something is missing; None for no replacement."""
    lower_is_better: bool = False
    stamp: Callable[[], str] = lambda: ""
    """Returns a text that identifies the weights of the metric; empty when it has none."""


def _of_gray(measure: Callable[[NDArray[Any], NDArray[Any]], float]) -> Measure:
    """Wrap a metric of gray planes that raises ValueError for small ones."""
    return lambda reference, other: _defined(lambda: measure(gray(reference), gray(other)))


def _of_colour(measure: Callable[[NDArray[Any], NDArray[Any]], float]) -> Measure:
    """Wrap a metric of RGB pictures that raises ValueError for small ones."""
    return lambda reference, other: _defined(lambda: measure(rgb(reference), rgb(other)))


def _of_pirm(measure: Callable[[NDArray[Any]], float]) -> Measure:
    """Wrap a metric without a reference; it follows the PIRM protocol (see niqe.pirm_luma)."""
    return lambda _, other: _defined(lambda: measure(pirm_luma(luma(other))))


def _defined(measure: Callable[[], float]) -> float | None:
    try:
        value = measure()
    except ValueError:  # the picture is too small
        return None
    return None if math.isnan(value) else value


def _lpips(backbone: str) -> Measure:
    def measure(reference: Image.Image, other: Image.Image) -> float | None:
        small = min(reference.size) < lpips.LEAST_SIDE
        return None if small else lpips.lpips(rgb(reference), rgb(other), backbone)

    return measure


def _lpips_stamp(backbone: str) -> Callable[[], str]:
    return lambda: weights.stamp(*lpips.BACKBONES[backbone].files)


def _ma_stamp() -> str:
    return weights.stamp(ma.FILE)


def _ma_missing() -> str | None:
    reason = ma.missing()
    return f"{reason}; {ma.INSTALL}" if reason else None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr", "PSNR", 2, psnr_rgb),
        Metric("psnr_y", "PSNR-Y", 2, psnr_luma),
        Metric("ssim", "SSIM", 4, _of_gray(ssim)),
        Metric("ms_ssim", "MS-SSIM", 4, _of_gray(ms_ssim)),
        Metric("ssimulacra2", "SSIMULACRA2", 2, _of_colour(ssimulacra2)),
        Metric("lpips", "LPIPS", 4, _lpips("alex"), lpips.missing, lower_is_better=True, stamp=_lpips_stamp("alex")),
        Metric(
            "lpips_squeeze",
            "LPIPS-squeeze",
            4,
            _lpips("squeeze"),
            lambda: lpips.missing("squeeze"),
            lower_is_better=True,
            stamp=_lpips_stamp("squeeze"),
        ),
        Metric("niqe", "NIQE", 3, _of_pirm(niqe), lower_is_better=True),
        Metric("ma", "Ma", 3, _of_pirm(ma.ma), _ma_missing, stamp=_ma_stamp),
        Metric("pi", "PI", 3, _of_pirm(pi.pi), pi.missing, instead="niqe", lower_is_better=True, stamp=_ma_stamp),
    )
}
ALWAYS = (METRICS["psnr"], METRICS["psnr_y"])
"""Metrics that are always measured: they take little time."""


def chosen(names: Iterable[str]) -> tuple[tuple[Metric, ...], tuple[str, ...]]:
    """Return the metrics of these names and those of ALWAYS, in the table's order, and notes.

    A metric that is missing on this machine is replaced by its ``instead``, and a note says so.
    Raises MissingError for one without a replacement.
    """
    selected = {metric.name for metric in ALWAYS}
    notes = []
    for metric in (METRICS[name] for name in names):
        sentence = metric.missing()
        if sentence and not metric.instead:
            raise MissingError(sentence)
        selected.add(metric.instead if sentence and metric.instead else metric.name)
        notes += [sentence] if sentence else []
    return tuple(metric for metric in METRICS.values() if metric.name in selected), tuple(notes)
