"""The losses, one row each: (output, truth), both (batch, channels, height, width), to a scalar."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lbic.errors import UsageError

Loss = Callable[[Tensor, Tensor], Tensor]


def rmse(output: Tensor, truth: Tensor) -> Tensor:
    """Mean of the crops' root-mean-square errors: nearer to a mean of PSNRs than MSE is.

    MSE is ruled by the worst coded crops of a batch; here every crop's gradient has about the
    same length.
    """
    return torch.sqrt((output - truth).square().mean(dim=(1, 2, 3)) + 1e-8).mean()


LOSSES: dict[str, Loss] = {
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "rmse": rmse,
}


def find(name: str) -> Loss:
    """Find a loss by its name in a configuration; UsageError for an unknown one."""
    if name not in LOSSES:
        raise UsageError(f"unknown loss {name!r}; known: {', '.join(LOSSES)}")
    return LOSSES[name]
