"""The page of Table I of Jia et al.: the table, the curves of Figures 3 and 5, and seconds."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from benchmarks.evaluations import write_files
from benchmarks.presets import TABLE1
from benchmarks.report import PAGE, ROWS, head
from benchmarks.table1 import ARCNN_FIRST, PICTURES, RATES, WAYS, Points, Way, find_pictures, joined, measure, rows
from lbic.enhance.types import parse
from lbic.errors import LbicError, MissingError
from lbic.evaluate import plots, tables
from lbic.evaluate.curves import Curve
from lbic.metrics.psnr import luma
from lbic.system import python, temporary

Results = dict[Way, list[Points]]
"""The points of every picture for each way."""
_SIZE = (288, 344)
"""The picture that the paper measures seconds on, in pixels."""
_PAPER_SECONDS = 2.39
_REPEATS = 3
_METRIC = "luma PSNR, dB"
_FIGURES = {
    "figure3": "Figure 3",
    "figure5": "Figure 5: ARCNN after the enlargement (the paper's text) and before it (its caption)",
}


def write(pictures: Path, folder: Path) -> None:
    """Measure Table I, print it, and write the page; files of an earlier run are replaced.

    Raises LbicError where a picture is missing or cannot be read: a mean over other pictures is
    another table.
    """
    if sentence := plots.missing():
        raise MissingError(sentence)
    paths = find_pictures(pictures)
    results = []
    for path in paths:
        try:
            results.append(measure(path.read_bytes(), WAYS))
        except LbicError as error:
            raise LbicError(f"{path.name}: {error}") from error
        sys.stderr.write(f"{path.name}\n")
    points = joined(results)
    sys.stdout.write(f"{table(points)}\n")
    write_files(folder, files(points, process_seconds(paths[-1])))


def files(results: Results, seconds: tuple[float, float]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file of the page; ``seconds`` are process_seconds."""
    parts = [*head(TABLE1), table(results)]
    parts += [f"## {title}\n\n![{title}]({name}.svg)" for name, title in _FIGURES.items()]
    parts += ["## Seconds", _seconds(*seconds)]
    yield PAGE, ("\n\n".join(parts) + "\n").encode()
    yield ROWS, _json(results, seconds)
    means = {name: _curve(values) for name, values in rows(results)}
    yield from plots.draw_curves("figure3", _METRIC, {name: curve for name, curve in means.items() if curve})
    order = {name: means[name] for name in (str(Way("jpeg", 32, parse("sr+ar"))), str(ARCNN_FIRST), ARCNN_FIRST.plain)}
    yield from plots.draw_curves("figure5", _METRIC, order)


def table(results: Results) -> str:
    """Return Markdown with a row for each way: means over the pictures at RATES."""
    body = []
    for name, means in rows(results):
        reached = [mean for mean in means if mean is not None]
        overall = f"{sum(reached) / len(reached):.2f}" if len(reached) == len(means) else ""
        body.append([name, *("out of reach" if mean is None else f"{mean:.2f}" for mean in means), overall])
    return tables.aligned([_METRIC, *(f"{rate:.2f} bpp" for rate in RATES), "mean"], body)


def process_seconds(path: Path) -> tuple[float, float]:
    """Return the seconds of ``lbic compress`` and ``lbic decompress`` with type 6.

    Each is a process, and the picture is a crop of 288x344 pixels.
    """
    with Image.open(path) as image, temporary.folder() as folder:
        left, top = (image.width - _SIZE[0]) // 2, (image.height - _SIZE[1]) // 2
        picture, coded, restored = (folder / file for file in ("a.png", "a.lbic", "b.png"))
        Image.fromarray(luma(image)).crop((left, top, left + _SIZE[0], top + _SIZE[1])).save(picture)
        compress = ("compress", "--codec", "jpeg", "--scale", "2", "--type", "6", picture, "-o", coded)
        decompress = ("decompress", coded, "-o", restored)
        return _least_seconds(compress), _least_seconds(decompress)


def _least_seconds(words: Sequence[str | Path]) -> float:
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        command = python.command("-m", "lbic", *map(str, words), "-f", "--quiet")
        subprocess.run(command, env=python.environment(), check=True)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _seconds(compress: float, decompress: float) -> str:
    width, height = _SIZE
    return (
        f"A {width}x{height} picture, jpeg at scale 2 with type 6, whole processes, the fastest of {_REPEATS} runs: "
        f"{compress:.2f} s to compress, {decompress:.2f} s to decompress with both networks. The paper reports "
        f"{_PAPER_SECONDS} s on its authors' machine."
    )


def _json(results: Results, seconds: tuple[float, float]) -> bytes:
    records = [
        {
            "image": image,
            "way": str(way),
            "bpp": rate,
            "plain": point and point.plain,
            "enhanced": point and point.enhanced,
        }
        for way, pictures in results.items()
        for image, points in zip(PICTURES, pictures, strict=True)
        for rate, point in zip(RATES, points, strict=True)
    ]
    content = {"rows": records, "seconds": dict(zip(("compress", "decompress"), seconds, strict=True))}
    return (json.dumps(content, indent=1) + "\n").encode()


def _curve(values: Sequence[float | None]) -> Curve:
    return [(rate, value) for rate, value in zip(RATES, values, strict=True) if value is not None]
