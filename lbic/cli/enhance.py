"""The command ``lbic enhance``."""

from __future__ import annotations

import time
from dataclasses import replace

import click

from lbic.cli import batch, hints, options, wording
from lbic.cli.jobs import Files, Job, enhanced_name
from lbic.cli.pictures import output_suffixes
from lbic.cli.report import Outcome, Report, Talk
from lbic.codecs.table import check_quality, get
from lbic.enhance import catalog
from lbic.enhance.pictures import Enhanced, EnhanceSettings
from lbic.enhance.pictures import enhance as enhance_picture
from lbic.enhance.session import Runtime
from lbic.enhance.types import EnhancementType
from lbic.errors import ExitCode
from lbic.isolation import pictures
from lbic.picture import save
from lbic.picture.load import Picture
from lbic.picture.suffixes import PICTURES


@click.command()
@options.output_options
@options.keep_time_option
@options.name_option("a.jpg.enhanced.png")
@options.type_option("Enhancement to apply. Default: nr.")
@options.strength_option
@options.codec_option("Codec that the picture was coded with. Default: jpeg for a JPEG, else vvc.", detected=True)
@options.quality_option(
    "Quality that the picture was coded with. Default: a JPEG's own, from its quantisation table; otherwise the "
    "codec's default."
)
@options.runtime_options
@options.max_pixels_option
@options.input_options
@options.talk_options
def enhance(
    files: Files,
    talk: Talk,
    kind: EnhancementType | None,
    strength: float,
    codec: str | None,
    quality: int | None,
    runtime: Runtime,
    max_pixels: int,
) -> ExitCode:
    """Enhance pictures with coding artifacts: old.jpg -> old.enhanced.png.

    IN is a PNG, JPEG, WebP, TIFF, BMP, PPM, GIF, AVIF or JPEG 2000 file, with the extras heif and
    jxl also HEIC and JPEG XL, or - for stdin. The suffix of -o FILE selects the format, as in
    decompress. Alpha and metadata are kept if the format can store them. A picture better than the
    network's training pictures, or one that shows no damage of a codec, is an error unless --type
    is given, since the network may harm it.
    """
    settings = EnhanceSettings(kind, codec, quality, runtime, strength)
    if codec is not None and quality is not None:
        check_quality(get(codec), quality)
    jobs = files.plan(PICTURES, enhanced_name, talk)
    suffixes = output_suffixes(jobs)
    if kind is not None:
        catalog.load().require(kind)

    def work(job: Job) -> Outcome:
        started = time.perf_counter()
        job.check()
        # keep_icc: the picture stays in the colour space of its file.
        data = job.source.read()
        picture = pictures.load(data, max_pixels=max_pixels, keep_icc=True)
        if picture.alpha is not None:
            save.check_alpha(suffixes[job])
        result = enhance_picture(picture, settings)
        notes = list(hints.assumed_quality(result.notes, result.degradation))
        written = _encode(result.picture, suffixes[job], notes)
        job.write(written)
        result = replace(result, notes=tuple(notes))
        outcome = _outcome(job, settings, result, time.perf_counter() - started)
        return replace(outcome, bytes_read=len(data), bytes_written=len(written))

    return batch.run(jobs, work, Report("enhanced", len(jobs), talk), workers=files.jobs)


def _encode(picture: Picture, suffix: str, notes: list[str]) -> bytes:
    return save.encode(picture.joined(), suffix, icc=picture.icc, exif=picture.exif, xmp=picture.xmp, notes=notes)


def _outcome(job: Job, settings: EnhanceSettings, result: Enhanced, duration: float) -> Outcome:
    width, height = result.picture.image.size
    enhancement, damage = result.enhancement, result.degradation
    line = wording.join(
        f"{job.name} -> {job.output}",
        wording.size(width, height),
        wording.applied(enhancement.type, settings.strength),
        wording.provider(enhancement.provider),
        wording.seconds(duration),
    )
    record = {
        "input": job.name,
        "output": job.output,
        "width": width,
        "height": height,
        "codec": damage.coding.codec,
        "q": damage.coding.quality,
        "q_from": damage.known_from,
        "type": enhancement.type.id,
        "strength": settings.strength,
        "profile": enhancement.profile,
        "models": list(enhancement.models),
        "provider": enhancement.provider,
        "seconds": round(duration, 3),
        "notes": list(result.notes),
    }
    details = wording.networks(enhancement.models, enhancement.profile, enhancement.provider)
    return Outcome(line, record, result.notes, (*details, *enhancement.details))
