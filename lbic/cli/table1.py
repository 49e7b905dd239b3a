"""lbic evaluate --preset table1"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import click

from lbic.cli import batch, wording
from lbic.cli.evaluation import check, write_folder
from lbic.cli.jobs import Source
from lbic.cli.report import Outcome, Report, Talk
from lbic.errors import ExitCode, UsageError
from lbic.evaluate import table1, table1_report
from lbic.evaluate.table1 import WAYS, Point, Way


def run(inputs: Sequence[str], report_to: Path | None, talk: Talk, *, force: bool, jobs: int) -> ExitCode:
    """Measure Table I: the table goes to stdout, the report into its folder where one is named."""
    if len(inputs) != 1 or not os.path.isdir(inputs[0]):
        raise UsageError(f"--preset table1 takes one folder, with {', '.join(table1.PICTURES)}")
    paths = table1.find_pictures(Path(inputs[0]))
    sources = [Source(str(path)) for path in paths]
    if report_to:
        check({}, {"--report": (report_to, table1_report.names())}, sources, force=force)
    report = Report("evaluated", len(sources), talk, steps=len(WAYS))
    found: dict[Source, dict[Way, list[Point | None]]] = {}

    def work(source: Source) -> Outcome:
        started = time.perf_counter()
        found[source] = table1.measure(source.read(), WAYS, report.advance)
        return Outcome(wording.join(source.name, wording.seconds(time.perf_counter() - started)), {})

    code = batch.run(sources, work, report, workers=jobs)
    if len(found) < len(sources):
        return code  # means over other pictures would be another table
    measured = table1.joined([found[source] for source in sources])
    click.echo(table1_report.table(measured))
    if report_to:
        write_folder(report_to, table1_report.files(measured, table1_report.process_seconds(paths[-1])))
    return code
