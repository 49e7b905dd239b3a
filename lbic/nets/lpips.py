"""The networks of LPIPS 0.1, a learned distance between two pictures.

LPIPS compares the rectified layers of a classifier (the backbone) with one trained weight per
channel. Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric" (CVPR 2018), equation 1 and section 3. lbic only measures with it and never trains on it.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lbic.errors import MissingError

_EPSILON = 1e-10
_MEAN = torch.tensor([-0.030, -0.088, -0.188]).reshape(1, 3, 1, 1)
_DEVIATION = torch.tensor([0.458, 0.448, 0.450]).reshape(1, 3, 1, 1)
"""Mean and standard deviation of ImageNet's RGB values, scaled to [-1, 1]."""
_PREFIX = "features."
"""Prefix of the convolutions' names in torchvision's weights files."""


class Fire(nn.Module):
    """SqueezeNet's block: a 1x1 convolution, then a 1x1 and a 3x3 convolution side by side."""

    def __init__(self, channels: int, squeezed: int, half: int) -> None:
        """Build the layers: ``channels`` in, ``squeezed`` in between, twice ``half`` out."""
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, half, 1)
        self.expand3x3 = nn.Conv2d(squeezed, half, 3, padding=1)

    def forward(self, batch: Tensor) -> Tensor:
        """Take (batch, channels, height, width) to (batch, 2 * half, height, width)."""
        squeezed = self.squeeze(batch).relu()
        return torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], 1).relu()


def _alexnet() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    )


def _squeezenet() -> nn.Sequential:
    """SqueezeNet 1.1."""
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(Fire(64, 16, 64), Fire(128, 16, 64), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(Fire(128, 32, 128), Fire(256, 32, 128), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256)),
    )


_BACKBONES: dict[str, tuple[Callable[[], nn.Sequential], tuple[int, ...]]] = {
    "alex": (_alexnet, (1, 4, 7, 9, 11)),
    "squeeze": (_squeezenet, (1, 4, 7, 9, 10, 11, 12)),
}
"""For each backbone: its builder, and the indices of the layers that LPIPS compares."""


class LPIPS(nn.Module):
    """A backbone and one head, the channel weights, for each layer that LPIPS compares."""

    def __init__(self, backbone: str, heads: Sequence[NDArray[np.float32]]) -> None:
        """Build the network with random backbone weights.

        ``backbone`` is "alex" or "squeeze". ``heads`` holds the channel weights, (channels,), of
        each compared layer.
        """
        super().__init__()
        build, self.compared = _BACKBONES[backbone]
        self.backbone = build()
        self.heads = nn.ParameterList([torch.from_numpy(weights) for weights in heads])

    @classmethod
    def load(cls, backbone: str, path: Path, heads: Sequence[NDArray[np.float32]]) -> LPIPS:
        """Build the network with the backbone weights of a torchvision file.

        Raises MissingError if the file cannot be read or holds other weights.
        """
        network = cls(backbone, heads)
        try:
            stored = torch.load(path, map_location="cpu", weights_only=True)
            network.backbone.load_state_dict({key: stored[_PREFIX + key] for key in network.backbone.state_dict()})
        except (OSError, LookupError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise MissingError(f"{path}: not the weights of {backbone}: {error}") from error
        return network.eval().requires_grad_(False)

    def forward(self, one: Tensor, two: Tensor) -> Tensor:
        """Return the distances, (batch,), of RGB batches, (batch, 3, height, width) in [-1, 1]."""
        distances = torch.zeros(one.shape[0], device=one.device)
        for head, first, second in zip(self.heads, self._features(one), self._features(two), strict=True):
            weighted = (first - second).square() * head.reshape(1, -1, 1, 1)
            distances = distances + weighted.sum(1).mean((1, 2))
        return distances

    def distance(self, one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
        """Return the distance of two RGB pictures, (height, width, 3) uint8."""
        with torch.inference_mode():
            batches = (torch.from_numpy(each.copy()).permute(2, 0, 1)[None] / 127.5 - 1 for each in (one, two))
            return float(self(*batches))

    def _features(self, batch: Tensor) -> list[Tensor]:
        """Return the compared layers, with each pixel's channels scaled to unit length."""
        compared, features = [], (batch - _MEAN.to(batch)) / _DEVIATION.to(batch)
        for index, layer in enumerate(self.backbone):
            features = layer(features)
            if index in self.compared:
                compared.append(features / (features.square().sum(1, keepdim=True).sqrt() + _EPSILON))
        return compared
