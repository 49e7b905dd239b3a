"""Prepared folders: pairs of true and coded pictures on disk, and random crops from them.

A prepared folder holds ``truth.u8`` and ``coded.u8``: luma or interleaved RGB of 8 bits, one
picture after the other. ``index.json`` lists the pictures and their places. Both files are
memory-mapped, so a folder may be larger than the memory. prepare.py writes it; reading it needs
only numpy.
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
"""Version of the layout of prepared folders."""
LEAST_ERROR = 1e-5
"""Smallest mean squared error in a batch, 50 dB: it limits the weight of good pictures."""
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Sample = TypeVar("Sample", bound=np.generic)


@dataclass(frozen=True)
class Pair:
    """A coded picture and its true picture in a prepared folder."""

    source: str
    """Name of the picture's file."""
    width: int
    """Width in pixels."""
    height: int
    """Height in pixels."""
    quality: int
    """Quality of the coding, in the codec's own numbers."""
    truth: int
    """Offset of the true picture in truth.u8, in bytes."""
    coded: int
    """Offset of the coded picture in coded.u8, in bytes."""
    error: float
    """Mean squared error of the coded picture, for values in [0, 1]."""


class Batch(NamedTuple):
    """The crops of a training step, with values in [0, 1]."""

    coded: Floats
    """Coded crops with context, (batch, channels, patch + 2 margin, patch + 2 margin)."""
    truth: Floats
    """True crops, (batch, channels, patch, patch)."""
    error: Floats
    """Mean squared errors of the coded pictures from which the crops are taken, (batch,)."""
    quality: Floats
    """Qualities of these pictures in the codec's own numbers, (batch,)."""


class Levels(NamedTuple):
    """The crops of a training step, with values in 8-bit levels."""

    coded: Bytes
    """Coded crops with context, (batch, channels, patch + 2 margin, patch + 2 margin)."""
    truth: Bytes | Floats
    """Targets, (batch, channels, patch, patch)."""
    error: Floats
    """As in Batch."""
    quality: Floats
    """As in Batch."""


class Crop(NamedTuple):
    """A crop of a pair, with values in 8-bit levels."""

    pair: int
    """Index of the pair."""
    coded: Bytes | Floats
    """The coded crop with context, (height, width, channels)."""
    target: Bytes | Floats
    """The target without context, (height, width, channels)."""
    error: float
    """Mean squared error of the whole coded picture, for values in [0, 1]."""


class PairSet:
    """The pairs of a prepared folder."""

    def __init__(self, folder: Path, spacing: str = "even", gray: float = 0.0) -> None:
        """Open a prepared folder; ``spacing`` and ``gray`` are those of TrainConfig.

        Raises FileError if it is not a readable prepared folder.
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
        """Raise UsageError if the folder has another codec, scale or number of channels."""
        stated = self.about.get("data")
        prepared = {"channels": self.channels, **(stated if isinstance(stated, dict) else {})}
        for name in ("codec", "scale", "channels"):
            value = getattr(data, name)
            if prepared.get(name, value) != value:
                raise UsageError(f"{self.folder}: was prepared with {name} {prepared[name]}, the recipe has {value}")

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.pairs)

    def pictures(self, pair: Pair) -> tuple[Bytes, Bytes]:
        """Return a pair's true and coded picture, (height, width, channels) uint8 each."""
        shape = (pair.height, pair.width, self.channels)
        size = pair.width * pair.height * self.channels
        truth = self._truth[pair.truth : pair.truth + size].reshape(shape)
        coded = self._coded[pair.coded : pair.coded + size].reshape(shape)
        return truth, coded

    def sample(self, rng: np.random.Generator, batch: int, patch: int, margin: int) -> Batch:
        """Draw random crops as ``draw`` does, with values in [0, 1]."""
        coded, truth, error, quality = self.draw(rng, batch, patch, margin)
        return Batch(_unit(coded), _unit(truth), error, quality)

    def draw(self, rng: np.random.Generator, batch: int, patch: int, margin: int) -> Levels:
        """Draw random crops, each in one of its eight orientations.

        ``patch`` is their side, ``margin`` the context on each side, in pixels. Context outside
        the picture repeats its border, as a network's own padding does.
        """
        side = patch + 2 * margin
        coded_crops = np.empty((batch, self.channels, side, side), np.uint8)
        truth_crops: Bytes | Floats = np.zeros((batch, self.channels, patch, patch), self._target_type())
        errors, qualities = np.empty(batch, np.float32), np.empty(batch, np.float32)
        for i in range(batch):
            crop = self._draw(rng, patch, margin)
            orientation = int(rng.integers(8))
            if self.gray and rng.random() < self.gray:
                crop = crop._replace(
                    coded=_gray(crop.coded), target=_gray(crop.target), error=self._luma_error(crop.pair)
                )
            errors[i], qualities[i] = max(crop.error, LEAST_ERROR), self.pairs[crop.pair].quality
            coded_crops[i] = _orient(crop.coded, orientation).transpose(2, 0, 1)
            truth_crops[i] = _orient(crop.target, orientation).transpose(2, 0, 1)
        return Levels(coded_crops, truth_crops, errors, qualities)

    def _target_type(self) -> np.dtype[np.uint8] | np.dtype[np.float32]:
        """Return the type that holds all targets exactly."""
        return np.dtype(np.uint8)

    def _draw(self, rng: np.random.Generator, patch: int, margin: int) -> Crop:
        """Draw a random crop in the picture's own orientation."""
        index = int(np.searchsorted(self._odds, rng.random(), side="right"))
        pair = self.pairs[index]
        truth, coded = self.pictures(pair)
        top = int(rng.integers(max(pair.height - patch, 0) + 1))
        left = int(rng.integers(max(pair.width - patch, 0) + 1))
        around = cut(coded, top - margin, left - margin, patch + 2 * margin)
        return Crop(index, around, cut(truth, top, left, patch), pair.error)

    def _luma_error(self, index: int) -> float:
        """Return the mean squared error of a coded picture's luma, for values in [0, 1].

        Each one is computed once and kept.
        """
        if index not in self._luma_errors:
            truth, coded = (_gray(picture)[..., 0] for picture in self.pictures(self.pairs[index]))
            self._luma_errors[index] = float(np.square(truth - coded).mean()) / 255**2
        return self._luma_errors[index]


