"""The pixel losses.

Each takes ``output``, ``truth`` and ``error`` and returns a scalar. Output and truth are (batch,
channels, height, width) in [0, 1]. Error is (batch,): the mean squared error of the whole coded
picture from which a crop was taken, for values in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lbic import color
from lbic.errors import UsageError

_KNEE = 2.0
"""Relative error above which ``relative_luma`` grows like a logarithm."""
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def mse(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """Return the mean squared error, as in the papers of SRCNN and ARCNN."""
    return F.mse_loss(output, truth)


def l1(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """Return the mean absolute error."""
    return F.l1_loss(output, truth)


def rmse(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """Return the mean of the crops' RMS errors, whose gradients have about equal lengths."""
    return torch.sqrt((output - truth).square().mean(dim=(1, 2, 3)) + 1e-8).mean()


def relative(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """Return the mean ratio of the crops' squared error to the coded pictures' error.

    It is about 1 if the network changes nothing. PSNR is the logarithm of the MSE, so this loss
    follows the mean PSNR gain to first order, and all pictures and qualities count the same. In
    plain MSE the pictures with the most damage dominate.
    """
    return ((output - truth).square().mean(dim=(1, 2, 3)) / error).mean()


def relative_luma(output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
    """Return the mean of ``relative`` for RGB and for BT.601 luma.

    Both errors are divided by the RGB error of the coded picture. Most of a codec's RGB error is
    in chroma, which is easy to restore; the eye sees luma. Above ``_KNEE`` a crop's part of the
    loss grows like a logarithm. Errors differ by a factor of 100 between qualities, so without it
    the crops of the best pictures would dominate every step, and an untrained network would
    diverge.
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
    """Return a loss by its name in a recipe; raises UsageError for an unknown name."""
    if name not in LOSSES:
        raise UsageError(f"unknown loss {name!r}; known: {', '.join(LOSSES)}")
    return LOSSES[name]
