"""Fast ARCNN: removal of compression artifacts from one plane, deeper than ARCNN at less cost.

Yu, Dong, Loy and Tang, "Deep Convolution Networks for Compression Artifacts Reduction" (2016), section 4, make ARCNN
fast by layer decomposition and large strides: its 7x7 layer of 64 to 32 filters, nearly all of its cost, becomes
small layers on a plane of half the sides. Here the stride is a pixel unshuffle (Shi et al., CVPR 2016, reversed), and
the small layers are 3x3 convolutions in pairs with a skip (Kim et al., VDSR; Lim et al., EDSR, section 3.1).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from lbic.nets.base import Network

_STRIDE = 2


class FastARCNN(Network):
    """(batch, 1, height, width) in [0, 1] to the same, even sides; untrained, it is the identity.

    Each convolution pads with zeros: a deep network's ``halo`` of context around a training crop would cost more than
    the crop, so training brings only ``margin`` pixels of it.
    """

    multiple = _STRIDE
    margin = 8

    def __init__(self, filters: int = 48, pairs: int = 6) -> None:
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
        """Restore whole pictures: the output has the input's size."""
        features = self.head(F.pixel_unshuffle(picture - 0.5, _STRIDE))
        for pair in self.pairs:
            features = pair(features)
        return picture + F.pixel_shuffle(self.tail(features), _STRIDE)

    def inside(self, picture: Tensor) -> Tensor:
        """Restore a crop with ``margin`` pixels of context on each side, which the output lacks."""
        margin = self.margin
        restored: Tensor = self(picture)
        return restored[..., margin:-margin, margin:-margin]


class _Pair(nn.Module):
    """Two 3x3 convolutions with a PReLU between, added to what comes in."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(filters, filters, 3, padding=1) for _ in range(2))
        self.slope = nn.PReLU(filters)
        nn.init.kaiming_normal_(self.first.weight, a=0.25)
        nn.init.kaiming_normal_(self.second.weight, nonlinearity="linear")
        self.second.weight.data.mul_(0.3)  # skips add up: small corrections keep their sum in range
        for conv in (self.first, self.second):
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.second(self.slope(self.first(features)))
        return features + change
