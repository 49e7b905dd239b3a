"""lbic extract"""

from __future__ import annotations

import click

from lbic import pipeline
from lbic.cli import batch, options, wording
from lbic.cli import jobs as fileio
from lbic.cli.jobs import Job
from lbic.cli.options import Files
from lbic.cli.report import Outcome, Report, Talk
from lbic.errors import ExitCode
from lbic.format.container import METADATA_NAMES


@click.command()
@options.output_options
@options.input_options
@options.talk_options
def extract(files: Files, talk: Talk) -> ExitCode:
    """Write the standard stream in .lbic files, which other programs play: a VVC stream (.266), a JPEG, WebP,
    AVIF or JPEG 2000 file.

    Without -o a.lbic becomes a.lbic.stream. The stream is the codec's picture, at the size it was coded at and padded
    as the codec needs it; networks, alpha and other metadata are left behind.
    """
    jobs = files.plan(fileio.COMPRESSED, fileio.extracted_name, talk)

    def work(job: Job) -> Outcome:
        job.check()
        data = job.source.read()
        header, stream = pipeline.extract(data)
        job.write(stream)
        notes = tuple(f"left {METADATA_NAMES.get(kind, kind)} behind" for kind in header.metadata)
        line = wording.join(
            f"{job.name} -> {job.output}",
            wording.coded(header.coding),
            f"{len(stream):,} B",
        )
        record = {
            "input": job.name,
            "output": job.output,
            **wording.header_record(header),
            "bytes": len(stream),
            "notes": list(notes),
        }
        return Outcome(line, record, notes, taken=len(data), given=len(stream))

    return batch.run(jobs, work, Report("extracted", len(jobs), talk), workers=files.jobs)
