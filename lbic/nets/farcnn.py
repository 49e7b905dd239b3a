"""Fast ARCNN: removes compression artifacts from luma, deeper and cheaper than ARCNN.

Nearly all of ARCNN's cost is its 7x7 layer from 64 to 32 filters. Yu, Dong, Loy and Tang, "Deep
Convolution Networks for Compression Artifacts Reduction" (2016), section 4, replace it by small
layers on a plane with half the sides. This network does so in its own way:

- A pixel unshuffle halves the sides: the reverse of Shi et al., "Real-Time Single Image and Video
  Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network" (CVPR 2016).
- The small layers are pairs of 3x3 convolutions with a skip connection: Lim et al., "Enhanced Deep
  Residual Networks for Single Image Super-Resolution" (CVPR Workshops 2017), section 3.1.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from lbic.nets.base import Network

_STRIDE = 2
"""Side in pixels of the blocks that the pixel unshuffle turns into channels."""


class FastARCNN(Network):
    """The network; untrained, it returns its input nearly unchanged.

    Its convolutions pad with zeros. A training crop brings ``margin`` pixels of context only: the
    whole ``halo`` of so deep a network would cost more than the crop itself.
    """

    multiple = _STRIDE
    margin = 8

    def __init__(self, filters: int = 48, pairs: int = 6) -> None:
        """Build ``pairs`` pairs of convolutions, each with ``filters`` channels."""
        super().__init__()
        planes = _STRIDE * _STRIDE
        self.head = nn.Conv2d(planes, filters, 5, padding=2)
        self.pairs = nn.ModuleList(_Pair(filters) for _ in range(pairs))
        self.tail = nn.Conv2d(filters, planes, 3, padding=1)
        self.halo = _STRIDE * (2 + 2 * pairs + 1 + 1)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="linear")
        nn.init.normal_(self.tail.weight, std=1e-4)
        for conv in (self.head, self.tail):
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)

    def forward(self, picture: Tensor) -> Tensor:
        """Restore pictures, (batch, 1, height, width) in [0, 1] with even sides."""
        features = self.head(F.pixel_unshuffle(picture - 0.5, _STRIDE))
        for pair in self.pairs:
            features = pair(features)
        return picture + F.pixel_shuffle(self.tail(features), _STRIDE)

    def inside(self, picture: Tensor) -> Tensor:
        """Restore crops and cut off their ``margin`` pixels of context on each side."""
        margin = self.margin
        restored: Tensor = self(picture)
        return restored[..., margin:-margin, margin:-margin]


class _Pair(nn.Module):
    """Two 3x3 convolutions with a PReLU in between, and a skip connection."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(filters, filters, 3, padding=1) for _ in range(2))
        self.slope = nn.PReLU(filters)
        nn.init.kaiming_normal_(self.first.weight, a=0.25)
        nn.init.kaiming_normal_(self.second.weight, nonlinearity="linear")
        self.second.weight.data.mul_(0.3)  # the pairs' corrections add up: each starts small
        for conv in (self.first, self.second):
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.second(self.slope(self.first(features)))
        return features + change
