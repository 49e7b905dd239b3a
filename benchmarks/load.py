"""A folder of small pictures through compress and decompress: speed, memory, descriptors, and going on after an end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

PICTURES = 2000
_PART = 5
"""Runs that only compare speeds take one picture in so many."""
_SIDES = 96, 256
_SCENE = 1024
_FALL = 0.78
"""Of the amplitude, an octave: crops take about 0.25 bpp at QP 37, as Kodak's pictures do."""
_INTERVAL = 0.25
"""Seconds between two looks at a run."""
_AHEAD = 1.7
"""How many times the pictures per second of one core the bar wants of -j 2 on two."""
_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Look:
    """What a run holds at one moment: the share of its files that are done, 0..1, resident bytes and descriptors."""

    share: float
    memory: int
    descriptors: int


@dataclass(frozen=True)
class Run:
    """One lbic command over a folder; ``said`` is its last line, ``looks`` those that were taken on the way."""

    name: str
    files: int
    seconds: float
    code: int
    said: str
    looks: Sequence[Look]

    @property
    def rate(self) -> float:
        """Files per second."""
        return self.files / self.seconds

    def near(self, share: float) -> tuple[float, float]:
        """Median memory (bytes) and descriptors within 5 % of the files before and after a share of them.

        What is seen after the last file does not count: the process is being taken down.
        """
        working = [look for look in self.looks if look.share < 1]
        looks = [look for look in working if abs(look.share - share) <= 0.05] or working[-1:] or self.looks
        return median(look.memory for look in looks), median(look.descriptors for look in looks)


def measure(count: int = PICTURES) -> str:
    """Markdown of every run over ``count`` pictures, or a part of them; Linux alone tells what is needed."""
    # What a shell starts in the background ignores Ctrl-C, and what that starts does too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        some = max(4, count // _PART)
        make(place / "all", count)
        make(place / "some", some)
        compared = [
            compare("compress", place / "some", place / "some.lbic", some),
            compare("decompress", place / "some.lbic", place / "some.png", some),
        ]
        long = [
            run("compress", place / "all", place / "all.lbic", count, "-j", "2"),
            run("decompress", place / "all.lbic", place / "all.png", count),
        ]
        interrupted = interrupt(place / "some", place / "ended", some, contents(place / "some.lbic"))
    return "\n\n".join([speeds(compared), holdings(long), interrupted])


def make(folder: Path, count: int) -> None:
    """Cut ``count`` pictures from one scene of all frequencies, in ten sub-folders; the same ones every time."""
    rng = np.random.default_rng(1)
    field = np.zeros((_SCENE, _SCENE, 3))
    for octave in range(2, 10):
        coarse = rng.normal(0, _FALL**octave, (2**octave, 2**octave, 3)).astype(np.float32)
        planes = [Image.fromarray(coarse[..., c]).resize((_SCENE, _SCENE), Image.Resampling.BICUBIC) for c in range(3)]
        field += np.stack([np.asarray(plane) for plane in planes], axis=-1)
    scene = Image.fromarray(np.uint8(np.clip(128 + 100 * field, 0, 255)))
    for index in range(count):
        width, height = (int(side) for side in rng.integers(_SIDES[0], _SIDES[1] + 1, 2))
        left, top = (int(rng.integers(0, _SCENE - side + 1)) for side in (width, height))
        path = folder / str(index % 10) / f"{index:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene.crop((left, top, left + width, top + height)).save(path, compress_level=1)


def compare(command: str, source: Path, target: Path, count: int) -> list[Run]:
    """The same files with -j 2 on one core, -j 1, and -j 2; what the last run wrote stays in ``target``."""
    core = max(os.sched_getaffinity(0))  # the first one has the interrupts
    return [
        run(command, source, target, count, "-j", "2", core=core, name=f"`{command} -j 2` on one core"),
        run(command, source, target, count, "-j", "1", "-f"),
        run(command, source, target, count, "-j", "2", "-f"),
    ]


