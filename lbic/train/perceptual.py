"""The loss of texture restoration: pixels, features and a discriminator, in the recipe's proportions.

Kim et al., "Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed Images", equation 8. One term is
added: a feature loss alone weaves a fine pattern into walls and skies, where the eye is least forgiving and
the features do not mind, so errors weigh more where the true picture is flat.
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
"""Size of a map below which its difference is no longer taken as a part of it."""
_WINDOW = 9
_FLAT = 2.0 / 255
"""Local standard deviation of luma at which the flat term has lost two thirds of its weight."""
_LUMA = torch.tensor([KR, KG, KB]).reshape(1, 3, 1, 1)


class Perceptual:
    """The terms, and the discriminator that is trained along with the network."""

    def __init__(self, config: PerceptualConfig, pixel: Loss, features: Features, device: torch.device) -> None:
        self.config = config
        self.pixel = pixel
        self.features = features.to(device)
        self.discriminator = Discriminator(config.filters).to(device) if config.adversarial else None
        if self.discriminator:
            self.optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=config.rate, betas=_BETAS)

    def loss(self, output: Tensor, truth: Tensor, error: Tensor) -> Tensor:
        """The network's loss; tensors as in losses.py, RGB."""
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
        """Let the discriminator see what the network made of its last batch."""
        if not self.discriminator:
            return
        self.discriminator.requires_grad_(True)
        loss = relativistic(self.discriminator(truth), self.discriminator(output.detach()))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def state(self) -> dict[str, Any]:
        """What an exact resume needs."""
        if not self.discriminator:
            return {}
        return {"discriminator": self.discriminator.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        if self.discriminator:
            self.discriminator.load_state_dict(state["discriminator"])
            self.optimizer.load_state_dict(state["optimizer"])

    def _feature(self, output: Tensor, truth: Tensor) -> Tensor:
        """Mean over the maps of their absolute difference, as a part of the true map's own size."""
        with torch.no_grad():
            wanted = self.features(truth)
        pairs = zip(self.features(output), wanted, strict=True)
        parts = [F.l1_loss(got, want) / want.abs().mean().clamp_min(_LEAST) for got, want in pairs]
        return torch.stack(parts).mean()


def flat_error(output: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute error, weighted with exp(-(deviation / 2 levels)^2) of the true luma around each pixel."""
    luma = (truth * _LUMA.to(truth)).sum(1, keepdim=True)
    mean, square = (
        F.avg_pool2d(values, _WINDOW, 1, _WINDOW // 2, count_include_pad=False) for values in (luma, luma.square())
    )
    variance = (square - mean.square()).clamp_min(0)
    return ((output - truth).abs() * torch.exp(-variance / _FLAT**2)).mean()
