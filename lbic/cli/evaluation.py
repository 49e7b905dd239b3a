"""The options of ``lbic evaluate`` for its results: the files it writes and the cache it reads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lbic.cli import jobs
from lbic.cli.inputs import STDIO, Source
from lbic.cli.options import force_option
from lbic.cli.parameters import FILE
from lbic.errors import MissingError, UsageError
from lbic.evaluate import cache, plots, tables
from lbic.evaluate.bdrates import BdRate
from lbic.evaluate.cache import Cache
from lbic.evaluate.runner import Row
from lbic.system import files

Function = Callable[..., Any]


@dataclass(frozen=True)
class Outputs:
    """What the command writes besides the tables on stdout."""

    json: Path | None
    csv: Path | None
    plots: Path | None
    """The folder of the plots."""
    force: bool
    """Replace existing files."""

    def check(self, metrics: Iterable[str], sources: Sequence[Source]) -> None:
        """Raise UsageError, FileError or MissingError where an output cannot be written."""
        named = [(option, path) for option, path in (("--json", self.json), ("--csv", self.csv)) if path]
        for option, path in named:
            if str(path) == STDIO:
                raise UsageError(f"{option} takes the name of a file; stdout has the table")
        drawn = [("--plot", self.plots / name) for name in plots.names(metrics)] if self.plots else []
        jobs.refuse_conflicts([*named, *drawn], sources)
        for option, path in [*named, *drawn]:
            files.check_target(path, force=self.force, made=option == "--plot")
        if drawn and (sentence := plots.missing()):
            raise MissingError(sentence)

    def write(self, rows: Sequence[Row], rates: Sequence[BdRate], metrics: Sequence[str]) -> None:
        """Write the files that the user named, and the plots."""
        if self.json:
            files.write(self.json, tables.to_json(rows, rates))
        if self.csv:
            files.write(self.csv, tables.to_csv(rows))
        if self.plots:
            files.make_folder(self.plots)
            for name, data in plots.draw(tables.means(rows), metrics):
                files.write(self.plots / name, data)


def output_options(function: Function) -> Function:
    """Add --json, --csv, --plot and -f; the function gets them as ``outputs``."""

    @click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write rows, means and BD-rates as JSON.")
    @click.option("--csv", "csv_file", type=FILE, metavar="FILE", help="Write every row as CSV.")
    @click.option(
        "--plot",
        "plot_folder",
        type=FILE,
        metavar="DIR",
        help="Draw each metric against bits per pixel, as SVG and PNG (needs matplotlib: the extra plot).",
    )
    @force_option
    @functools.wraps(function)
    def wrapper(
        *args: Any, json_file: str | None, csv_file: str | None, plot_folder: str | None, force: bool, **rest: Any
    ) -> Any:
        json, csv, folder = (Path(name) if name else None for name in (json_file, csv_file, plot_folder))
        return function(*args, outputs=Outputs(json, csv, folder, force), **rest)

    return wrapper


def cache_options(function: Function) -> Function:
    """Add --cache and --no-cache; the function gets the cache that they choose as ``results``."""

    @click.option(
        "--cache",
        "folder",
        type=FILE,
        metavar="DIR",
        help="Keep results there for the next run; default a folder among the user's caches. It may be deleted.",
    )
    @click.option("--no-cache", is_flag=True, help="Compute everything, keep nothing.")
    @functools.wraps(function)
    def wrapper(*args: Any, folder: str | None, no_cache: bool, **rest: Any) -> Any:
        return function(*args, results=_cache(folder, no_cache), **rest)

    return wrapper


def _cache(folder: str | None, no_cache: bool) -> Cache:
    if no_cache and folder:
        raise UsageError("--cache and --no-cache exclude each other")
    if folder and Path(folder).exists() and not Path(folder).is_dir():
        raise UsageError(f"--cache {folder} is not a folder")
    return Cache(None if no_cache else Path(folder) if folder else cache.default_folder())