def _unit(levels: Bytes | Floats) -> Floats:
    """Return 8-bit levels as float32 in [0, 1]."""
    values: Floats = levels.astype(np.float32) / np.float32(255)
    return values


def _gray(picture: Bytes | Floats) -> Floats:
    """Replace the channels of an RGB picture by its BT.601 luma, rounded for uint8."""
    luma = picture @ np.array([color.KR, color.KG, color.KB], np.float32)
    return np.repeat((np.rint(luma) if picture.dtype == np.uint8 else luma)[..., None], 3, axis=2)


def cut(picture: NDArray[Sample], top: int, left: int, side: int) -> NDArray[Sample]:
    """Return the square crop of a picture with its corner at ``top`` and ``left``.

    Parts of it outside the picture repeat the border.
    """
    height, width = picture.shape[:2]
    if top >= 0 and left >= 0 and top + side <= height and left + side <= width:
        return picture[top : top + side, left : left + side]
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    return picture[np.ix_(rows, columns)]


def _orient(crop: Bytes | Floats, orientation: int) -> Bytes | Floats:
    """Bring a square crop, (side, side, channels), into an orientation, 0..7."""
    if orientation >= 4:
        crop = crop.swapaxes(0, 1)
    return np.rot90(crop, orientation % 4)


class PairWriter:
    """Writes a prepared folder, one picture with its codings at a time.

    Without ``close`` the folder has no index and cannot be read.
    """

    def __init__(self, folder: Path, channels: int) -> None:
        """Make the folder, or empty it; ``channels`` is 1 for luma, 3 for RGB."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.json").unlink(missing_ok=True)
        self._folder = folder
        self._channels = channels
        self._pairs: list[Pair] = []
        self._truth = (folder / "truth.u8").open("wb")
        self._coded = (folder / "coded.u8").open("wb")

    def add(self, source: str, truth: Bytes, codings: list[tuple[int, Bytes]]) -> None:
        """Append a true picture and its codings, each a quality and the coded picture.

        All pictures are (height, width, channels) uint8.
        """
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
        """Close the files without an index."""
        self._truth.close()
        self._coded.close()

    def close(self, about: dict[str, object]) -> None:
        """Finish the folder: write the index, with ``about`` in it, after everything else."""
        self._truth.close()
        self._coded.close()
        pairs = [asdict(pair) for pair in self._pairs]
        content = {"format": FORMAT, "channels": self._channels, "about": about, "pairs": pairs}
        (self._folder / "index.json").write_text(json.dumps(content), encoding="utf-8")
