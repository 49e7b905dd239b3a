"""The command ``lbic verify``."""

from __future__ import annotations

import time

import click

from lbic import pipeline
from lbic.cli import batch, options, wording
from lbic.cli.inputs import COMPRESSED, Source
from lbic.cli.jobs import Files
from lbic.cli.report import Outcome, Report, Talk
from lbic.errors import ExitCode


@click.command()
@options.max_pixels_option
@options.input_options
@options.talk_options
def verify(files: Files, talk: Talk, max_pixels: int) -> ExitCode:
    """Check that .lbic files decode; writes nothing.

    It checks the checksum, then decodes the picture and its metadata without enhancement.
    """

    def work(source: Source) -> Outcome:
        started = time.perf_counter()
        header = pipeline.verify(source.read(), max_pixels, apart=True)
        duration = time.perf_counter() - started
        line = wording.join(
            f"{source.name}: ok",
            wording.size(header.width, header.height),
            wording.coded(header.coding),
            wording.seconds(duration),
        )
        return Outcome(line, {"input": source.name, **wording.header_record(header), "seconds": round(duration, 3)})

    sources = files.sources(COMPRESSED)
    return batch.run(sources, work, Report("verified", len(sources), talk), workers=files.jobs)
