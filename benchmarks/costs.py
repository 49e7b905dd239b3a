"""The cost of an enhancement type: seconds of its networks, and memory of the whole command."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import resources
from benchmarks.restored import RUNTIME, Coded, enhance
from lbic.enhance.types import EnhancementType

REPEATS = 5


@dataclass(frozen=True)
class Cost:
    """The cost of decoding one picture."""

    seconds: float
    """By the clock."""
    cpu: float
    """CPU seconds of all cores together."""
    memory: int | None
    """Peak resident bytes of the command; None where they are unknown."""


def measure(coded: Coded, kinds: Sequence[EnhancementType]) -> dict[int, Cost]:
    """Return the cost of each type by its number. Call it early in a process: see peak_memory."""
    memory = {kind.id: peak_memory(coded, kind) for kind in kinds}
    runs: dict[int, list[tuple[float, float]]] = {kind.id: [] for kind in kinds}
    for kind in kinds:
        enhance(coded, kind)  # load the networks before time is taken
    for _ in range(REPEATS):
        for kind in kinds:  # in turns: other load on the machine affects all types alike
            clock, cpu = time.perf_counter(), time.process_time()
            enhance(coded, kind)
            runs[kind.id].append((time.perf_counter() - clock, time.process_time() - cpu))
    costs = {}
    for number, seconds in runs.items():
        clocks, cpus = zip(*seconds, strict=True)
        costs[number] = Cost(median(clocks), median(cpus), memory[number])
    return costs


def peak_memory(coded: Coded, kind: EnhancementType) -> int | None:
    """Return the peak resident bytes of ``lbic decompress`` with a type.

    The kernel's count begins at the size of the process that starts the command. The result is
    None when this process is as large as the command.
    """
    with TemporaryDirectory() as scratch:
        file = Path(scratch, "a.lbic")
        file.write_bytes(coded.data)
        options = ("--quiet", "--type", str(kind.id), "--profile", RUNTIME.profile, "--device", RUNTIME.device)
        _, peak = resources.run(("decompress", str(file), *options))
    return peak if peak > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 else None
