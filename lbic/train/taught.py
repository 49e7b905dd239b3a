"""A teacher's outputs beside the pairs of a prepared folder: computed once, part of the target ever after.

The truth holds texture that nobody can predict from the coded picture, which is noise to a step; the output of an
earlier, larger network does not. A small network learns from it several times as fast, and ends on the truth
(docs/training.md). The file ``taught.i8`` holds what the teacher adds to the coded picture, in quarters of a level, for
one area of each pair; ``taught.json`` says where each one lies.
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
INDEX, OUTPUTS = "taught.json", "taught.i8"
_STEPS = 4
"""Steps of the stored change in a level: the rounding's error is a thousandth of what the teacher leaves."""
_MOST = 127
CONTEXT = 48
"""Pixels around an area that the teacher sees: as far as HGRDN lite looks to a tenth of a level (docs/models.md)."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Area:
    """The part of the pair ``pair`` that a teacher has seen, in pixels, and where its bytes begin in the file."""

    pair: int
    top: int
    left: int
    height: int
    width: int
    start: int


class TaughtSet(PairSet):
    """The pairs of a prepared folder with a teacher's outputs.

    ``share`` is how much of a target is the teacher's: above 0, crops come from the areas that it has seen, at 0 from
    everywhere.
    """

    def __init__(self, folder: Path, spacing: str = "even", gray: float = 0.0) -> None:
        """Open a folder; FileError when it is not a prepared one, or no teacher has seen it."""
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
    """Compute a teacher's outputs for areas of a prepared folder, store them there, return the number of pixels.

    ``fingerprint`` names the teacher in the index, ``autocast`` computes in bf16.
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
    """``count`` areas of ``side`` x ``side`` pixels, each somewhere in another pair; fewer where there are fewer pairs,
    smaller in smaller pictures."""
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


def share_at(step: int, steps: int, first: float, last: float) -> float:
    """The teacher's share in the target of a step: a straight line from the first step to the last."""
    return first + (last - first) * step / max(steps - 1, 1)


def _change(network: Network, pairs: PairSet, area: Area, autocast: bool) -> NDArray[np.int8]:
    """What the teacher adds to an area, int8, in steps of a quarter level."""
    pair = pairs.pairs[area.pair]
    _, coded = pairs.pictures(pair)
    rows, columns = _around(area.top, area.height, pair.height), _around(area.left, area.width, pair.width)
    seen = coded[rows.start : rows.stop, columns.start : columns.stop]
    padding = [(0, -side % network.multiple) for side in seen.shape[:2]]
    picture = np.pad(seen, (*padding, (0, 0)), "edge").astype(np.float32) / np.float32(255)
    batch = torch.from_numpy(picture.transpose(2, 0, 1)[None].copy()).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        output = network(network.with_quality(batch, torch.tensor([pair.quality])))
    change = (output.float() - batch)[0].permute(1, 2, 0).numpy()[: seen.shape[0], : seen.shape[1]] * 255
    top, left = area.top - rows.start, area.left - columns.start
    inner = change[top : top + area.height, left : left + area.width]
    stored: NDArray[np.int8] = np.clip(np.rint(inner * _STEPS), -_MOST, _MOST).astype(np.int8)
    return stored


def _around(start: int, size: int, whole: int) -> range:
    return range(max(start - CONTEXT, 0), min(start + size + CONTEXT, whole))


def _part(picture: Bytes, area: Area) -> Bytes:
    return picture[area.top : area.top + area.height, area.left : area.left + area.width]
