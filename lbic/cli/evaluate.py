"""lbic evaluate"""

from __future__ import annotations

import time
from pathlib import Path

import click

from lbic import fileio
from lbic.cli import batch, options, wording
from lbic.cli.report import Outcome, Report, Talk
from lbic.container import SCALE_ONE
from lbic.enhance import catalog
from lbic.enhance.session import Runtime
from lbic.enhance.types import EnhancementType
from lbic.errors import ExitCode, LbicError, MissingError
from lbic.evaluate import runner, tables
from lbic.evaluate.bdrates import bd_rates
from lbic.evaluate.runner import Coding, Plan, Row
from lbic.fileio import Source
from lbic.metrics import table

_WRITERS = {"--json": tables.to_json, "--csv": tables.to_csv}


@click.command()
@click.option(
    "--codec",
    "codecs",
    multiple=True,
    required=True,
    metavar="NAME:Q,...",
    help="Codec and its qualities, as in vvc:37 or jpeg:10,20; may be given several times.",
)
@click.option(
    "--type",
    "kinds",
    type=options.Joined(options.TypeParameter()),
    default="0",
    metavar="T,...",
    help=f"Enhancement types to decode with, joined by commas; default 0. By number or name: {options.TYPE_LIST}.",
)
@click.option(
    "--scale",
    "scales",
    type=options.Joined(options.NumberParameter(1, 4)),
    default="1",
    metavar="1..4,...",
    help="Scales to code at, joined by commas; default 1.",
)
@click.option(
    "--metrics",
    "metrics",
    type=options.Joined(click.Choice(list(table.METRICS))),
    default="psnr",
    metavar="M,...",
    help=f"Metrics, joined by commas: {', '.join(table.METRICS)}. The two PSNRs are always there; default no more.",
)
@options.effort_option
@options.runtime_options
@click.option("--json", "json_file", type=options.FILE, metavar="FILE", help="Write rows, means and BD-rates as JSON.")
@click.option("--csv", "csv_file", type=options.FILE, metavar="FILE", help="Write every row as CSV.")
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
    force: bool,
    jobs: int,
    talk: Talk,
) -> ExitCode:
    """Measure size and quality over a folder of pictures.

    IN is a folder (gone through to its depth) or a picture. Every picture is compressed at every quality
    and scale, and decompressed with every type; the means go to stdout as a Markdown table. bpp counts
    whole .lbic files. PSNR is over R, G and B; PSNR-Y over 8-bit luma as MATLAB's rgb2ycbcr makes it.
    LPIPS (AlexNet; lower is better) needs PyTorch and the weights in the folder that LBIC_WEIGHTS names;
    NIQE (lower is better) is of that luma less 4 pixels on each side, as the PIRM challenge has it.
    Codecs, scales and types with two qualities or more also get their BD-rates: the mean over pictures
    of how many percent more bytes than the first one they need at the same PSNR.
    Times are only worth reading with -j 1 on an idle machine.
    """
    codings = dict.fromkeys(coding for text in codecs for coding in runner.parse_codings(text))
    plan = Plan(
        codings=tuple(Coding(name, quality, SCALE_ONE * scale) for name, quality in codings for scale in scales),
        types=kinds,
        metrics=table.chosen(metrics),
        effort=effort,
        runtime=runtime,
    )
    sources = fileio.expand(inputs, recursive=True, suffixes=fileio.PICTURES)
    files = {option: Path(name) for option, name in (("--json", json_file), ("--csv", csv_file)) if name}
    fileio.refuse_conflicts(files.items(), sources)
    for file in files.values():
        fileio.check_target(file, force=force)
    for sentence in runner.missing(plan):
        raise MissingError(sentence)
    for kind in kinds:
        catalog.load().require(kind)

    rows: dict[str, list[Row]] = {}

    def work(source: Source) -> Outcome:
        started = time.perf_counter()
        try:
            rows[source.name] = runner.evaluate(source.name, source.read(), plan)
        except LbicError as error:
            rows[source.name] = runner.failed(source.name, plan, str(error))
            raise
        for row in rows[source.name]:
            if row.error:
                raise LbicError(f"{row.codec} q {row.q}, type {row.type}: {row.error}")
        return Outcome(wording.join(source.name, wording.seconds(time.perf_counter() - started)), {})

    code = batch.run(sources, work, Report("evaluated", len(sources), talk), workers=jobs)
    ordered = [row for source in sources for row in rows[source.name]]
    click.echo(tables.markdown(tables.means(ordered)))
    if compared := bd_rates(ordered):
        click.echo("\n" + tables.bd_markdown(compared))
    for option, file in files.items():
        fileio.write(file, _WRITERS[option](ordered))
    return code
