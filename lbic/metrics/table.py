"""The metrics a picture can be measured with, one row each: adding a row is all that a new metric needs."""

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
from lbic.system import weights

Measure = Callable[[Image.Image, Image.Image], float | None]


@dataclass(frozen=True)
class Metric:
    """One row.

    ``name`` is the word on the command line and the key in files, ``title`` the head of its column, ``digits`` how
    many decimals are shown. ``measure`` takes the original and another picture of its size, neither with alpha; None
    where the metric is not defined (the picture is too small). ``missing`` is a sentence on what it lacks on this
    machine, None when nothing; ``instead`` is the metric to be content with then, where there is one. ``stamp`` tells
    the weights that it goes by from others.
    """

    name: str
    title: str
    digits: int
    measure: Measure
    missing: Callable[[], str | None] = lambda: None
    instead: str | None = None
    lower_is_better: bool = False
    stamp: Callable[[], str] = lambda: ""


def _of_gray(measure: Callable[[NDArray[Any], NDArray[Any]], float]) -> Measure:
    """A metric of gray planes that raises ValueError for small ones."""
    return lambda reference, other: _defined(lambda: measure(gray(reference), gray(other)))


def _of_pirm(measure: Callable[[NDArray[Any]], float]) -> Measure:
    """A metric without a reference, by the PIRM protocol (see niqe.pirm_luma)."""
    return lambda _, other: _defined(lambda: measure(pirm_luma(luma(other))))


def _defined(measure: Callable[[], float]) -> float | None:
    try:
        value = measure()
    except ValueError:  # too small
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
    return f"{reason}; {ma.HOW}" if reason else None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr", "PSNR", 2, psnr_rgb),
        Metric("psnr_y", "PSNR-Y", 2, psnr_luma),
        Metric("ssim", "SSIM", 4, _of_gray(ssim)),
        Metric("ms_ssim", "MS-SSIM", 4, _of_gray(ms_ssim)),
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
"""They take no time worth saving."""


def chosen(names: Iterable[str]) -> tuple[tuple[Metric, ...], tuple[str, ...]]:
    """The metrics of these names and those that are always measured, in the table's order, and what to know of them.

    One that is missing here gives way to the one it has ``instead``, with its sentence as a note. Raises MissingError
    with the sentence of one that has none.
    """
    wanted = {metric.name for metric in ALWAYS}
    notes = []
    for metric in (METRICS[name] for name in names):
        sentence = metric.missing()
        if sentence and not metric.instead:
            raise MissingError(sentence)
        wanted.add(metric.instead if sentence and metric.instead else metric.name)
        notes += [sentence] if sentence else []
    return tuple(metric for metric in METRICS.values() if metric.name in wanted), tuple(notes)
