"""The metrics a picture can be measured with, one row each: adding a row is all that a new metric needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PIL import Image

from lbic.metrics import lpips
from lbic.metrics.niqe import niqe, pirm_luma
from lbic.metrics.psnr import luma, psnr_luma, psnr_rgb, rgb


@dataclass(frozen=True)
class Metric:
    """One row.

    ``name`` is the word on the command line and the key in files, ``title`` the head of its column, ``digits`` how
    many decimals are shown. ``measure`` takes the original and another picture of its size, neither with alpha; None
    where the metric is not defined (the picture is too small). ``missing`` is a sentence on what it lacks on this
    machine, None when nothing.
    """

    name: str
    title: str
    digits: int
    measure: Callable[[Image.Image, Image.Image], float | None]
    missing: Callable[[], str | None] = lambda: None


def _lpips(reference: Image.Image, other: Image.Image) -> float | None:
    return lpips.lpips(rgb(reference), rgb(other)) if min(reference.size) >= lpips.LEAST_SIDE else None


def _niqe(_: Image.Image, other: Image.Image) -> float | None:
    """By the PIRM protocol, see niqe.pirm_luma."""
    try:
        value = niqe(pirm_luma(luma(other)))
    except ValueError:  # too small
        return None
    return None if math.isnan(value) else value


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr", "PSNR", 2, psnr_rgb),
        Metric("psnr_y", "PSNR-Y", 2, psnr_luma),
        Metric("lpips", "LPIPS", 4, _lpips, lpips.missing),
        Metric("niqe", "NIQE", 3, _niqe),
    )
}
ALWAYS = (METRICS["psnr"], METRICS["psnr_y"])
"""They take no time worth saving."""


def chosen(names: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics of these names and those that are always measured, in the table's order."""
    wanted = {*names, *(metric.name for metric in ALWAYS)}
    return tuple(metric for metric in METRICS.values() if metric.name in wanted)
