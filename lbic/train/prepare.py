"""``lbic train prepare``: compress and decode a folder of pictures, once for all trainings.

The prepared folder holds pairs of true and coded pictures (data.py). It keeps the .lbic files in
``streams``: an interrupted run resumes from them, and a later run decodes them without an encoder.
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
"""A third of the golden ratio: its multiples, modulo 1, fill an interval evenly."""
_SHIFTS = 0.7548776662466927, 0.5698402909980532
"""1 / p and 1 / p^2 with p^3 = p + 1: their multiples, modulo 1, fill a square evenly."""
Progress = Callable[[int, int], None]
"""Is called with the number of finished pictures and that of all pictures."""


@dataclass(frozen=True)
class Job:
    """A picture to prepare."""

    path: Path
    """The picture's file."""
    codings: tuple[tuple[int, bool], ...]
    """(quality, contrast reduced to 16..235) of each coding."""
    camera: tuple[float, float] | None = None
    """Enlargement and grain of degrade.camera, which changes the picture first; None for none."""

    @property
    def name(self) -> str:
        """The picture's name in the index of the prepared folder."""
        return f"{self.path.name} camera" if self.camera else self.path.name


def pictures(folder: Path) -> list[Path]:
    """Return the pictures below a folder, sorted; raises FileError if there are none."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES) if folder.is_dir() else []
    if not paths:
        raise FileError(f"{folder}: holds no pictures")
    return paths


def training_jobs(paths: list[Path], data: DataConfig) -> list[Job]:
    """Give each picture ``per_picture`` qualities, spread over the range by ``spacing``.

    The qualities of one picture are equally far apart. From picture to picture they shift by a
    third of the golden ratio, so that they fill the range evenly for any number of pictures.
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
    """Return the quality at a place, 0 <= place < 1, in the range of qualities.

    With ``spacing`` "even" each quality has an equal share of the places, with "log" each octave.
    """
    if spacing == "log":
        return int(low * ((high + 1) / low) ** place)
    return low + int(place * (high - low + 1))


def validation_jobs(paths: list[Path], data: DataConfig) -> list[Job]:
    """Give each picture all validation qualities."""
    codings = tuple((quality, False) for quality in data.validation)
    return [Job(path, codings, camera) for path, camera in _versions(paths, data)]


def _versions(paths: list[Path], data: DataConfig) -> Iterator[tuple[Path, tuple[float, float] | None]]:
    """Yield each picture unchanged, then each with camera effects if the recipe asks for them."""
    yield from ((path, None) for path in paths)
    if data.enlarge > 1 or data.grain > 0:
        for number, path in enumerate(paths, start=1):
            first, second = (number * shift % 1 for shift in _SHIFTS)
            yield path, (1 + first * (data.enlarge - 1), second * data.grain)


def prepare(jobs: list[Job], data: DataConfig, folder: Path, workers: int, progress: Progress) -> int:
    """Compress and decode all pictures, write the prepared folder and return its number of pairs.

    ``workers`` pictures are prepared at the same time. Raises FileError or ImageError, with the
    file's name, for a picture that cannot be read.
    """
    streams = folder / "streams"
    streams.mkdir(parents=True, exist_ok=True)
    with cores.shared_by(workers), PairWriter(folder, data.channels) as writer:
        for count, (job, (truth, *coded)) in enumerate(_coded(jobs, data, streams, workers), start=1):
            for limited in sorted({limited for _, limited in job.codings}):
                codings = [
                    (quality, picture)
                    for (quality, is_limited), picture in zip(job.codings, coded, strict=True)
                    if is_limited == limited
                ]
                writer.add(job.name, _limit(truth) if limited else truth, codings)
            progress(count, len(jobs))
        writer.close({"data": dataclasses.asdict(data)})
    return sum(len(job.codings) for job in jobs)


def _coded(jobs: list[Job], data: DataConfig, streams: Path, workers: int) -> Iterator[tuple[Job, list[Bytes]]]:
    """Yield each job with its true picture and its coded ones, in order.

    Worker threads run a few jobs ahead of the caller.
    """
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(jobs), 4 * workers):
            part = jobs[start : start + 4 * workers]
            yield from zip(part, pool.map(lambda job: _code(job, data, streams), part), strict=True)


def _code(job: Job, data: DataConfig, streams: Path) -> list[Bytes]:
    """Return the true picture of a job and its coded ones, (height, width, channels) each."""
    try:
        content = job.path.read_bytes()
        image = load(content, keep_icc=True).image.convert("RGB")  # without conversion to sRGB
    except OSError as error:
        raise FileError(f"{job.path}: cannot be read: {reason(error)}") from error
    except ImageError as error:
        raise ImageError(f"{job.path}: {error}") from error
    # The name of a stream depends on the picture's content, not on its path: a pack is unpacked in
    # another folder, and two sub-folders may hold pictures of the same name.
    about = f"{data.codec} {data.scale} {data.effort}"
    if job.camera:
        about += " {:.4f} {:.4f}".format(*job.camera)
        image = degrade.camera(image, *job.camera, seed=zlib.crc32(content))
    key = hashlib.sha256(content + about.encode()).hexdigest()[:16]
    pictures = [degrade.true_picture(image, data.channels)]
    for quality, limited in job.codings:
        stream = streams / f"{job.path.name}.{key}.q{quality}{'l' if limited else ''}.lbic"
        if not stream.is_file():
            source = degrade.limit_range(image) if limited else image
            files.write(stream, degrade.encode(source, data, quality))
        pictures.append(degrade.coded_picture(stream.read_bytes(), data.channels))
    return pictures


def _limit(picture: Bytes) -> Bytes:
    """Reduce the contrast of luma or RGB to 16..235, as degrade.limit_range does."""
    limited: Bytes = np.rint(16 + picture.astype(np.float32) * np.float32(219 / 255)).astype(np.uint8)
    return limited
