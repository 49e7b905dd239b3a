"""``lbic compare``: measure versions of a picture, and show them side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import click

from lbic.cli import batch, options, parameters, wording
from lbic.cli import inputs as cli_inputs
from lbic.cli import jobs as fileio
from lbic.cli.inputs import STDIO, Source
from lbic.cli.report import Outcome, Report, Talk, one_line
from lbic.compare import versions, viewer
from lbic.compare.versions import Version
from lbic.compare.viewer import Shown
from lbic.enhance import catalog
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, EnhancementType
from lbic.errors import ExitCode, LbicError, UsageError
from lbic.metrics import table
from lbic.metrics.table import METRICS, Metric
from lbic.picture.suffixes import PICTURES
from lbic.pipeline import DecompressSettings
from lbic.system import files

Values = dict[str, float | None]


@click.command()
@click.option(
    "--html",
    type=parameters.FILE,
    metavar="FILE",
    help="Write a page that shows any two of the pictures at pixel zoom: a divider to drag, and flicker. It is one "
    "file that needs nothing else, and it holds the pictures without loss.",
)
@options.metrics_option
@options.type_option("Enhancement to decode .lbic files with instead of the one each recommends.")
@options.runtime_options
@options.force_option
@options.jobs_option
@options.talk_options
@click.argument("original", type=parameters.FILE, metavar="REF")
@click.argument("inputs", type=parameters.FILE, metavar="FILE...", nargs=-1, required=True)
def compare(
    original: str,
    inputs: tuple[str, ...],
    html: str | None,
    metrics: tuple[str, ...],
    kind: EnhancementType | None,
    runtime: Runtime,
    force: bool,
    jobs: int,
    talk: Talk,
) -> ExitCode:
    """Measure versions of a picture against the original, and show them side by side.

    REF is the original, a picture that compress can read. FILE is a .lbic file or a picture of the
    same size; a .lbic file is decoded with the enhancement it recommends. The table goes to
    stdout, REF first. 'lbic evaluate -h' explains the metrics. Bytes and bpp are those of whole
    files. Pictures with alpha are laid over white, as a web page shows them, so that invisible
    colours do not count.
    """
    chosen, notes = table.chosen(metrics)
    reference, *others = sources = cli_inputs.expand((original, *inputs), recursive=False, suffixes=PICTURES)
    page = _page(html, sources, force=force)
    if kind is not None:
        catalog.load().require(kind)

    report = Report("", len(others), talk)
    for note in notes:
        report.note(note)
    settings = DecompressSettings(kind, runtime, apart=True)
    try:
        first = versions.read_picture(reference.name, reference.read())
    except LbicError as error:
        report.failure(reference.name, error)
        return error.exit_code
    shown: dict[Source, Shown] = {}

    def add(source: Source, version: Version, started: float) -> Outcome:
        values = versions.measure(first, version, chosen)
        shown[source] = Shown(version.name, _cells(version, values, chosen), version.image)
        return _outcome(version, values, time.perf_counter() - started)

    def work(source: Source) -> Outcome:
        started = time.perf_counter()
        version = versions.read(source.name, source.read(), settings, first.image.size)
        return add(source, version, started)

    report.success(reference.name, add(reference, first, time.perf_counter()))
    code = batch.run(others, work, report, workers=jobs)
    rows = [shown[source] for source in sources if source in shown]
    if len(rows) == 1:
        return code
    columns = ("codec", "bytes", "bpp", *(metric.title for metric in chosen))
    if not talk.json:
        click.echo(_table(columns, rows))
    if page:
        files.write(page, viewer.page(columns, rows))
    return code


def _page(name: str | None, sources: Sequence[Source], *, force: bool) -> Path | None:
    """Return the file of --html. Raises UsageError or FileError where it cannot be written."""
    if name is None:
        return None
    if name == STDIO:
        raise UsageError("--html takes the name of a file; the table goes to stdout")
    page = Path(name)
    fileio.refuse_conflicts([("--html", page)], sources)
    files.check_target(page, force=force)
    return page


def _coding(version: Version) -> str:
    """Return the coding of a .lbic file (vvc qp37 scale 2, sr+ar), or the format of a picture."""
    if version.decoded is None:
        return str(version.format)
    header, kind = version.decoded.header, version.decoded.type
    coded = wording.coded(header.coding)
    return coded if kind is NONE else f"{coded}, {kind.name}"


def _cells(version: Version, values: Values, metrics: Sequence[Metric]) -> tuple[str, ...]:
    numbers = ((values[metric.name], metric.digits) for metric in metrics)
    measured = ("-" if value is None else f"{value:.{digits}f}" for value, digits in numbers)
    return _coding(version), f"{version.bytes:,}", f"{version.bpp:.3f}", *measured


def _table(columns: Sequence[str], rows: Sequence[Shown]) -> str:
    """Return the table with names and codecs aligned to the left and numbers to the right."""
    lines = [("name", *columns), *((one_line(row.name), *row.cells) for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]

    def aligned(line: Sequence[str]) -> str:
        cells = zip(line, widths, strict=True)
        words = [cell.rjust(width) if column > 1 else cell.ljust(width) for column, (cell, width) in enumerate(cells)]
        return "  ".join(words)

    return "\n".join(map(aligned, lines))


def _outcome(version: Version, values: Values, duration: float) -> Outcome:
    decoded, picture = version.decoded, version.image
    line = wording.join(
        version.name,
        wording.size(*picture.size),
        _coding(version),
        wording.provider(decoded.provider if decoded else None),
        wording.seconds(duration),
    )
    record = {
        "input": version.name,
        "width": picture.width,
        "height": picture.height,
        "codec": decoded.header.codec if decoded else version.format,
        "q": decoded.header.quality if decoded else None,
        "scale": wording.scale_number(decoded.header.scale) if decoded else None,
        "type": decoded.type.id if decoded else None,
        "bytes": version.bytes,
        "bpp": version.bpp,
        **{name: _finite(values.get(name)) for name in METRICS},
        "seconds": round(duration, 3),
        "notes": list(version.notes),
    }
    details = wording.networks(decoded.models, decoded.profile, decoded.provider) if decoded else ()
    return Outcome(line, record, version.notes, details)


def _finite(value: float | None) -> float | None:
    """Return None for infinity, the PSNR of equal pictures: JSON has no infinity."""
    return value if value is not None and math.isfinite(value) else None
