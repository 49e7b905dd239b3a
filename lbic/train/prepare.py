"""``lbic train prepare``: a folder of pictures becomes a folder of coded pairs, once.

The .lbic files are kept in ``streams``: an interrupted run goes on where it stopped, and other
planes can be taken from them later without coding again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lbic.errors import FileError, ImageError, reason
from lbic.picture.load import load
from lbic.picture.suffixes import PICTURES
from lbic.system import cores, files
from lbic.train import degrade
from lbic.train.config import DataConfig
from lbic.train.data import Bytes, PairWriter

_SHIFT = 0.6180339887498949 / 3
_SHIFTS = 0.7548776662466927, 0.5698402909980532
"""Of two values together: 1 / p and 1 / p^2, p^3 = p + 1, whose multiples fill a square evenly."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """One picture and the codings it gets: (quality, contrast limited to 16..235).

    ``camera`` is what degrade.camera makes of it first, by how much enlarged and with how much grain; None for nothing.
    """

    path: Path
    codings: tuple[tuple[int, bool], ...]
    camera: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """The name of the picture in messages and in the index."""
        return f"{self.path.name} camera" if self.camera else self.path.name


def pictures(folder: Path) -> list[Path]:
    """All pictures of a folder in order of name; FileError when there are none."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES) if folder.is_dir() else []
    if not paths:
        raise FileError(f"{folder}: no pictures there")
    return paths


def training_jobs(paths: list[Path], data: DataConfig) -> list[Job]:
    """Give every picture ``per_picture`` qualities, spread over the range as ``spacing`` says, and over the set.

    The qualities of one picture are equally far apart; their common shift moves by an irrational part of the
    range (a third of the golden ratio) from picture to picture, which fills the range evenly whatever the number
    of pictures.
    """
    low, high = data.quality
    jobs = []
    limited = 0.0
    for index, (path, camera) in enumerate(_versions(paths, data)):
        codings = []
        for k in range(data.per_picture):
            place = (index * _SHIFT + k / data.per_picture) % 1
            limited += data.limited_range
            codings.append((_quality_at(place, low, high, data.spacing), limited >= 1))
            limited %= 1
        jobs.append(Job(path, tuple(codings), camera))
    return jobs


def _quality_at(place: float, low: int, high: int, spacing: str) -> int:
    """The quality at a place from 0 to below 1 of a range: of equal shares, or of octaves of equal shares."""
    if spacing == "log":
        return int(low * ((high + 1) / low) ** place)
    return low + int(place * (high - low + 1))


def validation_jobs(paths: list[Path], data: DataConfig) -> list[Job]:
    """Give every picture all of the validation qualities."""
    codings = tuple((quality, False) for quality in data.validation)
    return [Job(path, codings, camera) for path, camera in _versions(paths, data)]


def _versions(paths: list[Path], data: DataConfig) -> Iterator[tuple[Path, tuple[float, float] | None]]:
    """Every picture as it is, then, where the recipe wants that, every one as a camera might give it."""
    yield from ((path, None) for path in paths)
    if data.enlarge > 1 or data.grain > 0:
        for number, path in enumerate(paths, start=1):
            first, second = (number * shift % 1 for shift in _SHIFTS)
            yield path, (1 + first * (data.enlarge - 1), second * data.grain)


def prepare(jobs: list[Job], data: DataConfig, folder: Path, workers: int, progress: Progress) -> int:
    """Code all pictures, fill the folder (see data.py) and return the number of pairs."""
    streams = folder / "streams"
    streams.mkdir(parents=True, exist_ok=True)
    with cores.shared_by(workers), PairWriter(folder, data.channels) as writer:
        for done, (job, (truth, *coded)) in enumerate(_coded(jobs, data, streams, workers), start=1):
            for limited in sorted({limited for _, limited in job.codings}):
                wanted = [
                    (quality, picture)
                    for (quality, is_limited), picture in zip(job.codings, coded, strict=True)
                    if is_limited == limited
                ]
                writer.add(job.name, _limit(truth) if limited else truth, wanted)
            progress(done, len(jobs))
        writer.close({"data": dataclasses.asdict(data)})
    return sum(len(job.codings) for job in jobs)


def _coded(jobs: list[Job], data: DataConfig, streams: Path, workers: int) -> Iterator[tuple[Job, list[Bytes]]]:
    """Every job with its true picture and its codings, in order, a few jobs ahead of the caller."""
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(jobs), 4 * workers):
            part = jobs[start : start + 4 * workers]
            yield from zip(part, pool.map(lambda job: _code(job, data, streams), part), strict=True)


def _code(job: Job, data: DataConfig, streams: Path) -> list[Bytes]:
    try:
        content = job.path.read_bytes()
        image = load(content, keep_icc=True).image.convert("RGB")  # in the colours that its file is in
    except OSError as error:
        raise FileError(f"{job.path}: cannot be read: {reason(error)}") from error
    except ImageError as error:
        raise ImageError(f"{job.path}: {error}") from error
    # By content, not by place: a pack is unpacked elsewhere, and sub-folders may have pictures of one name.
    about = f"{data.codec} {data.scale} {data.effort}"
    if job.camera:
        about += " {:.4f} {:.4f}".format(*job.camera)
        image = degrade.camera(image, *job.camera, seed=zlib.crc32(content))
    key = hashlib.sha256(content + about.encode()).hexdigest()[:16]
    pictures = [degrade.true(image, data.channels)]
    for quality, limited in job.codings:
        stream = streams / f"{job.path.name}.{key}.q{quality}{'l' if limited else ''}.lbic"
        if not stream.is_file():
            source = degrade.limit_range(image) if limited else image
            files.write(stream, degrade.encode(source, data, quality))
        pictures.append(degrade.coded(stream.read_bytes(), data.channels))
    return pictures


def _limit(picture: Bytes) -> Bytes:
    """Luma or RGB of a picture whose contrast was limited as degrade.limit_range does."""
    limited: Bytes = np.rint(16 + picture.astype(np.float32) * np.float32(219 / 255)).astype(np.uint8)
    return limited
