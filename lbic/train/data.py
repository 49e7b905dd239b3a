"""Prepared pictures: pairs of undamaged and coded pictures on disk, and random crops from them.

A prepared folder (written by prepare.py) holds ``truth.u8`` and ``coded.u8``, luma or interleaved RGB
of 8 bits, one picture after the other, and ``index.json``, which says where each one lies. Both files
are memory-mapped, so a set may be larger than memory, and nothing but numpy is needed to read it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from lbic import color
from lbic.errors import FileError, UsageError
from lbic.train.config import DataConfig

FORMAT = 2
LEAST_ERROR = 1e-5
"""50 dB: no crop weighs more than one from a picture as good as this."""
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Sample = TypeVar("Sample", bound=np.generic)


@dataclass(frozen=True)
class Pair:
    """One coded picture: its size, quality, and where its planes begin in the two files.

    ``error`` is the mean squared error of values in [0, 1].
    """

    source: str
    width: int
    height: int
    quality: int
    truth: int
    coded: int
    error: float


class Batch(NamedTuple):
    """What a training step sees, values in [0, 1].

    ``coded`` is (batch, channels, patch + 2 margin, same), ``truth`` (batch, channels, patch, patch); ``error``,
    (batch,), is the mean squared error of the whole coded picture that a crop is from, ``quality``, (batch,), what
    that was coded with, in the codec's own numbers.
    """

    coded: Floats
    truth: Floats
    error: Floats
    quality: Floats


class Crop(NamedTuple):
    """A crop of the pair number ``pair``, (height, width, channels) in levels.

    ``coded`` brings its context, ``target`` does not; ``error`` is the mean squared error of the whole coded picture,
    values in [0, 1].
    """

    pair: int
    coded: Bytes | Floats
    target: Bytes | Floats
    error: float


class PairSet:
    """All pairs of a prepared folder."""

    def __init__(self, folder: Path, spacing: str = "even", gray: float = 0.0) -> None:
        """Open a folder, to draw from it as ``spacing`` and ``gray`` say (see TrainConfig).

        FileError when it is not a prepared one.
        """
        self.folder = folder
        self.gray = gray
        self._luma_errors: dict[int, float] = {}
        try:
            content = json.loads((folder / "index.json").read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']}, this lbic reads {FORMAT}")
            self.about: dict[str, object] = content["about"]
            self.channels = int(content.get("channels", 1))
            """1 for luma, 3 for RGB."""
            self.pairs = [Pair(**row) for row in content["pairs"]]
            self._truth: Bytes = np.memmap(folder / "truth.u8", np.uint8, "r")
            self._coded: Bytes = np.memmap(folder / "coded.u8", np.uint8, "r")
            if spacing == "log" and any(pair.quality == 0 for pair in self.pairs):
                raise ValueError("quality 0 cannot be drawn by its logarithm")
            weights = [1 / pair.quality if spacing == "log" else 1.0 for pair in self.pairs]
            self._odds = np.cumsum(weights) / np.sum(weights)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileError(f"{folder}: not a prepared folder (see lbic train prepare): {error}") from error

    def check(self, data: DataConfig) -> None:
        """Raise UsageError for a folder that was prepared for another codec, scale or number of channels."""
        stated = self.about.get("data")
        prepared = {"channels": self.channels, **(stated if isinstance(stated, dict) else {})}
        for name in ("codec", "scale", "channels"):
            wanted = getattr(data, name)
            if prepared.get(name, wanted) != wanted:
                raise UsageError(f"{self.folder}: was prepared with {name} {prepared[name]}, the recipe has {wanted}")

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.pairs)

    def pictures(self, pair: Pair) -> tuple[Bytes, Bytes]:
        """The undamaged and the coded picture of a pair, (height, width, channels) each."""
        shape = (pair.height, pair.width, self.channels)
        size = pair.width * pair.height * self.channels
        truth = self._truth[pair.truth : pair.truth + size].reshape(shape)
        coded = self._coded[pair.coded : pair.coded + size].reshape(shape)
        return truth, coded

    def sample(self, rng: np.random.Generator, batch: int, patch: int, margin: int) -> Batch:
        """Draw random crops, each turned into one of its eight orientations.

        A margin that reaches over the border of a picture repeats its outermost pixels, as a
        network's own padding does.
        """
        side = patch + 2 * margin
        coded_crops = np.empty((batch, self.channels, side, side), np.float32)
        truth_crops = np.empty((batch, self.channels, patch, patch), np.float32)
        errors, qualities = np.empty(batch, np.float32), np.empty(batch, np.float32)
        for i in range(batch):
            crop = self._draw(rng, patch, margin)
            turn = int(rng.integers(8))
            if self.gray and rng.random() < self.gray:
                crop = crop._replace(
                    coded=_gray(crop.coded), target=_gray(crop.target), error=self._luma_error(crop.pair)
                )
            errors[i], qualities[i] = max(crop.error, LEAST_ERROR), self.pairs[crop.pair].quality
            coded_crops[i] = _orient(crop.coded, turn).transpose(2, 0, 1)
            truth_crops[i] = _orient(crop.target, turn).transpose(2, 0, 1)
        return Batch(coded_crops / np.float32(255), truth_crops / np.float32(255), errors, qualities)

    def _draw(self, rng: np.random.Generator, patch: int, margin: int) -> Crop:
        """A random crop, not yet turned."""
        index = int(np.searchsorted(self._odds, rng.random(), side="right"))
        pair = self.pairs[index]
        truth, coded = self.pictures(pair)
        top = int(rng.integers(max(pair.height - patch, 0) + 1))
        left = int(rng.integers(max(pair.width - patch, 0) + 1))
        around = cut(coded, top - margin, left - margin, patch + 2 * margin)
        return Crop(index, around, cut(truth, top, left, patch), pair.error)

    def _luma_error(self, index: int) -> float:
        """Mean squared error of a coded picture's luma, values in [0, 1]; each is computed once."""
        if index not in self._luma_errors:
            truth, coded = (_gray(picture)[..., 0] for picture in self.pictures(self.pairs[index]))
            self._luma_errors[index] = float(np.square(truth - coded).mean()) / 255**2
        return self._luma_errors[index]


