"""Decode damaged files until the time is up (``make fuzz``): none may do harm.

    .venv/bin/python tests/fuzzer.py --seconds 60 [--seed 1] [--first 0] [--files N]

Files are decoded as by ``lbic decompress --type 0``, with decoders in worker processes. A finding
is an exception other than LbicError, or a file that takes more than ten seconds; it makes the exit
code 1. The file is kept in --keep with its traceback, and so is a file that crashed a worker. Seed
and number of a file reproduce it.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from mutations import Seed, mutate, seal, take_apart

from lbic import pipeline
from lbic.codecs import jpeg, vvc
from lbic.codecs.base import Geometry
from lbic.enhance.types import NONE
from lbic.errors import LbicError
from lbic.format import container
from lbic.isolation import process
from lbic.isolation.process import DecoderError

FOLDERS = (Path(__file__).parent / "golden", Path(__file__).parent / "corpus")
LARGEST_SEED = 4000
"""Bytes of a file to start from: small pictures decode in a millisecond."""
LARGEST_PICTURE = 16_000_000
"""Pixels. Of larger pictures only the stream is decoded: the whole takes 20 bytes per pixel."""
SLOW = 10
UNSEALED = 1 / 20
SETTINGS = pipeline.DecompressSettings(NONE, apart=True)


@dataclass
class Tally:
    """Counts of the results."""

    files: int = 0
    sealed: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    """Files whose stream reached a decoder's library, by codec."""
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: int = 0
    """Worker processes that ended; the user gets one error line."""
    findings: int = 0
    slowest: float = 0

    def lines(self, seconds: float) -> Iterator[str]:
        """Return the counts as lines of text."""
        yield f"{self.files:,} files in {seconds:.0f} s ({self.files / seconds:.0f}/s), {self.sealed:,} sealed"
        yield "reached a decoder: " + ", ".join(f"{name} {count:,}" for name, count in sorted(self.reached.items()))
        yield f"findings {self.findings}, decoder processes that crashed or hung {self.crashes}"
        yield f"slowest file {self.slowest:.2f} s, most memory {_memory(resource.RUSAGE_SELF):.0f} MB here, "
        yield f"{_memory(resource.RUSAGE_CHILDREN):.0f} MB in a decoder's process (of those that ended)"
        yield from (f"{count:9,}  {outcome}" for outcome, count in self.outcomes.most_common())


def corpus() -> list[Seed]:
    """Return the small files of all codecs."""
    paths = sorted(path for folder in FOLDERS for path in folder.glob("*.lbic"))
    return [take_apart(path.name, path.read_bytes()) for path in paths if path.stat().st_size <= LARGEST_SEED]


def make(seeds: Sequence[Seed], seed: int, number: int) -> tuple[bytes, bool]:
    """Return the file with a number, and whether its checksum is right."""
    random = Random(f"{seed} {number}")
    data = mutate(seeds, random)
    sealed = None if random.random() < UNSEALED else seal(data)
    return (data, False) if sealed is None else (sealed, True)


def decode(data: bytes, tally: Tally) -> str:
    """Decode as ``lbic decompress --type 0`` and return the result's kind.

    Raises exceptions other than LbicError.
    """
    try:
        _count_decoder(data, tally)
        header = container.read_header(data)
        if header.width * header.height <= LARGEST_PICTURE:
            pipeline.decompress(data, SETTINGS)
            return f"decoded {header.codec}"
        pipeline.verify(data, apart=True)
        return f"decoded {header.codec}, too large to be made whole here"
    except DecoderError as error:
        if error.unforeseen:
            raise
        tally.crashes += 1
        return _sentence(error)
    except LbicError as error:
        return _sentence(error)


def _count_decoder(data: bytes, tally: Tally) -> None:
    """Count a file whose stream passes lbic's own checks and so reaches a library.

    Raises as decompress does.
    """
    header, stream = pipeline.extract(data)
    geometry = Geometry(*header.coded_size, header.gray)
    if header.codec in ("vvc", "vtm"):
        vvc.check(stream, geometry)
    elif header.codec == "jpeg":
        jpeg.opened(stream, geometry)
    tally.reached["vvc" if header.codec == "vtm" else header.codec] += 1


def _sentence(error: LbicError) -> str:
    """Return an error's message without numbers and without the library's details."""
    text = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8}\b|[\d,.]*\d", "N", str(error))
    return f"{type(error).__name__}: {text[:90]}"


def _memory(who: int) -> float:
    """Return the peak memory of a process in megabytes (Linux counts kilobytes)."""
    return resource.getrusage(who).ru_maxrss / 1024


def run(seed: int, numbers: Iterator[int], until: float, keep: Path) -> Tally:
    """Decode the files with these numbers until a time of time.monotonic."""
    tally, seeds, told = Tally(), corpus(), time.monotonic()
    for number in numbers:
        started = time.monotonic()
        if started > until:
            break
        if started > told + 60:
            told = started
            sys.stderr.write(f"{number:,}: {tally.findings} findings, {tally.crashes} crashes\n")
        data, sealed = make(seeds, seed, number)
        tally.files += 1
        tally.sealed += sealed
        crashes, story = tally.crashes, ""
        try:
            outcome = decode(data, tally)
        except Exception as error:
            outcome, story = f"FINDING {type(error).__name__}: {error}"[:100], traceback.format_exc()
        taken = time.monotonic() - started
        tally.slowest = max(tally.slowest, taken)
        tally.outcomes[outcome] += 1
        if taken > SLOW and not story:
            story = f"took {taken:.1f} s: {outcome}"
        tally.findings += bool(story)
        if story or tally.crashes > crashes:
            keep.mkdir(exist_ok=True)
            (keep / f"{seed}-{number}.lbic").write_bytes(data)
            (keep / f"{seed}-{number}.txt").write_text(story or outcome, encoding="utf-8")
    return tally


def main() -> int:
    """Run the fuzzer; return the exit code, 1 if there are findings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--files", type=int, default=1 << 62)
    parser.add_argument("--keep", type=Path, default=Path("fuzz"))
    chosen = parser.parse_args()
    sys.stdout.write(f"seed {chosen.seed}\n")
    started = time.monotonic()
    numbers = iter(range(chosen.first, chosen.first + chosen.files))
    tally = run(chosen.seed, numbers, started + chosen.seconds, chosen.keep)
    process.end_idle()  # so that its memory is counted
    sys.stdout.write("\n".join(tally.lines(time.monotonic() - started)) + "\n")
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
