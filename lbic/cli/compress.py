"""The command compress: picture files to .lbic files."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import click
from click.core import ParameterSource

from lbic.cli import batch, coding, options, remote, wording
from lbic.cli import jobs as fileio
from lbic.cli.jobs import Files, Job
from lbic.cli.parameters import TIME
from lbic.cli.presets import preset_option
from lbic.cli.remote import Compress
from lbic.cli.report import Outcome, Report, Talk
from lbic.codecs.table import get, require
from lbic.compressor import Compressor
from lbic.enhance import catalog
from lbic.enhance.choice import AUTO, GOALS, Auto, Goal
from lbic.enhance.types import EnhancementType
from lbic.errors import ExitCode, UsageError
from lbic.metrics.rate import bits_per_pixel
from lbic.picture.suffixes import PICTURES
from lbic.pipeline import Compressed
from lbic.rate.request import CompressRequest


@click.command()
@preset_option
@options.output_options
@options.name_option("a.jpg.lbic")
@options.quality_option("Quality in the codec's own numbers.")
@options.codec_option("The codec; 'lbic doctor' lists those that work here.")
@coding.scale_option
@coding.target_options
@options.effort_option
@options.type_option(
    "Enhancement to recommend to the decoder. Default: the catalog's advice. auto: the type whose picture comes "
    "closest to the original.",
    AUTO,
)
@click.option(
    "--goal",
    type=click.Choice(list(GOALS)),
    help="What --type auto, and the scale for a target size, are chosen by: fidelity (PSNR) or perceptual (local "
    "contrast, which prefers networks that restore texture). perceptual also makes codec vvc spend bytes where the eye "
    "sees them. A goal alone means --type auto.",
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
    target: tuple[str, float] | None,
    effort: int,
    kind: EnhancementType | Auto | None,
    goal: Goal | None,
    keep: tuple[str, ...],
    flatten: tuple[int, int, int] | None,
    max_pixels: int,
    address: str | None,
) -> ExitCode:
    """Compress pictures to very small files: a.png -> a.lbic.

    IN is a PNG, JPEG, WebP, TIFF, BMP, PPM, GIF, AVIF or JPEG 2000 file, with the extras heif and
    jxl also HEIC and JPEG XL, or - for stdin. Pictures become upright 8-bit sRGB or gray. Alpha is
    kept without loss unless --flatten puts the picture on a colour. Inputs are never changed, and
    an existing file is overwritten only with -f.

    With a target instead of -q, lbic tries qualities and scales: it writes the best picture for a
    size, or the smallest file for a PSNR or an SSIMULACRA2. If no quality reaches the target, the
    exit code is 1 and the message says what is possible.
    """
    if _is_given("scale") and scale is None and not target:
        raise UsageError("--scale auto needs a target, such as --target-size or --target-ssimulacra2")
    request = CompressRequest(codec, quality, target, scale, effort, kind, goal, frozenset(keep) - {TIME})
    jobs = replace(files, keep_time=TIME in keep).plan(PICTURES, fileio.compressed_name, talk)
    for job in jobs:
        if job.target is not None and job.target.suffix.lower() in PICTURES:
            raise UsageError(f"{job.target}: compress writes .lbic files, not pictures; choose another suffix")
    # Who names what to keep, here or in lbic.toml, knows what is dropped.
    tells_dropped = not keep and _source("keep") is ParameterSource.DEFAULT
    # A cluster's tasks are processes already: if a library crashes, only one picture fails.
    compressor = Compressor(request, max_pixels, flatten, apart=address is None)

    def work(job: Job, compress: Compress | None = None) -> Outcome:
        started = time.perf_counter()
        job.check()
        data = job.source.read()
        result = compress(data) if compress else compressor(data, partial(report.trial, job.name))
        job.write(result.data)
        outcome = _outcome(job, result, time.perf_counter() - started)
        outcome = outcome if tells_dropped else replace(outcome, dropped=())
        return replace(outcome, bytes_read=len(data), bytes_written=len(result.data))

    report = Report("compressed", len(jobs), talk)
    if kind is None and not catalog.is_installed():
        report.note("lbic's networks are not installed: the files recommend no enhancement")
    if address is None:
        require(get(codec))
        return batch.run(jobs, work, report, workers=files.jobs)
    return remote.run(address, compressor, jobs, work, report, workers=files.jobs if _is_given("jobs") else None)


def _is_given(option: str) -> bool:
    """Return whether the command line has the option."""
    return _source(option) is ParameterSource.COMMANDLINE


def _source(option: str) -> ParameterSource | None:
    return click.get_current_context().get_parameter_source(option)


def _outcome(job: Job, result: Compressed, duration: float) -> Outcome:
    """Return the report of one compressed file."""
    header, count = result.header, len(result.data)
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
        "bpp": bits_per_pixel(count, *header.size),
        "seconds": round(duration, 3),
        "dropped": list(result.dropped),
        "notes": list(result.notes),
    }
    stored = tuple(f"{item} {size:,} B" for item, size in wording.metadata_sizes(header).items())
    return Outcome(line, record, result.notes, stored, result.dropped)