def _gray(picture: Bytes | Floats) -> Floats:
    """RGB as a gray picture of its luma (BT.601), whole levels where that has them: three equal channels."""
    luma = picture @ np.array([color.KR, color.KG, color.KB], np.float32)
    return np.repeat((np.rint(luma) if picture.dtype == np.uint8 else luma)[..., None], 3, axis=2)


def cut(picture: NDArray[Sample], top: int, left: int, side: int) -> NDArray[Sample]:
    """A square crop whose parts outside the picture repeat its border."""
    height, width = picture.shape[:2]
    if top >= 0 and left >= 0 and top + side <= height and left + side <= width:
        return picture[top : top + side, left : left + side]
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    return picture[np.ix_(rows, columns)]


def _orient(crop: Bytes | Floats, turn: int) -> Bytes | Floats:
    """One of the eight orientations of a square."""
    if turn >= 4:
        crop = crop.swapaxes(0, 1)
    return np.rot90(crop, turn % 4)


class PairWriter:
    """Writes a prepared folder, a picture and its codings at a time. Left by ``with`` unclosed, it has no index."""

    def __init__(self, folder: Path, channels: int) -> None:
        """Create the folder; the index of a folder that exists is removed."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.json").unlink(missing_ok=True)
        self._folder = folder
        self._channels = channels
        self._pairs: list[Pair] = []
        self._truth = (folder / "truth.u8").open("wb")
        self._coded = (folder / "coded.u8").open("wb")

    def add(self, source: str, truth: Bytes, codings: list[tuple[int, Bytes]]) -> None:
        """Append one picture, (height, width, channels), and its codings as (quality, picture)."""
        height, width = truth.shape[:2]
        start = self._truth.tell()
        self._truth.write(np.ascontiguousarray(truth).tobytes())
        for quality, coded in codings:
            error = float(np.square(truth.astype(np.float32) - coded).mean()) / 255**2
            self._pairs.append(Pair(source, width, height, quality, start, self._coded.tell(), error))
            self._coded.write(np.ascontiguousarray(coded).tobytes())

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the files; the folder gets no index."""
        self._truth.close()
        self._coded.close()

    def close(self, about: dict[str, object]) -> None:
        """Finish the folder; the index is written last, so a half-written folder is never read."""
        self._truth.close()
        self._coded.close()
        pairs = [asdict(pair) for pair in self._pairs]
        content = {"format": FORMAT, "channels": self._channels, "about": about, "pairs": pairs}
        (self._folder / "index.json").write_text(json.dumps(content), encoding="utf-8")
