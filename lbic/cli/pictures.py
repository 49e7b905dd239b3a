"""The format of the pictures that a command writes, by the suffix of each output."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lbic.cli.jobs import Job
from lbic.errors import UsageError
from lbic.picture.save import WRITERS
from lbic.system import descriptors

DEFAULT_SUFFIX = ".png"


def output_suffixes(jobs: Sequence[Job]) -> dict[Job, str]:
    """Return the suffix that names the format of each output; PNG for stdout and devices.

    Raises UsageError for a suffix that names no format.
    """
    return {job: _suffix(job) for job in jobs}


def _suffix(job: Job) -> str:
    target = job.target
    if target is None or descriptors.number(target) is not None or _is_device(target):
        return DEFAULT_SUFFIX
    if target.suffix.lower() not in WRITERS:
        raise UsageError(f"{target}: pictures are written as {' '.join(WRITERS)}; choose one by the suffix of -o")
    return target.suffix


def _is_device(target: Path) -> bool:
    return os.path.exists(target) and not os.path.isfile(target)
