"""What ``lbic evaluate`` writes besides the table on stdout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lbic.cli import jobs
from lbic.cli.jobs import Source
from lbic.errors import MissingError, UsageError
from lbic.evaluate import anchors, plots, report, tables
from lbic.evaluate.anchors import Anchor
from lbic.evaluate.bdrates import bd_rates
from lbic.evaluate.presets import Preset
from lbic.evaluate.runner import Row
from lbic.system import files as writing

_WRITERS: dict[str, Callable[[Sequence[Row]], bytes]] = {"--json": tables.to_json, "--csv": tables.to_csv}


@dataclass(frozen=True)
class Outputs:
    """Files by the option that names them, plots in a folder, and a preset's report in another."""

    files: dict[str, Path]
    plots: Path | None
    report: Path | None
    anchors: str | None
    force: bool

    def check(self, metrics: Iterable[str], sources: Sequence[Source]) -> None:
        """Raise before any work where something could not be written: UsageError, FileError or MissingError."""
        for option, path in self.files.items():
            if str(path) == jobs.STDIO:
                raise UsageError(f"{option} needs a name: stdout has the table")
        if self.anchors and not (self.plots or self.report):
            raise UsageError("--anchors are drawn by --plot DIR")
        drawn = plots.names(metrics)
        folders = {"--plot": (self.plots, drawn), "--report": (self.report, [report.PAGE, report.ROWS, *drawn])}
        check(self.files, folders, sources, force=self.force)

    def write(self, rows: Sequence[Row], metrics: Sequence[str], preset: Preset | None) -> None:
        """Write all of them."""
        for option, path in self.files.items():
            writing.write(path, _WRITERS[option](rows))
        published = anchors.sets()[self.anchors] if self.anchors else ()
        for folder in filter(None, (self.plots, self.report)):
            write_folder(folder, plots.draw(tables.means(rows), metrics, published))
        if self.report and preset:
            write_folder(self.report, _report(rows, metrics, preset, published))


def _report(
    rows: Sequence[Row], metrics: Sequence[str], preset: Preset, published: Sequence[Anchor]
) -> Iterator[tuple[str, bytes]]:
    page = report.page(preset, tables.means(rows), bd_rates(rows), published, plots.names(metrics))
    yield report.PAGE, page.encode()
    # It is shown to others: pictures go by their own names, without the folders that they lie in here.
    yield report.ROWS, tables.to_json(rows, lambda name: Path(name).name)


def check(
    files: dict[str, Path],
    folders: Mapping[str, tuple[Path | None, Sequence[str]]],
    sources: Sequence[Source],
    *,
    force: bool,
) -> None:
    """Raise where files, or files in folders with plots, all by their options, could not be written."""
    made = [(option, folder / name) for option, (folder, names) in folders.items() if folder for name in names]
    jobs.refuse_conflicts([*files.items(), *made], sources)
    for option, path in [*files.items(), *made]:
        writing.check_target(path, force=force, made=option in folders)
    if made and (sentence := plots.missing()):
        raise MissingError(sentence)


def write_folder(folder: Path, content: Iterable[tuple[str, bytes]]) -> None:
    """Write files into a folder, which is made when it is missing."""
    writing.make_folder(folder)
    for name, data in content:
        writing.write(folder / name, data)
