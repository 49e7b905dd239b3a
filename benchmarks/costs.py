"""What an enhancement type costs: seconds of its networks, and memory of the whole command."""

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
    """``seconds`` by the clock, ``cpu`` of all cores together, ``memory`` in bytes or None where it cannot be told."""

    seconds: float
    cpu: float
    memory: int | None


def measure(coded: Coded, kinds: Sequence[EnhancementType]) -> dict[int, Cost]:
    """The cost of each type by its number; to be called early, see peak_memory."""
    memory = {kind.id: peak_memory(coded, kind) for kind in kinds}
    runs: dict[int, list[tuple[float, float]]] = {kind.id: [] for kind in kinds}
    for kind in kinds:
        enhance(coded, kind)  # loads the networks
    for _ in range(REPEATS):
        for kind in kinds:  # in turns, so that what else the machine does hits all alike
            clock, cpu = time.perf_counter(), time.process_time()
            enhance(coded, kind)
            runs[kind.id].append((time.perf_counter() - clock, time.process_time() - cpu))
    found = {}
    for number, spent in runs.items():
        clocks, cpus = zip(*spent, strict=True)
        found[number] = Cost(median(clocks), median(cpus), memory[number])
    return found


def peak_memory(coded: Coded, kind: EnhancementType) -> int | None:
    """Peak resident bytes of ``lbic decompress`` with a type.

    The kernel counts a command's peak from the size of the process that started it: None when that one was no smaller.
    """
    with TemporaryDirectory() as scratch:
        file = Path(scratch, "a.lbic")
        file.write_bytes(coded.data)
        options = ("--quiet", "--type", str(kind.id), "--profile", RUNTIME.profile, "--device", RUNTIME.device)
        _, peak = resources.run(("decompress", str(file), *options))
    return peak if peak > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 else None
