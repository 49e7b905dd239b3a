"""lbic decompress"""

from __future__ import annotations

import time
from dataclasses import replace

import click

from lbic import pipeline
from lbic.cli import batch, hints, options, wording
from lbic.cli import jobs as fileio
from lbic.cli.jobs import Job
from lbic.cli.options import Files
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
@options.type_option("Enhancement to apply instead of the one the file recommends; 0 is the codec's picture.")
@options.strength_option
@options.runtime_options
@options.max_pixels_option
@options.input_options
@options.talk_options
def decompress(
    files: Files, talk: Talk, kind: EnhancementType | None, strength: float, runtime: Runtime, max_pixels: int
) -> ExitCode:
    """Bring pictures back, enhanced as their files recommend: a.lbic -> a.lbic.png.

    IN is a .lbic file, or - for stdin. The suffix of -o FILE chooses the format: .png, .webp, .tif, .bmp,
    .ppm (all lossless) or .jpg; stdout gets PNG. A recommended enhancement that cannot run here is left
    out with a note; one that --type asks for is an error then.
    """
    settings = DecompressSettings(kind, runtime, strength, max_pixels, apart=True)
    jobs = files.plan(fileio.COMPRESSED, fileio.decompressed_name, talk)
    suffixes = output_suffixes(jobs)
    if kind is not None:
        catalog.load().require(kind)

    def work(job: Job) -> Outcome:
        started = time.perf_counter()
        job.check()
        data = job.source.read()
        done = pipeline.decompress(data, settings)
        notes = list(hints.notes(done.notes, done.obstacle))
        written = save.encode(done.image, suffixes[job], icc=done.icc, exif=done.exif, xmp=done.xmp, notes=notes)
        job.write(written)
        done = replace(done, notes=tuple(notes))
        outcome = _outcome(job, settings, done, time.perf_counter() - started)
        return replace(outcome, taken=len(data), given=len(written))

    return batch.run(jobs, work, Report("decompressed", len(jobs), talk), workers=files.jobs)


def _outcome(job: Job, settings: DecompressSettings, done: Decompressed, duration: float) -> Outcome:
    header = done.header
    line = wording.join(
        f"{job.name} -> {job.output}",
        wording.size(header.width, header.height),
        wording.coded(header.coding),
        wording.applied(done.type, settings.strength),
        wording.provider(done.provider),
        wording.seconds(duration),
    )
    record = {
        "input": job.name,
        "output": job.output,
        **wording.header_record(header),
        "type": done.type.id,
        "type_recorded": done.type_recorded,
        "strength": settings.strength,
        "profile": done.profile,
        "models": list(done.models),
        "provider": done.provider,
        "seconds": round(duration, 3),
        "notes": list(done.notes),
    }
    return Outcome(line, record, done.notes, wording.networks(done.models, done.profile, done.provider))
