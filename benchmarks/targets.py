"""Kodak at four target rates: how close --target-bpp comes, its cost, the gain of --scale auto."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from lbic import pipeline
from lbic.codecs.base import DEFAULT_EFFORT
from lbic.coding import SCALE_ONE
from lbic.errors import TargetError
from lbic.picture.load import Picture, load
from lbic.pipeline import CompressSettings
from lbic.rate import target
from lbic.rate.trials import Target

Result = TypeVar("Result")
RATES = (0.05, 0.1, 0.2, 0.4)
"""Bits per pixel."""
_TOLERANCE_DB = 0.02
"""How much worse than scale 1 the bar permits --scale auto to be."""


@dataclass(frozen=True)
class Row:
    """One picture at one rate."""

    rate: float
    """The target in bits per pixel."""
    target: int
    """The target in bytes."""
    size: int
    """Bytes of the file."""
    scale: int
    """The chosen scale, in sixteenths."""
    gain: float
    """RGB-PSNR in dB over the same search at scale 1."""
    cost: float
    """CPU seconds of the search over those of a plain compress at the default quality."""

    @property
    def shortfall(self) -> float:
        """The unused part of the target in percent; negative for a file above it."""
        return 100 * (1 - self.size / self.target)


def measure(folder: Path, rates: Sequence[float] = RATES) -> str:
    """Return Markdown: a row for each rate, and one for all."""
    return table([row(path, rate) for rate in rates for path in sorted(folder.glob("kodim*.png"))])


def row(path: Path, rate: float) -> Row:
    """Compress one picture to one rate, as ``lbic compress --target-bpp`` does."""
    picture = load(path.read_bytes())
    goal = Target(size=int(rate * picture.image.width * picture.image.height / 8))
    settings = CompressSettings("vvc", effort=DEFAULT_EFFORT)
    plain, _ = _cpu_seconds(lambda: pipeline.compress(picture, settings))
    cost, chosen = _cpu_seconds(lambda: _search(picture, settings, goal))
    gain = 0.0
    if chosen.scale != SCALE_ONE:
        try:
            gain = chosen.psnr - target.reach(picture, settings, goal, [SCALE_ONE]).psnr
        except TargetError:
            gain = np.inf
    sys.stderr.write(f"{path.name} {rate:g} bpp: scale {chosen.scale / SCALE_ONE:g}, {gain:+.2f} dB\n")
    return Row(rate, goal.size or 0, len(chosen.file.data), chosen.scale, gain, cost / plain)


def _search(picture: Picture, settings: CompressSettings, goal: Target) -> target.Reached:
    """Return the best scale that reaches a target, with its file made."""
    reached = target.reach(picture, settings, goal, target.SCALES)
    assert reached.file
    return reached


def _cpu_seconds(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the CPU seconds of some work, with those of programs it starts, and its result."""
    before = os.times()
    result = work()
    after = os.times()
    return sum(after[:4]) - sum(before[:4]), result


def table(rows: Sequence[Row]) -> str:
    """Return rows as Markdown, grouped by rate."""
    groups = [(f"{rate:g} bpp", [row for row in rows if row.rate == rate]) for rate in sorted({r.rate for r in rows})]
    lines = [
        "| target | files at or below | shortfall, mean | at worst | scales chosen | gain over scale 1, mean "
        f"| at worst | worse by over {_TOLERANCE_DB} dB | CPU time of a plain compress, mean | at worst |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_line(name, group) for name, group in groups),
        _line("**all**", rows),
    ]
    return "\n".join(lines)


def _line(name: str, rows: Sequence[Row]) -> str:
    below = sum(row.size <= row.target for row in rows)
    gains = [row.gain for row in rows]
    worse = sum(gain < -_TOLERANCE_DB for gain in gains)
    return (
        f"| {name} | {below} of {len(rows)} | {np.mean([row.shortfall for row in rows]):.1f} % "
        f"| {max(row.shortfall for row in rows):.1f} % | {_scales(row.scale for row in rows)} "
        f"| {np.mean(gains):+.3f} dB | {min(gains):+.3f} dB | {worse} "
        f"| {np.mean([row.cost for row in rows]):.1f} times | {max(row.cost for row in rows):.1f} times |"
    )


def _scales(scales: Iterable[int]) -> str:
    """Return how often each scale was chosen, as in ``1 (20), 1.5 (4)``."""
    values, counts = np.unique(list(scales), return_counts=True)
    return ", ".join(f"{value / SCALE_ONE:g} ({count})" for value, count in zip(values, counts, strict=True))
