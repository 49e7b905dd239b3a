"""Share the cores: how many threads one of several simultaneous jobs may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

MOST_JOBS = 4
"""The most files worked on at a time by default: each may be a large picture with its networks."""
_PROC, _CGROUP = "/proc/self/cgroup", "/sys/fs/cgroup"
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

    None, the program's own choice, if there is only one job and no quota, of which programs know
    nothing.
    """
    return None if _jobs == 1 and quota() is None else max(1, cores() // _jobs)


def for_a_network() -> int | None:
    """Return the threads of an ONNX Runtime session that all jobs share.

    Each job brings its own thread; the session's pool adds the remaining cores. None, ONNX
    Runtime's own choice, if there is only one job and no quota.
    """
    return None if _jobs == 1 and quota() is None else max(1, cores() - _jobs + 1)


def cores() -> int:
    """Return the number of cores that this process may use; taskset and containers lower it."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(count, quota() or count)


@lru_cache(maxsize=1)
def quota() -> int | None:
    """Return the whole cores of the cgroup's quota (``docker run --cpus=1.5``: 1, at least 1).

    None without a quota and on other systems than Linux.
    """
    quotas = [ratio for ratio in map(_quota, _cgroups()) if ratio is not None]
    return max(1, int(min(quotas))) if quotas else None


def _cgroups() -> Iterator[Path]:
    """Yield this process's cgroup and those above it, of both versions, as folders.

    In a container the path may be the host's, and the folder that is mounted is the group itself.
    """
    try:
        lines = Path(_PROC).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for root in [_CGROUP] if not controllers else [f"{_CGROUP}/{controllers}", f"{_CGROUP}/cpu"]:
            group = Path(root, path.lstrip("/"))
            yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(root))


def _quota(group: Path) -> float | None:
    """Return the cores that a cgroup's quota permits; None without one."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        most, period = (group / "cpu.max").read_text(encoding="ascii").split()  # version 2
        return None if most == "max" else int(most) / int(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        most, period = ((group / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period"))
        return None if int(most) < 0 else int(most) / int(period)
    return None
