"""The fast networks: residual pairs of plain convolutions at a half or a quarter of the picture's sides.

Pixel unshuffle (Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network", CVPR 2016, reversed) brings every block of pixels to one position of many channels, where
a 3x3 convolution sees farther for less. The body is EDSR's (Lim et al., "Enhanced Deep Residual Networks for Single
Image Super-Resolution", CVPR Workshops 2017, section 3.1): pairs of convolutions with a skip, no normalisation, and a
skip around all of them. Nothing but convolutions, rectifiers and additions: a CPU spends its time in arithmetic, not in
moving memory, and every ONNX Runtime provider runs it well.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lbic.nets.base import Network

_PICTURE = 3
_PAIR_START = 0.1
"""What a pair's last weights are multiplied by at first: skips add up, small changes keep their sum in range."""
_STRENGTHS = 8


class Fast(Network):
    """(batch, 4, height, width), RGB in [0, 1] and the quality plane, to RGB; sides are multiples of ``stride``.

    Untrained, it is nearly the identity. ``features`` is the body's width in channels, ``pairs`` half its depth in
    convolutions, ``head`` the side of the first one's kernel; without ``plain`` the rectifiers
    learn their slopes, and the skip around the body is left to those of its pairs, as in Fast ARCNN. The
    correction's strength is a function of the quality, learned apart: what a codec damages differs by more than ten
    times between its qualities, and a network that has to find that in its last digits is too strong for the best.
    Each convolution pads with zeros; training crops bring ``margin`` pixels of true context, since the
    whole reach would cost more than a crop.
    """

    channels = _PICTURE
    quality_plane = True
    margin = 16
    ends = ("head", "tail")

    def __init__(self, features: int, pairs: int, stride: int = 4, head: int = 3, plain: bool = True) -> None:
        """Build the layers with random weights."""
        super().__init__()
        block = stride * stride
        self.multiple = self.stride = stride
        self.plain = plain
        self.head = nn.Conv2d((_PICTURE + 1) * block, features, head, padding=head // 2)
        self.pairs = nn.ModuleList(_Pair(features, plain) for _ in range(pairs))
        self.tail = nn.Conv2d(features, _PICTURE * block, 3, padding=1)
        last = nn.Conv2d(_STRENGTHS, 1, 1)
        self.strength = nn.Sequential(nn.Conv2d(1, _STRENGTHS, 1), nn.ReLU(), last)
        self.halo = stride * (head // 2 + 2 * pairs + 1 + 1)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="linear")
        nn.init.normal_(self.tail.weight, std=1e-4)
        nn.init.normal_(last.weight, std=1e-3)
        for conv in (self.head, self.tail, last):
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)

    def forward(self, picture: Tensor) -> Tensor:
        """Restore whole pictures: the output has the input's size."""
        blocks = F.pixel_unshuffle(picture - 0.5, self.stride)
        shallow = features = self.head(blocks)
        for pair in self.pairs:
            features = pair(features)
        if self.plain:
            features = features + shallow
        correction = self.tail(features) * torch.exp(self.strength(blocks[:, -1:]))
        return picture[:, :_PICTURE] + F.pixel_shuffle(correction, self.stride)

    def inside(self, picture: Tensor) -> Tensor:
        """Restore a crop with ``margin`` pixels of context on each side, which the output lacks."""
        margin = self.margin
        restored: Tensor = self(picture)
        return restored[..., margin:-margin, margin:-margin]


class _Pair(nn.Module):
    """Two 3x3 convolutions with a rectifier between, added to what comes in."""

    def __init__(self, features: int, plain: bool) -> None:
        """Build the layers with random weights."""
        super().__init__()
        self.first, self.second = (nn.Conv2d(features, features, 3, padding=1) for _ in range(2))
        self.slope = nn.ReLU() if plain else nn.PReLU(features)
        for conv in (self.first, self.second):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        self.second.weight.data.mul_(_PAIR_START)

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.second(self.slope(self.first(features)))
        return features + change
