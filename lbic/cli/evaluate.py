"""lbic evaluate"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from lbic import fileio
from lbic.cli import batch, options, parameters, wording
from lbic.cli.report import Outcome, Report, Talk
from lbic.container import SCALE_ONE
from lbic.enhance import catalog
from lbic.enhance.session import Runtime
from lbic.enhance.types import EnhancementType
from lbic.errors import ExitCode, LbicError, MissingError, UsageError
from lbic.evaluate import anchors, cache, peers, plan, plots, runner, tables
from lbic.evaluate.bdrates import bd_rates
from lbic.evaluate.cache import Cache
from lbic.evaluate.plan import Plan
from lbic.evaluate.runner import Row
from lbic.fileio import Source
from lbic.metrics import table

_WRITERS = {"--json": tables.to_json, "--csv": tables.to_csv}


@dataclass(frozen=True)
class Outputs:
    """What is written besides the table: files by the option that names them, and plots in a folder."""

    files: dict[str, Path]
    plots: Path | None
    anchors: str | None
    force: bool

    def check(self, given: Plan, sources: Sequence[Source]) -> None:
        """Raise before any work where something could not be written: UsageError, FileError or MissingError."""
        if self.anchors and not self.plots:
            raise UsageError("--anchors are drawn by --plot DIR")
        targets = [*self.files.items(), *(("--plot", path) for path in self._plots(given))]
        fileio.refuse_conflicts(targets, sources)
        for option, path in targets:
            fileio.check_target(path, force=self.force, made=option == "--plot")
        if self.plots and (sentence := plots.missing()):
            raise MissingError(sentence)

    def write(self, given: Plan, rows: Sequence[Row]) -> None:
        for option, path in self.files.items():
            fileio.write(path, _WRITERS[option](rows))
        if self.plots:
            fileio.make_folder(self.plots)
            published = anchors.sets()[self.anchors] if self.anchors else ()
            for name, data in plots.draw(tables.means(rows), [metric.name for metric in given.metrics], published):
                fileio.write(self.plots / name, data)

    def _plots(self, given: Plan) -> Iterator[Path]:
        if self.plots:
            yield from (self.plots / name for name in plots.names(metric.name for metric in given.metrics))


@click.command()
@click.option(
    "--codec",
    "codecs",
    multiple=True,
    required=True,
    metavar="NAME:Q,...",
    help="Codec and its qualities, as in vvc:37 or jpeg:10,20; may be given several times. "
    f"A format's own file by its own encoder: {peers.quality_table()}.",
)
@click.option(
    "--type",
    "kinds",
    type=parameters.Joined(parameters.TypeParameter()),
    default="0",
    metavar="T,...",
    help=f"Enhancement types to decode with, joined by commas; default 0. By number or name: {parameters.TYPE_LIST}.",
)
@click.option(
    "--scale",
    "scales",
    type=parameters.Joined(parameters.NumberParameter(1, 4)),
    default="1",
    metavar="1..4,...",
    help="Scales to code at, joined by commas; default 1.",
)
@options.metrics_option
@options.effort_option
@options.runtime_options
@click.option(
    "--json", "json_file", type=parameters.FILE, metavar="FILE", help="Write rows, means and BD-rates as JSON."
)
@click.option("--csv", "csv_file", type=parameters.FILE, metavar="FILE", help="Write every row as CSV.")
@click.option(
    "--plot",
    "plot_folder",
    type=parameters.FILE,
    metavar="DIR",
    help="Draw each metric against bits per pixel, as SVG and PNG (needs matplotlib: the extra plot).",
)
@click.option(
    "--anchors",
    "published",
    type=click.Choice(list(anchors.sets())),
    help="Draw published curves for this set of pictures too, dashed; they are true for no other.",
)
@click.option(
    "--cache",
    "cache_folder",
    type=parameters.FILE,
    metavar="DIR",
    help="Where results are kept for the next run; default a folder among the user's caches. It may be deleted.",
)
@click.option("--no-cache", is_flag=True, help="Compute everything, keep nothing.")
@options.force_option
@options.jobs_option
@options.quiet_options
@options.inputs_argument
def evaluate(
    inputs: tuple[str, ...],
    codecs: tuple[str, ...],
    kinds: tuple[EnhancementType, ...],
    scales: tuple[int, ...],
    metrics: tuple[str, ...],
    effort: int,
    runtime: Runtime,
    json_file: str | None,
    csv_file: str | None,
    plot_folder: str | None,
    published: str | None,
    cache_folder: str | None,
    no_cache: bool,
    force: bool,
    jobs: int,
    talk: Talk,
) -> ExitCode:
    """Measure size and quality over a folder of pictures.

    IN is a folder (gone through to its depth) or a picture. Every picture is compressed at every quality
    and scale, and decompressed with every type; the means go to stdout as a Markdown table. bpp counts
    whole files.

    Other formats (file:NAME) are coded at their best effort, at scale 1, and decoded by their own decoders
    alone; file:vvc and file:vtm are the bare streams of lbic's codecs, at --effort. The quality of file:jp2
    is how many times smaller than the picture's samples the file is to be.

    PSNR is over R, G and B; PSNR-Y over 8-bit luma as MATLAB's rgb2ycbcr makes it; SSIM and MS-SSIM are of
    gray as its rgb2gray makes it. LPIPS (AlexNet, or SqueezeNet; lower is better) needs PyTorch and the
    weights in the folder that LBIC_WEIGHTS names. NIQE, Ma and PI (lower is better, but for Ma) are of luma
    less 4 pixels on each side, as the PIRM challenge has it. Codecs, scales and types with two qualities or
    more also get their BD-rates: the mean over pictures of how many percent more bytes than the first one
    they need at the same PSNR.

    What an earlier run computed of the same picture with the same lbic, encoder and networks is not
    computed again, and its seconds are that run's. Seconds are only worth reading with --no-cache and
    -j 1 on an idle machine.
    """
    measured, notes = table.chosen(metrics)
    given = Plan(
        codings=plan.codings(codecs, [SCALE_ONE * scale for scale in scales]),
        types=kinds,
        metrics=measured,
        effort=effort,
        runtime=runtime,
    )
    if no_cache and cache_folder:
        raise UsageError("--cache and --no-cache exclude each other")
    kept = Cache(None if no_cache else Path(cache_folder) if cache_folder else cache.default_folder())
    sources = fileio.expand(inputs, recursive=True, suffixes=fileio.PICTURES)
    files = {option: Path(name) for option, name in (("--json", json_file), ("--csv", csv_file)) if name}
    outputs = Outputs(files, Path(plot_folder) if plot_folder else None, published, force)
    outputs.check(given, sources)
    for sentence in plan.missing(given):
        raise MissingError(sentence)
    for kind in kinds:
        catalog.load().require(kind)

    rows: dict[str, list[Row]] = {}
    report = Report("evaluated", len(sources), talk, steps=given.steps)
    for note in notes:
        report.note(note)

    def work(source: Source) -> Outcome:
        started = time.perf_counter()
        try:
            rows[source.name] = runner.evaluate(source.name, source.read(), given, kept, report.advance)
        except LbicError as error:
            rows[source.name] = runner.failed(source.name, given, str(error))
            for _ in rows[source.name]:
                report.advance()
            raise
        for row in rows[source.name]:
            if row.error:
                raise LbicError(f"{row.codec} q {row.q}, type {row.type}: {row.error}")
        return Outcome(_line(source.name, rows[source.name], time.perf_counter() - started), {})

    code = batch.run(sources, work, report, workers=jobs)
    ordered = [row for source in sources for row in rows[source.name]]
    click.echo(tables.markdown(tables.means(ordered)))
    if compared := bd_rates(ordered):
        click.echo("\n" + tables.bd_markdown(compared))
    outputs.write(given, ordered)
    return code


def _line(name: str, rows: Sequence[Row], duration: float) -> str:
    """a.png  2.1 s  4 of 6 results kept from earlier"""
    kept = sum(row.kept for row in rows)
    return wording.join(
        name, wording.seconds(duration), f"{kept} of {len(rows)} results kept from earlier" if kept else ""
    )
