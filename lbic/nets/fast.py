"""The fast networks: pairs of 3x3 convolutions at a half or a quarter of the picture's sides.

A pixel unshuffle turns each block of pixels into the channels of one position, so a 3x3
convolution reaches farther at less cost: the reverse of Shi et al., "Real-Time Single Image and
Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network" (CVPR 2016).

The body is that of EDSR: pairs of convolutions with a skip connection, a skip around all pairs,
and no normalisation. Source: Lim et al., "Enhanced Deep Residual Networks for Single Image
Super-Resolution" (CVPR Workshops 2017), section 3.1. There are only convolutions, rectifiers and
additions: a CPU spends its time on arithmetic and not on moving memory, and all ONNX Runtime
providers support them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lbic.nets.base import Network

_PICTURE = 3
"""Channels of the picture, RGB."""
_PAIR_START = 0.1
"""Factor of a pair's last weights at the start: the pairs' corrections add up."""
_STRENGTHS = 8
"""Hidden units of the function from quality to strength."""
_BORDER = 8
"""Pixels by which the border of a picture is repeated outwards."""


class Fast(Network):
    """The network; untrained, it returns its input nearly unchanged.

    The correction is multiplied by a strength, a learned function of the quality. A codec's
    damage differs by a factor of more than 10 between its qualities; without the strength the
    corrections of the best pictures are too strong.

    The convolutions pad with zeros. A training crop brings ``margin`` pixels of context only: the
    whole ``halo`` would cost more than the crop itself.
    """

    channels = _PICTURE
    quality_plane = True
    margin = 16
    ends = ("head", "tail")

    def __init__(self, features: int, pairs: int, stride: int = 4, head: int = 3, plain: bool = True) -> None:
        """Build the untrained network.

        ``features`` is the number of channels in the body, ``pairs`` the number of its pairs,
        ``stride`` the side of the unshuffled blocks, ``head`` the kernel side of the first
        convolution. With ``plain`` the rectifiers are ReLUs and a skip connection goes around the
        body; without it they are PReLUs and the pairs have the only skips, as in Fast ARCNN.
        """
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
        """Restore pictures, whose sides are multiples of ``stride``.

        The input is (batch, 4, height, width), RGB in [0, 1] and the quality plane; the output is
        RGB of the same size. The border is repeated outwards, as it is around training crops:
        zeros next to saturated colours would leave a line along the border.
        """
        padded = F.pad(picture, (_BORDER,) * 4, mode="replicate")
        return self._restore(padded)[..., _BORDER:-_BORDER, _BORDER:-_BORDER]

    def inside(self, picture: Tensor) -> Tensor:
        """Restore crops and cut off their ``margin`` pixels of context on each side."""
        margin = self.margin
        return self._restore(picture)[..., margin:-margin, margin:-margin]

    def _restore(self, picture: Tensor) -> Tensor:
        blocks = F.pixel_unshuffle(picture - 0.5, self.stride)
        shallow = features = self.head(blocks)
        for pair in self.pairs:
            features = pair(features)
        if self.plain:
            features = features + shallow
        correction = self.tail(features) * torch.exp(self.strength(blocks[:, -1:]))
        return picture[:, :_PICTURE] + F.pixel_shuffle(correction, self.stride)


class _Pair(nn.Module):
    """Two 3x3 convolutions with a rectifier in between, and a skip connection."""

    def __init__(self, features: int, plain: bool) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(features, features, 3, padding=1) for _ in range(2))
        self.slope = nn.ReLU() if plain else nn.PReLU(features)
        for conv in (self.first, self.second):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        self.second.weight.data.mul_(_PAIR_START)

    def forward(self, features: Tensor) -> Tensor:
        inner: Tensor = self.first(features)
        if self.training and isinstance(self.slope, nn.PReLU):
            inner = _sloped(inner, self.slope.weight)
        else:
            inner = self.slope(inner)
        change: Tensor = self.second(inner)
        return features + change


def _sloped(features: Tensor, slope: Tensor) -> Tensor:
    """Return PReLU of (batch, channels, height, width), computed with ReLU.

    PyTorch's own PReLU takes as long on a CPU as a convolution does in training.
    """
    slope = slope.to(features.dtype).view(1, -1, 1, 1)
    return features * slope + F.relu(features) * (1 - slope)
