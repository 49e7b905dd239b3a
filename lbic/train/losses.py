"""The losses, one row each.

All of them take (output, truth, error) to a scalar: output and truth are (batch, channels, height,
width) in [0, 1], error is (batch,), the mean squared error of the coded picture a crop is from.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lbic import color
from lbic.errors import UsageError

_KNEE = 2.0
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def mse(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """Mean squared error, as in the papers of SRCNN and ARCNN."""
    return F.mse_loss(output, truth)


def l1(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """Mean absolute error."""
    return F.l1_loss(output, truth)


def rmse(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """Mean of the crops' root-mean-square errors: every crop's gradient has about the same length."""
    return torch.sqrt((output - truth).square().mean(dim=(1, 2, 3)) + 1e-8).mean()


def relative(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """Mean squared error as a part of the coded picture's; 1 for a network that changes nothing.

    Plain MSE is ruled by the pictures that coding damaged most. A picture's PSNR is the logarithm
    of its MSE, so this is, to first order, the mean PSNR gain: every picture and quality counts
    the same.
    """
    return ((output - truth).square().mean(dim=(1, 2, 3)) / error).mean()


def relative_luma(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """The mean of ``relative`` of RGB and that of its luma (BT.601), both as parts of the coded picture's RGB error.

    Chroma is the easy part of what a codec damages and the larger part of its error in RGB; eyes look at luma. Above
    ``_KNEE`` a crop counts by its logarithm: where qualities differ by a hundred times in error, those of the best
    pictures would else rule every step, and a network that begins without knowing them falls apart.
    """
    difference = output - truth
    luma = sum(difference[:, i] * float(part) for i, part in enumerate((color.KR, color.KG, color.KB)))
    assert isinstance(luma, Tensor)
    part = 0.5 * (difference.square().mean(dim=(1, 2, 3)) + luma.square().mean(dim=(1, 2))) / error
    loss: Tensor = torch.where(part < _KNEE, part, _KNEE * (1 + torch.log(part.clamp(min=_KNEE) / _KNEE))).mean()
    return loss


LOSSES: dict[str, Loss] = {
    "mse": mse,
    "l1": l1,
    "rmse": rmse,
    "relative": relative,
    "relative-luma": relative_luma,
}


def find(name: str) -> Loss:
    """Find a loss by its name in a configuration; UsageError for an unknown one."""
    if name not in LOSSES:
        raise UsageError(f"unknown loss {name!r}; known: {', '.join(LOSSES)}")
    return LOSSES[name]
