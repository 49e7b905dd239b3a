"""``lbic train teach``: store a teacher's outputs in a prepared folder, for all later trainings.

The true picture holds texture that no network can predict from the coded picture. This texture
acts as noise on the gradient. The output of a teacher, an earlier and larger network, lacks it.
So a small network learns several times as fast from the teacher, and from the true picture at the
end (docs/training.md).

``taught.i8`` holds the teacher's correction of the coded picture, in quarters of an 8-bit level,
for one area of each pair. ``taught.json`` lists the areas.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lbic.errors import FileError
from lbic.nets.base import Network
from lbic.train.data import Bytes, Crop, Floats, PairSet, cut

FORMAT = 1
"""Version of the layout of the stored outputs."""
INDEX, OUTPUTS = "taught.json", "taught.i8"
"""Names of the two files."""
_STEPS = 4
"""Steps in an 8-bit level. The rounding error is a thousandth of the teacher's own error."""
_MOST = 127
CONTEXT = 48
"""Pixels of context around an area: the measured halo of HGRDN lite (docs/models.md)."""
Progress = Callable[[int, int], None]
"""Is called with the number of finished areas and that of all areas."""


@dataclass(frozen=True)
class Area:
    """A part of a coded picture for which a teacher's output is stored."""

    pair: int
    """Index of the pair."""
    top: int
    """First row in pixels."""
    left: int
    """First column in pixels."""
    height: int
    """Height in pixels."""
    width: int
    """Width in pixels."""
    start: int
    """Offset of the output in taught.i8, in bytes."""


class TaughtSet(PairSet):
    """The pairs of a prepared folder with a teacher's outputs.

    ``share`` is the share of the outputs in a target, 0..1. Above 0, crops come from the stored
    areas only; at 0 they come from the whole pictures.
    """

    def __init__(self, folder: Path, spacing: str = "even", gray: float = 0.0) -> None:
        """Open a prepared folder; ``spacing`` and ``gray`` are those of TrainConfig.

        Raises FileError if it is not a prepared folder, or holds no teacher's outputs.
        """
        super().__init__(folder, spacing, gray)
        try:
            content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']}, this lbic reads {FORMAT}")
            self.areas = [Area(**row) for row in content["areas"]]
            self._outputs = np.memmap(folder / OUTPUTS, np.int8, "r")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileError(f"{folder}: holds no teacher's outputs (see lbic train teach): {error}") from error
        weights = [1 / self.pairs[area.pair].quality if spacing == "log" else 1.0 for area in self.areas]
        self._area_odds = np.cumsum(weights) / np.sum(weights)
        self.share = 0.0

    def _target_type(self) -> np.dtype[np.uint8] | np.dtype[np.float32]:
        return np.dtype(np.float32) if self.share > 0 else np.dtype(np.uint8)

    def _draw(self, rng: np.random.Generator, patch: int, margin: int) -> Crop:
        if self.share <= 0:
            return super()._draw(rng, patch, margin)
        area = self.areas[int(np.searchsorted(self._area_odds, rng.random(), side="right"))]
        pair = self.pairs[area.pair]
        truth, coded = self.pictures(pair)
        top, left = (int(rng.integers(max(side - patch, 0) + 1)) for side in (area.height, area.width))
        size = area.height * area.width * self.channels
        stored = self._outputs[area.start : area.start + size].reshape(area.height, area.width, self.channels)
        start, true, change = (cut(part, top, left, patch) for part in (_part(coded, area), _part(truth, area), stored))
        taught: Floats = start + change.astype(np.float32) / np.float32(_STEPS)
        around = cut(coded, area.top + top - margin, area.left + left - margin, patch + 2 * margin)
        target: Floats = true + np.float32(self.share) * (taught - true)
        return Crop(area.pair, around, target, pair.error)


def teach(
    network: Network, fingerprint: str, pairs: PairSet, areas: list[Area], autocast: bool, progress: Progress
) -> int:
    """Store a teacher's outputs for areas of a prepared folder and return the number of pixels.

    ``network`` is the teacher and ``fingerprint`` names it in the index. ``autocast`` computes in
    bfloat16. Outputs stored before are replaced.
    """
    (pairs.folder / INDEX).unlink(missing_ok=True)
    with (pairs.folder / OUTPUTS).open("wb") as file, torch.inference_mode():
        for count, area in enumerate(areas, start=1):
            file.write(_change(network, pairs, area, autocast).tobytes())
            progress(count, len(areas))
    content = {"format": FORMAT, "teacher": fingerprint, "areas": [asdict(area) for area in areas]}
    (pairs.folder / INDEX).write_text(json.dumps(content), encoding="utf-8")
    return sum(area.height * area.width for area in areas)


def choose(pairs: PairSet, count: int, side: int, seed: int) -> list[Area]:
    """Choose random areas, each in another pair.

    There are ``count`` areas, or as many as pairs. They have ``side`` x ``side`` pixels, less in
    smaller pictures.
    """
    rng = np.random.default_rng(seed)
    areas = []
    start = 0
    for index in sorted(rng.permutation(len(pairs))[:count].tolist()):
        pair = pairs.pairs[index]
        height, width = min(side, pair.height), min(side, pair.width)
        top, left = int(rng.integers(pair.height - height + 1)), int(rng.integers(pair.width - width + 1))
        areas.append(Area(index, top, left, height, width, start))
        start += height * width * pairs.channels
    return areas


def share_at(step: float, steps: int, first: float, last: float) -> float:
    """Return the teacher's share in the target of a step; it changes linearly over the steps."""
    return first + (last - first) * step / max(steps - 1, 1)


def _change(network: Network, pairs: PairSet, area: Area, autocast: bool) -> NDArray[np.int8]:
    """Return a teacher's correction, (height, width, channels), in quarters of a level."""
    pair = pairs.pairs[area.pair]
    _, coded = pairs.pictures(pair)
    rows, columns = _around(area.top, area.height, pair.height), _around(area.left, area.width, pair.width)
    part = coded[rows.start : rows.stop, columns.start : columns.stop]
    padding = [(0, -side % network.multiple) for side in part.shape[:2]]
    picture = np.pad(part, (*padding, (0, 0)), "edge").astype(np.float32) / np.float32(255)
    batch = torch.from_numpy(picture.transpose(2, 0, 1)[None].copy()).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        output = network(network.with_quality(batch, torch.tensor([pair.quality])))
    change = (output.float() - batch)[0].permute(1, 2, 0).numpy()[: part.shape[0], : part.shape[1]] * 255
    top, left = area.top - rows.start, area.left - columns.start
    inner = change[top : top + area.height, left : left + area.width]
    stored: NDArray[np.int8] = np.clip(np.rint(inner * _STEPS), -_MOST, _MOST).astype(np.int8)
    return stored


def _around(start: int, size: int, whole: int) -> range:
    return range(max(start - CONTEXT, 0), min(start + size + CONTEXT, whole))


def _part(picture: Bytes, area: Area) -> Bytes:
    return picture[area.top : area.top + area.height, area.left : area.left + area.width]
