"""Many small pictures: speed, memory and descriptors of commands, and runs that continue."""

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
"""Runs that compare speeds take one picture in this many."""
_SIDES = 96, 256
"""The shortest and the longest side of a picture, in pixels."""
_SCENE = 1024
"""Side of the scene that pictures are cut from, in pixels."""
_FALL = 0.78
"""Factor of the amplitude from octave to octave: crops take about 0.25 bpp at QP 37, like Kodak.
"""
_INTERVAL = 0.25
"""Seconds between two samples of a run."""
_AHEAD = 1.7
"""The bar: pictures per second of -j 2 on two cores, against one core."""
_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Sample:
    """The state of a run at one moment."""

    share: float
    """The share of finished files, 0..1."""
    memory: int
    """Resident bytes."""
    descriptors: int
    """Open file descriptors."""


@dataclass(frozen=True)
class Run:
    """One lbic command over a folder."""

    name: str
    files: int
    seconds: float
    code: int
    """The exit code."""
    summary: str
    """The last line on stderr."""
    samples: Sequence[Sample]
    """Samples in order of time."""

    @property
    def rate(self) -> float:
        """Files per second."""
        return self.files / self.seconds

    def near(self, share: float) -> tuple[float, float]:
        """Return median memory in bytes and median descriptors around a share of the files.

        Samples count within 5 % of the files before and after it. Those after the last file are
        left out, since the process is ending.
        """
        working = [sample for sample in self.samples if sample.share < 1]
        samples = [sample for sample in working if abs(sample.share - share) <= 0.05] or working[-1:] or self.samples
        return median(sample.memory for sample in samples), median(sample.descriptors for sample in samples)


def measure(count: int = PICTURES) -> str:
    """Run everything over ``count`` pictures or a part of them; return Markdown.

    It needs Linux's /proc.
    """
    # A process that a shell starts in the background ignores Ctrl-C, and so do its children.
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
    """Cut ``count`` pictures from one scene into ten sub-folders; they are the same every time."""
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
    """Run a command with -j 2 on one core, -j 1 and -j 2; ``target`` holds the last files."""
    core = max(os.sched_getaffinity(0))  # the first core serves interrupts
    return [
        run(command, source, target, count, "-j", "2", core=core, name=f"`{command} -j 2` on one core"),
        run(command, source, target, count, "-j", "1", "-f"),
        run(command, source, target, count, "-j", "2", "-f"),
    ]


def interrupt(source: Path, target: Path, count: int, whole: dict[str, bytes]) -> str:
    """End a run half way, continue it, and compare the files with ``whole``; return Markdown."""
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
    """Run a command over a folder and sample it.

    ``core`` is the only core that it may use; None permits all. ``end_at`` is the number of
    outputs at which it gets the signal of Ctrl-C; None lets it finish.
    """
    where = ("--device", "cpu") if command == "decompress" else ()
    call = [sys.executable, "-m", "lbic", command, "-r", str(source), "-o", str(target), *options, *where]
    samples: list[Sample] = []
    log = target.with_name(f"{target.name}.log")
    with log.open("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=errors)
        if core is not None:
            os.sched_setaffinity(process.pid, {core})  # its threads inherit this
        while not ended(process):
            finished = files(target)
            if end_at is not None and finished >= end_at:
                process.send_signal(signal.SIGINT)
                end_at = None
            samples += sample(process.pid, finished / count)
        seconds = time.perf_counter() - started
        errors.seek(0)
        summary = errors.read().strip().rpartition("\n")[2]
    title = " ".join([command, *(option for option in options if option != "-f")])
    sys.stderr.write(f"{title}: {seconds:.1f} s, {summary}\n")
    return Run(name or f"`{title}`", count, seconds, process.returncode, summary, samples)


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait a moment; return whether the process has ended."""
    try:
        process.wait(_INTERVAL)
    except subprocess.TimeoutExpired:
        return False
    return True


def sample(process: int, share: float) -> list[Sample]:
    """Return one sample of a process; none when it has just ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
        descriptors = sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return []
    if not pages or not descriptors:  # the process has ended and is not reaped yet
        return []
    return [Sample(share, pages * os.sysconf("SC_PAGESIZE"), descriptors)]


def files(folder: Path) -> int:
    """Return the number of files in a folder and its sub-folders."""
    return sum(len(names) for _, _, names in os.walk(folder))


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder and its sub-folders by its path, temporary ones included."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def speeds(compared: Sequence[Sequence[Run]]) -> str:
    """Return a row for each run, and whether -j 2 meets the bar."""
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
    """Return memory and descriptors of runs at a tenth of the files, at the end, and at most."""
    lines = [
        "| run | pictures | memory at 10 % | at 100 % | at most | descriptors at 10 % | at 100 % | at most |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        (memory, descriptors), (memory_end, descriptors_end) = run.near(0.1), run.near(1)
        lines += [
            f"| {run.name} | {run.files:,} | {memory / _MEGABYTE:.0f} MiB | {memory_end / _MEGABYTE:.0f} MiB "
            f"| {max(sample.memory for sample in run.samples) / _MEGABYTE:.0f} MiB | {descriptors:.0f} "
            f"| {descriptors_end:.0f} | {max(sample.descriptors for sample in run.samples)} |"
        ]
    return "\n".join(lines)


def resumed(ended: Run, left: int, rest: Run, same: bool) -> str:
    """Return a paragraph on a run that was ended half way and on the one that continued it."""
    return (
        f"{ended.name} over {ended.files:,} pictures, interrupted half way: exit code {ended.code}, {left:,} files. "
        f'Again with `--skip-existing`: exit code {rest.code}, "{rest.summary}". '
        f"The files are those of an uninterrupted run: {_yes(same)}."
    )


def _yes(met: bool) -> str:
    return "yes" if met else "**NO**"
