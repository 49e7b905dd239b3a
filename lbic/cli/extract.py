"""The command ``lbic extract``."""

from __future__ import annotations

import click

from lbic import pipeline
from lbic.cli import batch, options, wording
from lbic.cli.inputs import COMPRESSED
from lbic.cli.jobs import Files, Job, extracted_name
from lbic.cli.report import Outcome, Report, Talk
from lbic.errors import ExitCode
from lbic.format.container import METADATA_NAMES


@click.command()
@options.output_options
@options.input_options
@options.talk_options
def extract(files: Files, talk: Talk) -> ExitCode:
    """Extract the codec's standard stream from .lbic files: a.lbic -> a.lbic.stream.

    Other programs can read it: it is a VVC stream (.266) or a JPEG, WebP, AVIF or JPEG 2000 file.
    It decodes to the codec's picture at its coded size, padded as the codec requires, without
    enhancement, alpha and other metadata.
    """
    jobs = files.plan(COMPRESSED, extracted_name, talk)

    def work(job: Job) -> Outcome:
        job.check()
        data = job.source.read()
        header, stream = pipeline.extract(data)
        job.write(stream)
        notes = tuple(f"{METADATA_NAMES.get(kind, kind)} is left out" for kind in header.metadata)
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
        return Outcome(line, record, notes, bytes_read=len(data), bytes_written=len(stream))

    return batch.run(jobs, work, Report("extracted", len(jobs), talk), workers=files.jobs)
