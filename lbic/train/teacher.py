"""Training towards what an earlier network says of a crop in all eight orientations, not towards the truth alone.

The mean of a network's outputs over the eight orientations of a picture is better than each of them (Timofte et al.,
"Seven ways to improve example-based single image super resolution", CVPR 2016, section 3.5), and takes eight times as
long. As a target it lacks what nobody can predict from the coded picture, which is noise to a step. (output - truth)^2
and (output - mean)^2, weighted, differ by a constant from the square of the distance to a point between both: that
point is the target.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lbic.nets.base import Network
from lbic.train.config import DistillConfig, TrainConfig
from lbic.train.data import PairSet

ORIENTATIONS = 8


class Teacher:
    """A pool of crops with their targets: the teacher's eight runs for a crop serve all steps that draw it."""

    def __init__(self, network: Network, distill: DistillConfig, train: TrainConfig, device: torch.device) -> None:
        self.network = network.to(device).requires_grad_(False)
        self.distill = distill
        self.train = train
        self.device = device
        self.pool: list[tuple[Tensor, ...]] = []
        self.oldest = 0

    def sample(self, pairs: PairSet, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Crops of the pool in random orientations, as PairSet.sample returns them but on the device.

        The pool gets its new crops first; in the beginning they are a whole batch.
        """
        fresh = self.distill.fresh if self.pool else self.train.batch
        found = pairs.sample(rng, fresh, self.train.patch, self.network.margin)
        self._take(*(torch.from_numpy(values).to(self.device) for values in found))
        drawn = []
        for _ in range(self.train.batch):
            coded, target, *rest = self.pool[int(rng.integers(len(self.pool)))]
            turn = int(rng.integers(ORIENTATIONS))
            drawn.append((turned(coded, turn), turned(target, turn), *rest))
        return tuple(torch.stack(values) for values in zip(*drawn, strict=True))

    def state(self) -> dict[str, Any]:
        """What an exact resume needs."""
        return {"pool": self.pool, "oldest": self.oldest}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with the pool of a checkpoint."""
        self.pool = [tuple(value.to(self.device) for value in crop) for crop in state["pool"]]
        self.oldest = int(state["oldest"])

    def _take(self, coded: Tensor, truth: Tensor, error: Tensor, quality: Tensor) -> None:
        """Put crops in the pool, in the place of the oldest ones when it is full."""
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.train.autocast == "bf16"):
            mean = mean_of_orientations(self.network, coded, quality)
        target = torch.lerp(truth, mean, self.distill.share)
        for crop in zip(coded, target, error, quality, strict=True):
            if len(self.pool) < self.distill.pool:
                self.pool.append(crop)
            else:
                self.pool[self.oldest] = crop
                self.oldest = (self.oldest + 1) % self.distill.pool


def turned(crops: Tensor, turn: int) -> Tensor:
    """One of the eight orientations of square crops, (..., height, width)."""
    return torch.rot90(crops.mT if turn >= 4 else crops, turn % 4, (-2, -1))


def turned_back(crops: Tensor, turn: int) -> Tensor:
    """Undo ``turned``."""
    upright = torch.rot90(crops, -(turn % 4), (-2, -1))
    return upright.mT if turn >= 4 else upright


def mean_of_orientations(network: Network, coded: Tensor, quality: Tensor) -> Tensor:
    """The mean of what a network makes of crops, (batch, channels, side, side), in their eight orientations.

    Each is brought upright again; float32.
    """
    seen = network.with_quality(coded, quality)
    outputs = [turned_back(network.inside(turned(seen, turn)), turn).float() for turn in range(ORIENTATIONS)]
    return torch.stack(outputs).mean(0)
