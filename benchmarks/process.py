"""Run a command in a process of its own and measure what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """The cost of one process."""

    cpu: float
    """CPU seconds of all cores, with those of the programs that it starts."""
    clock: float
    """Seconds by the clock."""
    memory: int
    """Peak resident bytes of the process or, if one is larger, of a program that it starts."""

    def __str__(self) -> str:
        """Return a cell: CPU seconds, seconds, MiB."""
        return f"{_seconds(self.cpu)} / {_seconds(self.clock)} / {self.memory / (1 << 20):,.0f}"


def run(arguments: Sequence[str]) -> Cost:
    """Run Python with arguments and return the cost; raises SystemExit when it fails."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed with exit code {process.returncode}: {said}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss * 1024)


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
