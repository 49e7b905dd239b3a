"""Share the cores: how many threads one of several simultaneous jobs may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

MOST_JOBS = 4
"""The most files worked on at a time by default: each may be a large picture with its networks."""
_jobs = 1


def usual_jobs() -> int:
    """Return the default number of jobs: one per core, at most MOST_JOBS (docs/benchmark.md)."""
    return min(cores(), MOST_JOBS)


@contextmanager
def shared_by(jobs: int) -> Iterator[None]:
    """Share the cores between ``jobs`` jobs inside the block.

    The number holds for the whole process: a run has one number of jobs.
    """
    global _jobs
    before, _jobs = _jobs, jobs
    try:
        yield
    finally:
        _jobs = before


def jobs() -> int:
    """Return the number of jobs that share the cores."""
    return _jobs


def one_core() -> AbstractContextManager[None]:
    """Use one core inside the block; other processes have the rest."""
    return shared_by(cores())


def for_a_program() -> int | None:
    """Return the threads of a program that one job starts, its share of the cores.

    None, the program's own choice, if there is only one job.
    """
    return None if _jobs == 1 else max(1, cores() // _jobs)


def for_a_network() -> int | None:
    """Return the threads of an ONNX Runtime session that all jobs share.

    Each job brings its own thread; the session's pool adds the remaining cores. None, ONNX
    Runtime's own choice, if there is only one job.
    """
    return None if _jobs == 1 else max(1, cores() - _jobs + 1)


def cores() -> int:
    """Return the number of cores this process may run on; taskset and containers lower it."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
