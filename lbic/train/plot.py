"""The course of a training as a picture: gain over the codec's picture against steps, from log.jsonl."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from lbic.errors import FileError, MissingError, NoGainsError
from lbic.train.loop import LOG

Curve = list[tuple[int, float]]


def curves(run: Path) -> dict[str, Curve]:
    """Gain in dB by quality, each as (step, gain) points; FileError when the run has no readable log."""
    found: dict[str, Curve] = defaultdict(list)
    try:
        for text in (run / LOG).read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            for quality, gain in line["gain"].items():
                found[quality].append((line["step"], gain))
    except (OSError, ValueError, KeyError) as error:
        raise FileError(f"{run / LOG}: not a readable log: {error}") from error
    return dict(found)


def plot(runs: list[Path], output: Path) -> None:
    """Draw the logs of run folders into one file, whose suffix chooses the format (.svg, .png, .pdf).

    Raises MissingError without matplotlib, FileError when a log cannot be read or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingError("plots need matplotlib: pip install 'lbic[train]'") from error
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for run in runs:
        found = curves(run)
        if not found:
            raise NoGainsError(f"{run / LOG}: no gains recorded")
        for quality, curve in found.items():
            axes.plot(*zip(*curve, strict=True), label=f"{run.name}, quality {quality}")
    axes.set(xlabel="steps", ylabel="PSNR gain over the codec's picture, dB")
    axes.axhline(0, color="gray", linewidth=0.5)
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        figure.savefig(output)
    except (OSError, ValueError) as error:
        raise FileError(f"{output}: cannot write: {error}") from error
