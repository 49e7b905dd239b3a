"""Count the arithmetic of a training step."""

from __future__ import annotations

import copy

import torch
from torch.utils.flop_counter import FlopCounterMode

from lbic.train.trainer import Trainer

_PASSES = 3
"""A step costs three forward passes: its own, and about two for the gradients."""


def of_a_step(trainer: Trainer) -> float:
    """Return the floating-point operations of the network's convolutions in one step.

    A multiplication and an addition count as two operations. Other networks of the training are
    not counted.
    """
    network = copy.deepcopy(trainer.average).to("meta")
    train = trainer.config.train
    side = train.patch + 2 * trainer.network.margin
    crop = torch.empty(1, network.channels + network.quality_plane, side, side, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.inside(crop)
    return float(counter.get_total_flops() * train.batch * _PASSES)
