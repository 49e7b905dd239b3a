"""``lbic evaluate``: measure rate and distortion over a folder of pictures."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import click

from lbic.cli import batch, options, parameters, wording
from lbic.cli import inputs as fileio
from lbic.cli.evaluation import Outputs, cache_options, output_options
from lbic.cli.inputs import Source
from lbic.cli.report import Outcome, Report, Talk
from lbic.enhance import catalog
from lbic.enhance.session import Runtime
from lbic.enhance.types import EnhancementType
from lbic.errors import ExitCode, LbicError, MissingError
from lbic.evaluate import peers, plan, runner, tables
from lbic.evaluate.bdrates import bd_rates
from lbic.evaluate.cache import Cache
from lbic.evaluate.plan import Plan
from lbic.evaluate.runner import Row
from lbic.metrics import table
from lbic.picture.suffixes import PICTURES


@click.command()
@click.option(
    "--codec",
    "codecs",
    multiple=True,
    required=True,
    metavar="NAME:Q,...",
    help="Codec and its qualities, as in vvc:37, jpeg:10,20 or, with an effort of its own, vvc@4:37; vvc@perceptual:37 "
    "is coded as compress --goal perceptual does. May be given several times. "
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
    type=parameters.Joined(parameters.ScaleParameter()),
    default="1",
    metavar="1..4,...",
    help="Scales to code at, in steps of 1/16, joined by commas; default 1.",
)
@options.metrics_option
@options.effort_option
@options.runtime_options
@output_options
@cache_options
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
    outputs: Outputs,
    results: Cache,
    jobs: int,
    talk: Talk,
) -> ExitCode:
    """Measure size and quality over a folder of pictures.

    IN is a folder, searched with its sub-folders, or a picture. Every picture is compressed at
    every quality and scale, and decompressed with every type; the means go to stdout as a
    Markdown table. bpp counts whole files, without alpha: it is stored without loss, and no
    metric sees it.

    Other formats (file:NAME) are coded at their best effort and at scale 1, and decoded by their
    own decoders; file:vvc and file:vtm are the bare streams of lbic's codecs, at --effort. The
    quality of file:jp2 is the ratio of the picture's samples to the bytes of the file.

    PSNR is over R, G and B; PSNR-Y over 8-bit luma as in MATLAB's rgb2ycbcr; SSIM and MS-SSIM
    over gray as in its rgb2gray. SSIMULACRA2 is that of libjxl's tool: 100 is equal, about 70 is
    hard to tell from the original, 50 is medium and 30 low quality. LPIPS (AlexNet or SqueezeNet;
    lower is better) needs PyTorch and the weights in the folder that LBIC_WEIGHTS names. NIQE and
    PI (lower is better) and Ma (higher is better) follow the PIRM challenge: luma without 4
    pixels on each side. Codecs, scales and types with two qualities or more also get a BD-rate
    (needs SciPy: the extra metrics): how many percent more bytes than the first one they need at
    the same PSNR, as the mean over pictures.

    Results of an earlier run with the same picture, lbic, encoder and networks are not computed
    again, and their seconds are those of that run. To measure seconds, use --no-cache and -j 1 on
    an idle machine.
    """
    measured, notes = table.chosen(metrics)
    evaluation = Plan(plan.codings(codecs, scales), kinds, measured, effort, runtime)
    left_out = Counter[str]()
    sources = fileio.distinct(fileio.expand(inputs, recursive=True, suffixes=PICTURES, left_out=left_out))
    outputs.check([metric.name for metric in measured], sources)
    for sentence in plan.missing(evaluation):
        raise MissingError(sentence)
    for kind in kinds:
        catalog.load().require(kind)
    report = Report("evaluated", len(sources), talk, steps=evaluation.steps)
    for note in (fileio.left_out_note(left_out), *notes):
        if note:
            report.note(note)
    rows, code = _measure(sources, evaluation, results, report, jobs)
    _show(rows, evaluation, outputs, report)
    return code


def _measure(
    sources: Sequence[Source], evaluation: Plan, results: Cache, report: Report, jobs: int
) -> tuple[list[Row], ExitCode]:
    """Evaluate every picture; return the rows in order, with those of failures."""
    rows: dict[str, list[Row]] = {}

    def work(source: Source) -> Outcome:
        started = time.perf_counter()
        try:
            rows[source.name] = runner.evaluate(source.name, source.read(), evaluation, results, report.advance)
        except (LbicError, MemoryError) as error:
            rows[source.name] = runner.failed(source.name, evaluation, str(error) or "not enough memory")
            for _ in rows[source.name]:
                report.advance()
            raise
        for row in rows[source.name]:
            if row.error:
                raise LbicError(f"{row.codec} q {row.q}, type {row.type}: {row.error}")
        return Outcome(_line(source.name, rows[source.name], time.perf_counter() - started), {})

    code = batch.run(sources, work, report, workers=jobs)
    return [row for source in sources for row in rows[source.name]], code


def _show(rows: Sequence[Row], evaluation: Plan, outputs: Outputs, report: Report) -> None:
    """Print the tables and write the files."""
    for note in tables.gaps(rows, evaluation.metrics):
        report.note(note)
    click.echo(tables.markdown(tables.means(rows)))
    try:
        rates = bd_rates(rows)
    except MissingError as error:
        report.note(str(error))
        rates = []
    if rates:
        click.echo("\n" + tables.bd_markdown(rates))
    outputs.write(rows, rates, [metric.name for metric in evaluation.metrics])


def _line(name: str, rows: Sequence[Row], duration: float) -> str:
    """Return the line of a picture: a.png  2.1 s  4 of 6 results kept from earlier."""
    kept = sum(row.kept for row in rows)
    return wording.join(
        name, wording.seconds(duration), f"{kept} of {len(rows)} results kept from earlier" if kept else ""
    )
