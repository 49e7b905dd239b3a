"""The network of LPIPS 0.1: AlexNet's five rectified layers, compared with trained channel weights.

Zhang et al. (CVPR 2018), equation 1 and section 3. A judge, never part of a training loss.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from lbic.errors import MissingError

_EPSILON = 1e-10
_MEAN = torch.tensor([-0.030, -0.088, -0.188]).reshape(1, 3, 1, 1)
_DEVIATION = torch.tensor([0.458, 0.448, 0.450]).reshape(1, 3, 1, 1)
"""ImageNet's, for values in [-1, 1]."""


class LPIPS(nn.Module):
    """``forward`` takes two batches of RGB, (batch, 3, height, width) in [-1, 1], to (batch,) distances."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(3, 64, 11, stride=4, padding=2),
                nn.Conv2d(64, 192, 5, padding=2),
                nn.Conv2d(192, 384, 3, padding=1),
                nn.Conv2d(384, 256, 3, padding=1),
                nn.Conv2d(256, 256, 3, padding=1),
            ]
        )
        self.heads = nn.ParameterList([torch.zeros(size) for size in (64, 192, 384, 256, 256)])

    @classmethod
    def load(cls, backbone: Path, heads: Sequence[NDArray[np.float32]]) -> LPIPS:
        """Build it from a file with AlexNet's weights under torchvision's keys; MissingError for another file."""
        network = cls()
        try:
            stored = torch.load(backbone, map_location="cpu", weights_only=True)
            for conv, index in zip(network.convs, (0, 3, 6, 8, 10), strict=True):
                conv.load_state_dict({name: stored[f"features.{index}.{name}"] for name in ("weight", "bias")})
        except (OSError, KeyError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise MissingError(f"{backbone}: not AlexNet's weights: {error}") from error
        for head, values in zip(network.heads, heads, strict=True):
            head.data.copy_(torch.from_numpy(values))
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
        """The rectified outputs of the five layers, each pixel scaled to unit length over the channels."""
        found, layer = [], (batch - _MEAN.to(batch)) / _DEVIATION.to(batch)
        for index, conv in enumerate(self.convs):
            if index in (1, 2):
                layer = F.max_pool2d(layer, 3, 2)
            layer = F.relu(conv(layer))
            found.append(layer / (layer.square().sum(1, keepdim=True).sqrt() + _EPSILON))
        return found
