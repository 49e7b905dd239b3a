"""The command ``lbic decompress``."""

from __future__ import annotations

import time
from dataclasses import replace

import click

from lbic import pipeline
from lbic.cli import batch, hints, options, wording
from lbic.cli.inputs import COMPRESSED
from lbic.cli.jobs import Files, Job, decompressed_name
from lbic.cli.pictures import output_suffixes
from lbic.cli.report import Outcome, Report, Talk
from lbic.enhance import catalog
from lbic.enhance.session import Runtime
from lbic.enhance.types import EnhancementType
from lbic.errors import ExitCode
from lbic.picture import save
from lbic.pipeline import Decompressed, DecompressSettings


@click.command()
@options.output_options
@options.keep_time_option
@options.type_option("Enhancement to apply instead of the recommended one; 0 is the codec's picture.")
@options.strength_option
@options.runtime_options
@options.max_pixels_option
@options.input_options
@options.talk_options
def decompress(
    files: Files, talk: Talk, kind: EnhancementType | None, strength: float, runtime: Runtime, max_pixels: int
) -> ExitCode:
    """Decompress pictures and enhance them as their files recommend: a.lbic -> a.lbic.png.

    IN is a .lbic file, or - for stdin. The suffix of -o FILE selects the format: .png, .webp,
    .tif, .bmp, .ppm (all lossless) or .jpg; stdout gets PNG. If the recommended enhancement cannot
    run here, the codec's picture is written, with a note. An enhancement given by --type that
    cannot run is an error.
    """
    settings = DecompressSettings(kind, runtime, strength, max_pixels, apart=True)
    jobs = files.plan(COMPRESSED, decompressed_name, talk)
    suffixes = output_suffixes(jobs)
    if kind is not None:
        catalog.load().require(kind)

    def work(job: Job) -> Outcome:
        started = time.perf_counter()
        job.check()
        data = job.source.read()
        result = pipeline.decompress(data, settings)
        notes = list(hints.notes(result.notes, result.obstacle))
        written = save.encode(
            result.image, suffixes[job], icc=result.icc, exif=result.exif, xmp=result.xmp, notes=notes
        )
        job.write(written)
        result = replace(result, notes=tuple(notes))
        outcome = _outcome(job, settings, result, time.perf_counter() - started)
        return replace(outcome, bytes_read=len(data), bytes_written=len(written))

    return batch.run(jobs, work, Report("decompressed", len(jobs), talk), workers=files.jobs)


def _outcome(job: Job, settings: DecompressSettings, result: Decompressed, duration: float) -> Outcome:
    header = result.header
    line = wording.join(
        f"{job.name} -> {job.output}",
        wording.size(header.width, header.height),
        wording.coded(header.coding),
        wording.applied(result.type, settings.strength),
        wording.provider(result.provider),
        wording.seconds(duration),
    )
    record = {
        "input": job.name,
        "output": job.output,
        **wording.header_record(header),
        "type": result.type.id,
        "type_recorded": result.type_recorded,
        "strength": settings.strength,
        "profile": result.profile,
        "models": list(result.models),
        "provider": result.provider,
        "seconds": round(duration, 3),
        "notes": list(result.notes),
    }
    details = (*wording.networks(result.models, result.profile, result.provider), *result.details)
    return Outcome(line, record, result.notes, details)
