"""lbic evaluate"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from lbic.cli import batch, options, parameters, table1, wording
from lbic.cli import jobs as fileio
from lbic.cli.evaluation import Outputs
from lbic.cli.jobs import Source
from lbic.cli.report import Outcome, Report, Talk
from lbic.enhance import catalog
from lbic.enhance.session import Runtime
from lbic.enhance.types import EnhancementType
from lbic.errors import ExitCode, LbicError, MissingError, UsageError
from lbic.evaluate import anchors, cache, peers, plan, runner, tables
from lbic.evaluate.bdrates import bd_rates
from lbic.evaluate.cache import Cache
from lbic.evaluate.plan import Plan
from lbic.evaluate.presets import PRESETS
from lbic.evaluate.runner import Row
from lbic.metrics import table

_KINDS = parameters.Joined(parameters.TypeParameter())
_OF_PRESET = {
    "codecs": "--codec",
    "kinds": "--type",
    "scales": "--scale",
    "metrics": "--metrics",
    "published": "--anchors",
}
"""What a preset decides: parameters and their options."""
_OF_CODINGS = {
    "effort": "--effort",
    "profile": "--profile",
    "device": "--device",
    "tile": "--tile",
    "json_file": "--json",
    "csv_file": "--csv",
    "plot_folder": "--plot",
    "cache_folder": "--cache",
    "no_cache": "--no-cache",
}
"""What a preset without codings of its own has no use for."""


@click.command()
@click.option(
    "--codec",
    "codecs",
    multiple=True,
    metavar="NAME:Q,...",
    help="Codec and its qualities, as in vvc:37, jpeg:10,20 or, with an effort of its own, vvc@4:37; may be given "
    "several times. "
    f"A format's own file by its own encoder: {peers.quality_table()}.",
)
@click.option(
    "--type",
    "kinds",
    type=_KINDS,
    default="0",
    metavar="T,...",
    help=f"Enhancement types to decode with, joined by commas; default 0. By number or name: {parameters.TYPE_LIST}.",
)
@click.option(
    "--scale",
    "scales",
    type=parameters.Joined(parameters.ScaleParameter()),
    default="1",
    metavar="1..4,...",
    help="Scales to code at, in steps of 1/16, joined by commas; default 1.",
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
    "--preset",
    "preset_name",
    type=click.Choice(list(PRESETS)),
    help="An evaluation of the documentation instead of --codec, --type, --scale, --metrics and --anchors: "
    f"{'; '.join(f'{preset.name}, {preset.title} ({preset.pictures})' for preset in PRESETS.values())}.",
)
@click.option(
    "--report",
    "report_folder",
    type=parameters.FILE,
    metavar="DIR",
    help="Write the preset's page, rows and plots there (needs matplotlib: the extra plot).",
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
    preset_name: str | None,
    report_folder: str | None,
    cache_folder: str | None,
    no_cache: bool,
    force: bool,
    jobs: int,
    talk: Talk,
) -> ExitCode:
    """Measure size and quality over a folder of pictures.

    IN is a folder (gone through to its depth) or a picture. Every picture is compressed at every quality
    and scale, and decompressed with every type; the means go to stdout as a Markdown table. bpp counts
    whole files; alpha, stored without loss, is left out, and no metric sees it.

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
    preset, left_out = PRESETS[preset_name] if preset_name else None, list[str]()
    report_to = Path(report_folder) if report_folder else None
    if report_to and not preset:
        raise UsageError("--report writes what a --preset finds; --json, --csv and --plot write the rest")
    if preset:
        _refuse(_OF_PRESET, "--preset decides on {}; leave one of them out")
        if not preset.codecs:
            _refuse(_OF_CODINGS, f"--preset {preset.name} takes no {{}}")
            return table1.run(inputs, report_to, talk, force=force, jobs=jobs)
        more, left_out = plan.possible(preset.optional)
        codecs, kinds = (*preset.codecs, *more), _KINDS.convert(preset.types, None, None)
        metrics, published = tuple(preset.metrics.split(",")), preset.anchors if report_to or plot_folder else None
    elif not codecs:
        raise UsageError("--codec names what to evaluate, as in --codec vvc:32,37; or take a --preset")
    measured, notes = table.chosen(metrics)
    given = Plan(
        codings=plan.codings(codecs, scales),
        types=kinds,
        metrics=measured,
        effort=effort,
        runtime=runtime,
    )
    if no_cache and cache_folder:
        raise UsageError("--cache and --no-cache exclude each other")
    kept = Cache(None if no_cache else Path(cache_folder) if cache_folder else cache.default_folder())
    if cache_folder and Path(cache_folder).exists() and not Path(cache_folder).is_dir():
        raise UsageError(f"--cache {cache_folder} is not a folder")
    sources = fileio.distinct(fileio.expand(inputs, recursive=True, suffixes=fileio.PICTURES))
    files = {option: Path(name) for option, name in (("--json", json_file), ("--csv", csv_file)) if name}
    outputs = Outputs(files, Path(plot_folder) if plot_folder else None, report_to, published, force)
    outputs.check([metric.name for metric in measured], sources)
    for sentence in plan.missing(given):
        raise MissingError(sentence)
    for kind in kinds:
        catalog.load().require(kind)

    rows: dict[str, list[Row]] = {}
    report = Report("evaluated", len(sources), talk, steps=given.steps)
    for note in (*notes, *left_out):
        report.note(note)

    def work(source: Source) -> Outcome:
        started = time.perf_counter()
        try:
            rows[source.name] = runner.evaluate(source.name, source.read(), given, kept, report.advance)
        except (LbicError, MemoryError) as error:
            rows[source.name] = runner.failed(source.name, given, str(error) or "not enough memory")
            for _ in rows[source.name]:
                report.advance()
            raise
        for row in rows[source.name]:
            if row.error:
                raise LbicError(f"{row.codec} q {row.q}, type {row.type}: {row.error}")
        return Outcome(_line(source.name, rows[source.name], time.perf_counter() - started), {})

    code = batch.run(sources, work, report, workers=jobs)
    ordered = [row for source in sources for row in rows[source.name]]
    for note in tables.gaps(ordered, measured):
        report.note(note)
    click.echo(tables.markdown(tables.means(ordered)))
    if compared := bd_rates(ordered):
        click.echo("\n" + tables.bd_markdown(compared))
    outputs.write(ordered, [metric.name for metric in measured], preset)
    return code


def _refuse(options_by_parameter: Mapping[str, str], sentence: str) -> None:
    """Raise UsageError for one of some options that the user gave; the sentence has {} in its place."""
    context = click.get_current_context()
    for name, option in options_by_parameter.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(sentence.format(option))


def _line(name: str, rows: Sequence[Row], duration: float) -> str:
    """a.png  2.1 s  4 of 6 results kept from earlier"""
    kept = sum(row.kept for row in rows)
    return wording.join(
        name, wording.seconds(duration), f"{kept} of {len(rows)} results kept from earlier" if kept else ""
    )
