"""The fast network: residual pairs of plain convolutions at a quarter of the picture's sides.

Pixel unshuffle (Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network", CVPR 2016, reversed) brings every 4x4 block of pixels to one position of many channels,
where a 3x3 convolution costs a sixteenth of what it does at full size and sees four times as far. The body is EDSR's
(Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR Workshops 2017, section 3.1):
pairs of convolutions with a skip, no normalisation, and a skip around all of them. Nothing but convolutions, ReLU and
additions: a CPU spends its time in arithmetic, not in moving memory, and every ONNX Runtime provider runs it well.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from lbic.nets.base import Network

_STRIDE = 4
_PICTURE = 3
_PAIR_START = 0.1
"""What a pair's last weights are multiplied by at first: skips add up, small changes keep their sum in range."""


class Fast(Network):
    """(batch, 4, height, width), RGB in [0, 1] and the quality plane, to RGB; sides are multiples of 4.

    Untrained, it is nearly the identity. ``features`` is the body's width in channels, ``pairs`` half its depth in
    convolutions. Each convolution pads with zeros; training crops bring ``margin`` pixels of true context, since the
    whole reach would cost more than a crop.
    """

    channels = _PICTURE
    quality_plane = True
    multiple = _STRIDE
    margin = 16
    ends = ("head", "tail")

    def __init__(self, features: int, pairs: int) -> None:
        super().__init__()
        block = _STRIDE * _STRIDE
        self.head = nn.Conv2d((_PICTURE + 1) * block, features, 3, padding=1)
        self.pairs = nn.ModuleList(_Pair(features) for _ in range(pairs))
        self.tail = nn.Conv2d(features, _PICTURE * block, 3, padding=1)
        self.halo = _STRIDE * (2 + 2 * pairs + 1)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="linear")
        nn.init.normal_(self.tail.weight, std=1e-4)
        for conv in (self.head, self.tail):
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)

    def forward(self, picture: Tensor) -> Tensor:
        """Restore whole pictures: the output has the input's size."""
        shallow = features = self.head(F.pixel_unshuffle(picture - 0.5, _STRIDE))
        for pair in self.pairs:
            features = pair(features)
        return picture[:, :_PICTURE] + F.pixel_shuffle(self.tail(features + shallow), _STRIDE)

    def inside(self, picture: Tensor) -> Tensor:
        """Restore a crop with ``margin`` pixels of context on each side, which the output lacks."""
        margin = self.margin
        restored: Tensor = self(picture)
        return restored[..., margin:-margin, margin:-margin]


class _Pair(nn.Module):
    """Two 3x3 convolutions with a ReLU between, added to what comes in."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(features, features, 3, padding=1) for _ in range(2))
        for conv in (self.first, self.second):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        self.second.weight.data.mul_(_PAIR_START)

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.second(F.relu(self.first(features)))
        return features + change
