"""lbic enhance"""

from __future__ import annotations

import time

import click

from lbic import fileio, image, pipeline
from lbic.cli import batch, options, wording
from lbic.cli.options import Files
from lbic.cli.pictures import output_suffixes
from lbic.cli.report import Outcome, Report, Talk
from lbic.codecs import CODECS, check_quality
from lbic.container import SCALE_ONE
from lbic.enhance import catalog
from lbic.enhance.apply import Enhancement
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, EnhancementType
from lbic.errors import ExitCode, MissingError
from lbic.fileio import Job
from lbic.image import Picture
from lbic.pipeline import EnhanceSettings


@click.command()
@options.output_options
@options.type_option("Enhancement to apply; the catalog's advice for the codec when left out.")
@options.codec_option("The codec that damaged the picture.", default="jpeg")
@options.quality_option("The quality it was coded with, for networks that want to know; not needed for type 7.")
@options.runtime_options
@options.max_pixels_option
@options.input_options
@options.talk_options
def enhance(
    files: Files,
    talk: Talk,
    kind: EnhancementType | None,
    codec: str,
    quality: int | None,
    runtime: Runtime,
    max_pixels: int,
) -> ExitCode:
    """Run a network on any picture that a codec damaged: old.jpg -> old.enhanced.png.

    IN is a PNG, JPEG, WebP, TIFF, BMP, PPM, GIF, AVIF or JPEG 2000 file, or - for stdin; no .lbic file is
    involved. The suffix of -o FILE chooses the format, as in decompress. Alpha and metadata are kept.
    """
    if quality is not None:
        check_quality(CODECS[codec], quality)
    shipped = catalog.load()
    kind = kind or shipped.default_type(codec, SCALE_ONE)
    jobs = files.plan(fileio.PICTURES, fileio.enhanced_name, talk)
    suffixes = output_suffixes(jobs)
    if kind is NONE:
        raise MissingError(f"no network is shipped for pictures coded with {codec}; 'lbic models' lists them")
    shipped.require(kind)
    settings = EnhanceSettings(kind, codec, quality, runtime)

    def work(job: Job) -> Outcome:
        started = time.perf_counter()
        job.check()
        # The profile is kept, not applied: the picture stays in the colours its file is in.
        picture = image.load(job.source.read(), max_pixels=max_pixels, keep_icc=True)
        better, done = pipeline.enhance(picture, settings)
        job.write(_encode(better, suffixes[job]))
        return _outcome(job, better, settings, done, time.perf_counter() - started)

    return batch.run(jobs, work, Report("enhanced", len(jobs), talk), workers=files.jobs)


def _encode(picture: Picture, suffix: str) -> bytes:
    return image.encode(picture.joined(), suffix, icc=picture.icc, exif=picture.exif, xmp=picture.xmp)


def _outcome(job: Job, picture: Picture, settings: EnhanceSettings, done: Enhancement, duration: float) -> Outcome:
    width, height = picture.image.size
    notes = (*picture.notes, *done.notes)
    line = wording.join(
        f"{job.name} -> {job.output}",
        wording.size(width, height),
        f"type {done.type}",
        wording.provider(done.provider),
        wording.seconds(duration),
    )
    record = {
        "input": job.name,
        "output": job.output,
        "width": width,
        "height": height,
        "codec": settings.codec,
        "q": settings.quality,
        "type": done.type.id,
        "profile": done.profile,
        "models": list(done.models),
        "provider": done.provider,
        "seconds": round(duration, 3),
        "notes": list(notes),
    }
    return Outcome(line, record, notes, wording.networks(done.models, done.profile, done.provider))
