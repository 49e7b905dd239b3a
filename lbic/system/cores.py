"""How many threads one of several files at the same time may use, so that all together use the cores once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

MOST_JOBS = 4
"""Files at the same time unless the user says how many: each may be a large picture, with what its networks hold."""
_jobs = 1


def usual_jobs() -> int:
    """Files at the same time unless the user says how many: one for each core (docs/benchmark.md), within reason."""
    return min(cores(), MOST_JOBS)


@contextmanager
def shared_by(jobs: int) -> Iterator[None]:
    """Inside, ``jobs`` files are worked on at the same time. It holds for the process: a run has one number of jobs."""
    global _jobs
    before, _jobs = _jobs, jobs
    try:
        yield
    finally:
        _jobs = before


def one_core() -> AbstractContextManager[None]:
    """Inside, a job keeps to one core: others, which this process knows nothing of, have the rest."""
    return shared_by(cores())


def for_a_program() -> int | None:
    """Threads of a program that one job starts: its share of the cores. None, the program's own choice, for one job."""
    return None if _jobs == 1 else max(1, cores() // _jobs)


def for_a_network() -> int | None:
    """Threads of a network that all jobs run: each job brings its own, and the session's pool adds the cores left
    over. None, ONNX Runtime's own choice, for one job."""
    return None if _jobs == 1 else max(1, cores() - _jobs + 1)


def cores() -> int:
    """The cores that this process may run on: taskset and containers give it fewer than the machine has."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
