"""The networks of LPIPS 0.1: a backbone's rectified layers, compared with trained channel weights.

Zhang et al. (CVPR 2018), equation 1 and section 3. A judge, never part of a training loss.
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
"""ImageNet's, for values in [-1, 1]."""
_PREFIX = "features."
"""Of the keys under which torchvision stores convolutions."""


class Fire(nn.Module):
    """SqueezeNet's block: ``squeezed`` channels by 1x1, then ``half`` by 1x1 and as many by 3x3, all rectified."""

    def __init__(self, channels: int, squeezed: int, half: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, half, 1)
        self.expand3x3 = nn.Conv2d(squeezed, half, 3, padding=1)

    def forward(self, batch: Tensor) -> Tensor:
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
"""How to build each backbone, and which of its layers are compared."""


class LPIPS(nn.Module):
    """``forward`` takes two batches of RGB, (batch, 3, height, width) in [-1, 1], to (batch,) distances."""

    def __init__(self, backbone: str, heads: Sequence[NDArray[np.float32]]) -> None:
        """``backbone`` is alex or squeeze; a head holds the channel weights, (channels,), of one compared layer."""
        super().__init__()
        build, self.compared = _BACKBONES[backbone]
        self.backbone = build()
        self.heads = nn.ParameterList([torch.from_numpy(weights) for weights in heads])

    @classmethod
    def load(cls, backbone: str, path: Path, heads: Sequence[NDArray[np.float32]]) -> LPIPS:
        """Build it with the weights of a file under torchvision's keys; MissingError for a file without them."""
        network = cls(backbone, heads)
        try:
            stored = torch.load(path, map_location="cpu", weights_only=True)
            network.backbone.load_state_dict({key: stored[_PREFIX + key] for key in network.backbone.state_dict()})
        except (OSError, LookupError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise MissingError(f"{path}: not the weights of {backbone}: {error}") from error
        return network.eval().requires_grad_(False)

    def forward(self, one: Tensor, two: Tensor) -> Tensor:
        distances = torch.zeros(one.shape[0], device=one.device)
        for head, first, second in zip(self.heads, self._features(one), self._features(two), strict=True):
            weighted = (first - second).square() * head.reshape(1, -1, 1, 1)
            distances = distances + weighted.sum(1).mean((1, 2))
        return distances

    def distance(self, one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
        """The distance of two pictures, (height, width, 3), 8 bits."""
        with torch.inference_mode():
            batches = (torch.from_numpy(each.copy()).permute(2, 0, 1)[None] / 127.5 - 1 for each in (one, two))
            return float(self(*batches))

    def _features(self, batch: Tensor) -> list[Tensor]:
        """The compared layers, each pixel scaled to unit length over the channels."""
        found, features = [], (batch - _MEAN.to(batch)) / _DEVIATION.to(batch)
        for index, layer in enumerate(self.backbone):
            features = layer(features)
            if index in self.compared:
                found.append(features / (features.square().sum(1, keepdim=True).sqrt() + _EPSILON))
        return found
