"""Distillation: train a network towards the mean output of a teacher, an earlier network.

The teacher restores a crop in all eight orientations. The mean of the eight outputs is better
than each of them, and costs eight times as much: Timofte et al., "Seven ways to improve
example-based single image super resolution" (CVPR 2016), section 3.5. The mean lacks the detail
that no network can predict from the coded picture. In the true picture this detail acts as noise
on the gradient.

The target is a point between truth and mean. The squared distance to it equals the weighted sum of
(output - truth)^2 and (output - mean)^2, up to a constant, so one loss serves both.
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
"""A square has four rotations, and four more when mirrored."""


class Teacher:
    """A pool of crops with their targets, which are costly and so serve many steps."""

    def __init__(self, network: Network, distill: DistillConfig, train: TrainConfig, device: torch.device) -> None:
        """Start with an empty pool; ``network`` is the teacher."""
        self.network = network.to(device).requires_grad_(False)
        self.distill = distill
        self.train = train
        self.device = device
        self.pool: list[tuple[Tensor, ...]] = []
        self.oldest = 0

    def sample(self, pairs: PairSet, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Add new crops to the pool, then draw a batch from it, each crop in a random orientation.

        The first call adds a whole batch, later calls ``fresh`` crops. Returns the tensors of
        PairSet.sample, on the device.
        """
        fresh = self.distill.fresh if self.pool else self.train.batch
        batch = pairs.sample(rng, fresh, self.train.patch, self.network.margin)
        self._add(*(torch.from_numpy(values).to(self.device) for values in batch))
        drawn = []
        for _ in range(self.train.batch):
            coded, target, *rest = self.pool[int(rng.integers(len(self.pool)))]
            orientation = int(rng.integers(ORIENTATIONS))
            drawn.append((orient(coded, orientation), orient(target, orientation), *rest))
        return tuple(torch.stack(values) for values in zip(*drawn, strict=True))

    def state(self) -> dict[str, Any]:
        """Return what an exact resume needs."""
        return {"pool": self.pool, "oldest": self.oldest}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the pool of a checkpoint."""
        self.pool = [tuple(value.to(self.device) for value in crop) for crop in state["pool"]]
        self.oldest = int(state["oldest"])

    def _add(self, coded: Tensor, truth: Tensor, error: Tensor, quality: Tensor) -> None:
        """Put new crops with their targets in the pool, in place of the oldest if it is full."""
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.train.autocast == "bf16"):
            mean = mean_of_orientations(self.network, coded, quality)
        target = torch.lerp(truth, mean, self.distill.share)
        for crop in zip(coded, target, error, quality, strict=True):
            if len(self.pool) < self.distill.pool:
                self.pool.append(crop)
            else:
                self.pool[self.oldest] = crop
                self.oldest = (self.oldest + 1) % self.distill.pool


def orient(crops: Tensor, orientation: int) -> Tensor:
    """Bring square crops, (..., side, side), into an orientation, 0..7; 0 is the upright one."""
    return torch.rot90(crops.mT if orientation >= 4 else crops, orientation % 4, (-2, -1))


def orient_back(crops: Tensor, orientation: int) -> Tensor:
    """Undo ``orient``: bring crops upright again."""
    upright = torch.rot90(crops, -(orientation % 4), (-2, -1))
    return upright.mT if orientation >= 4 else upright


def mean_of_orientations(network: Network, coded: Tensor, quality: Tensor) -> Tensor:
    """Return the mean of a network's outputs for the eight orientations of crops.

    The outputs are brought upright; the mean is float32. ``coded`` is (batch, channels, side,
    side) in [0, 1], ``quality`` is (batch,). The output lacks the network's margin on each side.
    """
    crops = network.with_quality(coded, quality)
    outputs = [orient_back(network.inside(orient(crops, each)), each).float() for each in range(ORIENTATIONS)]
    return torch.stack(outputs).mean(0)
