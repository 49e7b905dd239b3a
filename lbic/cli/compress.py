"""lbic compress"""

from __future__ import annotations

import time
from dataclasses import replace

import click
from click.core import ParameterSource

from lbic.cli import batch, coding, options, remote, wording
from lbic.cli import jobs as fileio
from lbic.cli.jobs import Job
from lbic.cli.options import Files
from lbic.cli.remote import Compress
from lbic.cli.report import Outcome, Report, Talk
from lbic.codecs.table import CODECS, check_quality, require
from lbic.coding import SCALE_ONE
from lbic.compressor import Compressor
from lbic.enhance.choice import AUTO, FIDELITY, GOALS, Auto, Goal, wanted_type
from lbic.enhance.types import EnhancementType
from lbic.errors import ExitCode, UsageError
from lbic.pipeline import Compressed, CompressSettings
from lbic.rate import target


@click.command()
@options.output_options
@options.quality_option("Quality in the codec's own numbers.")
@options.codec_option("What codes the picture; 'lbic doctor' tells which work here.")
@coding.scale_option
@coding.target_options
@options.effort_option
@options.type_option(
    "Enhancement to recommend to the decoder; the catalog's advice when left out; auto for the one whose picture comes "
    "closest to the original.",
    AUTO,
)
@click.option(
    "--goal",
    type=click.Choice(list(GOALS)),
    help="What --type auto, and the scale for a target size, go by: fidelity, PSNR; perceptual, local contrast, which "
    "networks that restore texture serve. Alone it means --type auto.",
)
@coding.keep_option
@coding.flatten_option
@options.max_pixels_option
@coding.ray_option
@options.input_options
@options.talk_options
def compress(
    files: Files,
    talk: Talk,
    codec: str,
    quality: int | None,
    scale: int | None,
    wanted: tuple[str, float] | None,
    effort: int,
    kind: EnhancementType | Auto | None,
    goal: Goal | None,
    keep: tuple[str, ...],
    flatten: tuple[int, int, int] | None,
    max_pixels: int,
    address: str | None,
) -> ExitCode:
    """Make pictures very small: a.png -> a.lbic.

    IN is a PNG, JPEG, WebP, TIFF, BMP, PPM, GIF, AVIF or JPEG 2000 file, or - for stdin. Pictures become
    upright 8-bit sRGB or gray; alpha is kept without loss unless --flatten puts it on a colour. Inputs are
    never changed, and a file that is there is overwritten only with -f.

    A target instead of -q has the quality found by trying, and the scale too: the best picture for a size, the
    smallest file for a PSNR. Where none reaches it, exit code 1 and a line that says what is possible.
    """
    row = CODECS[codec]
    scales = _scales(scale, wanted, quality)
    settings = CompressSettings(
        codec=codec,
        quality=check_quality(row, row.default_quality if quality is None else quality),
        scale=scales[0],
        effort=effort,
        type=wanted_type(kind, goal, for_scale=len(scales) > 1 and wanted is not None and wanted[0] != "psnr"),
        goal=goal or FIDELITY,
        keep=frozenset(keep),
    )
    jobs = files.plan(fileio.PICTURES, fileio.compressed_name, talk)
    for job in jobs:
        if job.target is not None and job.target.suffix.lower() in fileio.PICTURES:
            raise UsageError(f"{job.target}: compress writes .lbic files, not pictures; choose another suffix")
    # A cluster's tasks are processes of their own: one that crashes is one picture's failure without another process.
    compressor = Compressor(settings, wanted, scales, max_pixels, flatten, apart=address is None)

    def work(job: Job, compress: Compress = compressor) -> Outcome:
        started = time.perf_counter()
        job.check()
        data = job.source.read()
        done = compress(data)
        job.write(done.data)
        return replace(
            _outcome(job, done, time.perf_counter() - started), bytes_read=len(data), bytes_written=len(done.data)
        )

    report = Report("compressed", len(jobs), talk)
    if address is None:
        require(row)
        return batch.run(jobs, work, report, workers=files.jobs)
    return remote.run(address, compressor, jobs, work, report, workers=files.jobs if _given("jobs") else None)


def _given(option: str) -> bool:
    """Tell whether the command line has the option."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE


def _scales(scale: int | None, wanted: tuple[str, float] | None, quality: int | None) -> tuple[int, ...]:
    """The scales to try, in sixteenths."""
    if wanted and quality is not None:
        raise UsageError(f"--target-{wanted[0]} finds the quality; leave out -q")
    if _given("scale") and scale is None and not wanted:
        raise UsageError("--scale auto needs a target: --target-size, --target-bpp or --target-psnr")
    if scale is not None:
        return (scale,)
    return target.SCALES if wanted else (SCALE_ONE,)


def _outcome(job: Job, done: Compressed, duration: float) -> Outcome:
    header, count = done.header, len(done.data)
    line = wording.join(
        f"{job.name} -> {job.output}",
        wording.size(header.width, header.height),
        wording.coded(header.coding),
        wording.rate(count, header),
        wording.seconds(duration),
    )
    record = {
        "input": job.name,
        "output": job.output,
        **wording.header_record(header),
        "type": header.type,
        "bytes": count,
        "bpp": wording.bits_per_pixel(count, header),
        "seconds": round(duration, 3),
        "notes": list(done.notes),
    }
    stored = tuple(f"{item} {size:,} B" for item, size in wording.metadata_sizes(header).items())
    return Outcome(line, record, done.notes, stored)
