"""``lbic train plot``: draw the gain over the codec's picture against steps, from log.jsonl."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from lbic.errors import FileError, MissingError, NoGainsError
from lbic.train.log import LOG

Curve = list[tuple[int, float]]
"""The gain in dB after each logged step: (step, gain)."""


def curves(run: Path) -> dict[str, Curve]:
    """Return the curve of each validation quality of a run.

    Raises FileError if the run's log is missing or cannot be read.
    """
    by_quality: dict[str, Curve] = defaultdict(list)
    try:
        for text in (run / LOG).read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            for quality, gain in line["gain"].items():
                by_quality[quality].append((line["step"], gain))
    except (OSError, ValueError, KeyError) as error:
        raise FileError(f"{run / LOG}: not a readable log: {error}") from error
    return dict(by_quality)


def plot(runs: list[Path], output: Path) -> None:
    """Draw the curves of several runs into one file.

    The suffix of ``output`` chooses the format: .svg, .png or .pdf. Raises MissingError if
    matplotlib is not installed, NoGainsError if a log holds no gains, and FileError if a log
    cannot be read or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingError("plots need matplotlib: pip install 'lbic[train]'") from error
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for run in runs:
        by_quality = curves(run)
        if not by_quality:
            raise NoGainsError(f"{run / LOG}: holds no gains: the network was trained without validation pictures")
        for quality, curve in by_quality.items():
            axes.plot(*zip(*curve, strict=True), label=f"{run.name}, quality {quality}")
    axes.set(xlabel="steps", ylabel="PSNR gain over the codec's picture, dB")
    axes.axhline(0, color="gray", linewidth=0.5)
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        figure.savefig(output)
    except (OSError, ValueError) as error:
        raise FileError(f"{output}: cannot write: {error}") from error