def interrupt(source: Path, target: Path, count: int, whole: dict[str, bytes]) -> str:
    """End a run half way and have another one go on: Markdown that holds the result against a ``whole`` run's."""
    ended = run("compress", source, target, count, "-j", "2", end_at=count // 2)
    left = files(target)
    rest = run("compress", source, target, count, "-j", "2", "--skip-existing")
    return resumed(ended, left, rest, contents(target) == whole)


def run(
    command: str,
    source: Path,
    target: Path,
    count: int,
    *options: str,
    core: int | None = None,
    end_at: int | None = None,
    name: str = "",
) -> Run:
    """Run a command over a folder and look at it on the way.

    ``core`` is the only one it may use, ``end_at`` the number of outputs at which it gets Ctrl-C's signal.
    """
    where = ("--device", "cpu") if command == "decompress" else ()
    call = [sys.executable, "-m", "lbic", command, "-r", str(source), "-o", str(target), *options, *where]
    looks: list[Look] = []
    log = target.with_name(f"{target.name}.log")
    with log.open("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=errors)
        if core is not None:
            os.sched_setaffinity(process.pid, {core})  # threads that it makes inherit this
        while not ended(process):
            done = files(target)
            if end_at is not None and done >= end_at:
                process.send_signal(signal.SIGINT)
                end_at = None
            looks += look(process.pid, done / count)
        seconds = time.perf_counter() - started
        errors.seek(0)
        said = errors.read().strip().rpartition("\n")[2]
    title = " ".join([command, *(option for option in options if option != "-f")])
    sys.stderr.write(f"{title}: {seconds:.1f} s, {said}\n")
    return Run(name or f"`{title}`", count, seconds, process.returncode, said, looks)


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait a moment; True when the process ended."""
    try:
        process.wait(_INTERVAL)
    except subprocess.TimeoutExpired:
        return False
    return True


def look(process: int, share: float) -> list[Look]:
    """Return one look at a process; none when it has just ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
        descriptors = sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return []
    if not pages or not descriptors:  # it ended, and nobody has waited for it yet
        return []
    return [Look(share, pages * os.sysconf("SC_PAGESIZE"), descriptors)]


def files(folder: Path) -> int:
    """How many files are in and below a folder."""
    return sum(len(names) for _, _, names in os.walk(folder))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in and below a folder, by its place; what is half written would be among them."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def speeds(compared: Sequence[Sequence[Run]]) -> str:
    """A row a run, and whether -j 2 is as fast as it should be."""
    lines = ["| run | pictures | seconds | pictures a second | against one core |", "|---|---|---|---|---|"]
    verdicts = []
    for one, single, double in compared:
        lines += [
            f"| {run.name} | {run.files:,} | {run.seconds:.1f} | {run.rate:.2f} | {run.rate / one.rate:.2f} |"
            for run in (one, single, double)
        ]
        verdicts += [
            f"{double.name}, at least {_AHEAD} times one core: {_yes(double.rate >= _AHEAD * one.rate)}; "
            f"not slower than {single.name}: {_yes(double.rate >= single.rate)}."
        ]
    return "\n".join(lines) + "\n\n" + "\n".join(verdicts)


def holdings(runs: Sequence[Run]) -> str:
    """What long runs hold at a tenth of the files, at the end, and at most."""
    lines = [
        "| run | pictures | memory at 10 % | at 100 % | at most | descriptors at 10 % | at 100 % | at most |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        (memory, descriptors), (memory_end, descriptors_end) = run.near(0.1), run.near(1)
        lines += [
            f"| {run.name} | {run.files:,} | {memory / _MEGABYTE:.0f} MiB | {memory_end / _MEGABYTE:.0f} MiB "
            f"| {max(look.memory for look in run.looks) / _MEGABYTE:.0f} MiB | {descriptors:.0f} "
            f"| {descriptors_end:.0f} | {max(look.descriptors for look in run.looks)} |"
        ]
    return "\n".join(lines)


def resumed(ended: Run, left: int, rest: Run, same: bool) -> str:
    """What became of a run that was ended half way, and of the one that went on."""
    return (
        f"{ended.name} over {ended.files:,} pictures, interrupted half way: exit code {ended.code}, {left:,} files. "
        f'Again with `--skip-existing`: exit code {rest.code}, "{rest.said}". '
        f"The files are those of a run that nobody interrupted: {_yes(same)}."
    )


def _yes(met: bool) -> str:
    return "yes" if met else "**NO**"
