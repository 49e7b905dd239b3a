"""The loss of texture restoration: a weighted sum of pixel, feature, flat and adversarial terms.

Source: Kim et al., "Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed
Images", equation 8. The flat term is added: a feature loss leaves a fine pattern in walls and
skies, which the features hardly see and the eye does. So the flat term weighs errors where the
true picture is flat.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lbic.color import KB, KG, KR
from lbic.nets.discriminator import Discriminator, relativistic
from lbic.nets.features import Features
from lbic.train.config import PerceptualConfig
from lbic.train.losses import Loss

_BETAS = (0.9, 0.999)
_LEAST = 1e-3
"""Smallest divisor of a map's difference, so that an empty map does not divide by zero."""
_WINDOW = 9
"""Side in pixels of the window that the local deviation is taken from."""
_FLAT = 2.0 / 255
"""Local standard deviation of luma at which the flat term's weight falls to 1 / e."""
_LUMA = torch.tensor([KR, KG, KB]).reshape(1, 3, 1, 1)


class Perceptual:
    """The terms of the loss, and the discriminator, which is trained together with the network."""

    def __init__(self, config: PerceptualConfig, pixel: Loss, features: Features, device: torch.device) -> None:
        """Prepare the terms; ``pixel`` is the pixel loss, ``features`` serves the feature loss."""
        self.config = config
        self.pixel = pixel
        self.features = features.to(device)
        self.discriminator = Discriminator(config.filters).to(device) if config.adversarial else None
        if self.discriminator:
            self.optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=config.rate, betas=_BETAS)

    def loss(self, output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
        """Return the network's loss, a scalar; the tensors are those of losses.py, RGB."""
        config = self.config
        total = config.pixel * self.pixel(output, truth, error) + config.feature * self._feature(output, truth)
        if config.flat:
            total = total + config.flat * flat_error(output, truth)
        if self.discriminator:
            self.discriminator.requires_grad_(False)
            real = self.discriminator(truth)
            total = total + config.adversarial * relativistic(self.discriminator(output), real)
        return total

    def learn(self, output: Tensor, truth: Tensor) -> None:
        """Train the discriminator one step on the network's last batch; RGB as in ``loss``."""
        if not self.discriminator:
            return
        self.discriminator.requires_grad_(True)
        loss = relativistic(self.discriminator(truth), self.discriminator(output.detach()))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def state(self) -> dict[str, Any]:
        """Return what an exact resume needs."""
        if not self.discriminator:
            return {}
        return {"discriminator": self.discriminator.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the state of a checkpoint."""
        if self.discriminator:
            self.discriminator.load_state_dict(state["discriminator"])
            self.optimizer.load_state_dict(state["optimizer"])

    def _feature(self, output: Tensor, truth: Tensor) -> Tensor:
        """Return the mean relative difference of the feature maps.

        The difference of a map is relative to the mean absolute value of the true picture's map.
        """
        with torch.no_grad():
            true_maps = self.features(truth)
        pairs = zip(self.features(output), true_maps, strict=True)
        parts = [F.l1_loss(own, true) / true.abs().mean().clamp_min(_LEAST) for own, true in pairs]
        return torch.stack(parts).mean()


def flat_error(output: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute error of RGB batches, weighted by how flat the true picture is.

    A pixel's weight is exp(-(s / 2)^2); s is the standard deviation, in 8-bit levels, of the true
    luma in the 9x9 window around it. Both tensors are (batch, 3, height, width) in [0, 1].
    """
    luma = (truth * _LUMA.to(truth)).sum(1, keepdim=True)
    mean, square = (
        F.avg_pool2d(values, _WINDOW, 1, _WINDOW // 2, count_include_pad=False) for values in (luma, luma.square())
    )
    variance = (square - mean.square()).clamp_min(0)
    return ((output - truth).abs() * torch.exp(-variance / _FLAT**2)).mean()
