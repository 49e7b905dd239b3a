"""Run compress --ray: the work and report of compress, with pictures compressed on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from lbic import cluster
from lbic.cli import batch, hints
from lbic.cli.jobs import Job
from lbic.cli.report import Outcome, Report, one_line
from lbic.compressor import Compressor
from lbic.errors import ExitCode, LbicError
from lbic.pipeline import Compressed

Compress = Callable[[bytes], Compressed]
"""A picture file's bytes -> the result, here or on a cluster."""


def run(
    address: str,
    compressor: Compressor,
    jobs: Sequence[Job],
    work: Callable[[Job, Compress], Outcome],
    report: Report,
    *,
    workers: int | None,
) -> ExitCode:
    """Do ``work`` for every job, with pictures compressed on the cluster at ``address``.

    ``workers`` files are in progress at the same time; None is the cluster's default. The end of
    the report repeats the lines on files that failed or took a second try, as nobody reads
    thousands.
    """
    listed: dict[str, str] = {}
    with cluster.connect(address) as connected:
        connected.check(compressor.request.codec)

        def listing(job: Job) -> Outcome:
            """Do the work for a job, and keep its line where it failed or took a second try."""
            try:
                outcome = work(job, partial(connected.compress, compressor))
            except LbicError as error:
                listed[job.name] = f"failed: {job.name}: {hints.sentence(error)}"
                raise
            again = next((note for note in outcome.notes if note.startswith(cluster.SECOND_TRY)), None)
            if again:
                listed[job.name] = f"{job.name}: {again}"
            return outcome

        code = batch.run(jobs, listing, report, workers=workers or connected.in_flight, end=connected.end)
    if len(jobs) > 1 and not report.talk.quiet:
        for line in (listed[job.name] for job in jobs if job.name in listed):
            report.say(one_line(f"  {line}"))
    return code
