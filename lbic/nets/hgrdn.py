"""HGRDN: noise reduction and texture restoration of decoded RGB pictures.

Kim et al., "Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed Images", Figure 1: a 3x3
convolution, a strided convolution that halves the picture, grouped residual dense blocks (GRDB) whose
outputs are fused, an up-sampling convolution, convolutional block attention (CBAM), a 3x3 convolution and a
skip over everything. A GRDB chains residual dense blocks (RDB) and fuses their outputs (Kim et al., "GRDN",
CVPR Workshops 2019); an RDB is that of Zhang et al., "Residual Dense Network" (CVPR 2018), section 3.2; CBAM is
Woo et al. (ECCV 2018). One class serves both profiles: FULL has the paper's 22.05 million parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lbic.nets.base import Network

_REDUCTION = 16
_SPATIAL_SIDE = 7
_BLOCK = 8


@dataclass(frozen=True)
class Shape:
    """The numbers of an HGRDN.

    ``filters`` is the width everywhere outside the dense blocks, ``growth`` what each of an RDB's
    ``convs`` convolutions adds; ``groups`` GRDBs have ``rdbs`` RDBs each. The attention pools over ``reach`` blocks of
    8x8 pixels in each direction around every block; with 0 over the whole picture, as the paper does, which makes a
    tile see other statistics than the picture. ``quality_plane`` adds an input channel. With ``resize`` the features
    are enlarged by bilinear interpolation and a 3x3 convolution, not the paper's transposed convolution, whose four
    phases a loss on features drives apart: it weaves a pattern of two pixels into grass and skin.
    """

    filters: int
    growth: int
    groups: int
    rdbs: int
    convs: int
    reach: int
    quality_plane: bool
    resize: bool


FULL = Shape(filters=64, growth=64, groups=4, rdbs=4, convs=8, reach=0, quality_plane=False, resize=False)
LITE = Shape(filters=32, growth=32, groups=4, rdbs=2, convs=4, reach=4, quality_plane=True, resize=False)
LITE_DEEP = replace(LITE, rdbs=3)
"""May begin with the weights of LITE: then the third block of each group is there, and nothing of it comes out yet."""
LITE_TEXTURE = replace(LITE, resize=True)
"""For texture restoration alone: noise reduction loses by it, since each filter brings two pixels' detail in phases."""


class HGRDN(Network):
    """RGB, (batch, 3 or 4, height, width) in [0, 1], to RGB of the same size; sides must be multiples of
    ``multiple``.

    A fourth input channel, where the shape has one, holds quality / 63 everywhere. The output may overshoot
    a little and is not clamped. The last convolution starts near zero: untrained, it is the identity.
    """

    channels = 3
    multiple = 2

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.quality_plane = shape.quality_plane
        filters = shape.filters
        self.head = nn.Conv2d(4 if shape.quality_plane else 3, filters, 3, padding=1)
        self.down = nn.Conv2d(filters, filters, 4, stride=2, padding=1)
        self.groups = nn.ModuleList(_Group(shape) for _ in range(shape.groups))
        self.fusion = nn.Conv2d(shape.groups * filters, filters, 1)
        self.up = _Resize(filters) if shape.resize else nn.ConvTranspose2d(filters, filters, 4, stride=2, padding=1)
        self.attention = _Attention(filters, shape.reach)
        self.tail = nn.Conv2d(filters, 3, 3, padding=1)
        # Radius in input pixels: every 3x3 of the body works on the halved picture.
        body = shape.groups * shape.rdbs * shape.convs
        halo = 1 + 3 + 2 * body + (3 if shape.resize else 2) + _SPATIAL_SIDE // 2 + 1
        added = [(group, block) for group in range(shape.groups) for block in range(LITE.rdbs, shape.rdbs)]
        self.fresh = tuple(f"groups.{group}.blocks.{block}." for group, block in added) + ("up.",) * shape.resize
        self.wider = tuple(f"groups.{group}.fusion.weight" for group, _ in added)
        if shape.reach:
            self.multiple = _BLOCK  # of a tile's place too, so that its blocks are the picture's
            halo += (shape.reach + 2) * _BLOCK  # one more for interpolating, one for lying anywhere in a block
        self.halo = -(-halo // self.multiple) * self.multiple
        _initialise(self)

    def forward(self, picture: Tensor) -> Tensor:
        """Restore whole pictures or tiles; the picture stays float32 where the weights are float16."""
        shallow = self.down(self.head((picture - 0.5).to(self.head.weight.dtype)))
        features, outputs = shallow, []
        for group in self.groups:
            features = group(features)
            outputs.append(features)
        deep = self.fusion(torch.cat(outputs, dim=1)) + shallow
        correction: Tensor = self.tail(self.attention(self.up(deep)))
        return picture[:, :3] + correction.to(picture.dtype)


class _Group(nn.Module):
    """GRDB: RDBs in a row, all their outputs fused by a 1x1 convolution, and a skip."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_DenseBlock(shape) for _ in range(shape.rdbs))
        self.fusion = nn.Conv2d(shape.rdbs * shape.filters, shape.filters, 1)

    def forward(self, features: Tensor) -> Tensor:
        outputs, current = [], features
        for block in self.blocks:
            current = block(current)
            outputs.append(current)
        fused: Tensor = self.fusion(torch.cat(outputs, dim=1))
        return fused + features


class _DenseBlock(nn.Module):
    """RDB: each 3x3 convolution sees the block's input and all that came before it; fused by 1x1, and a skip."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths = [shape.filters + index * shape.growth for index in range(shape.convs + 1)]
        self.convs = nn.ModuleList(nn.Conv2d(width, shape.growth, 3, padding=1) for width in widths[:-1])
        self.fusion = nn.Conv2d(widths[-1], shape.filters, 1)

    def forward(self, features: Tensor) -> Tensor:
        dense = features
        for conv in self.convs:
            dense = torch.cat([dense, F.relu(conv(dense))], dim=1)
        fused: Tensor = self.fusion(dense)
        return fused + features


class _Resize(nn.Module):
    """Bilinear enlargement to twice the size, then a 3x3 convolution."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(filters, filters, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        enlarged: Tensor = self.conv(F.interpolate(features, scale_factor=2.0, mode="bilinear"))
        return enlarged


class _Attention(nn.Module):
    """CBAM: channel attention from pooled features, then spatial attention from pooled channels."""

    def __init__(self, filters: int, reach: int) -> None:
        super().__init__()
        hidden = max(4, filters // _REDUCTION)
        self.reach = reach
        self.channel = nn.Sequential(nn.Conv2d(filters, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, filters, 1))
        self.spatial = nn.Conv2d(2, 1, _SPATIAL_SIDE, padding=_SPATIAL_SIDE // 2)

    def forward(self, features: Tensor) -> Tensor:
        features = features * self._gains(features)
        flat = torch.cat([features.mean(1, keepdim=True), features.amax(1, keepdim=True)], dim=1)
        weighted: Tensor = features * torch.sigmoid(self.spatial(flat))
        return weighted

    def _gains(self, features: Tensor) -> Tensor:
        """Channel attention: from the mean and maximum of the whole picture, or of the blocks around each block."""
        if not self.reach:
            mean, peak = features.mean((2, 3), keepdim=True), features.amax((2, 3), keepdim=True)
            return torch.sigmoid(self.channel(mean) + self.channel(peak))
        side = 2 * self.reach + 1
        mean = F.avg_pool2d(F.avg_pool2d(features, _BLOCK), side, 1, self.reach, count_include_pad=False)
        peak = F.max_pool2d(F.max_pool2d(features, _BLOCK), side, 1, self.reach)
        gains = torch.sigmoid(self.channel(mean) + self.channel(peak))
        return F.interpolate(gains, size=features.shape[2:], mode="bilinear")


def _initialise(network: HGRDN) -> None:
    """Kaiming for convolutions before a ReLU, small fusions so that residual sums do not grow, a last layer near zero.

    The transposed convolution starts as bilinear interpolation of each filter: its four phases agree, so it does
    not begin with a grid.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            gain = 0.1 if "fusion" in name else 1.0
            nn.init.kaiming_normal_(module.weight)
            module.weight.data.mul_(gain)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    if isinstance(network.up, nn.ConvTranspose2d):
        ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
        network.up.weight.data.zero_()
        for index in range(network.shape.filters):
            network.up.weight.data[index, index] = ramp[:, None] * ramp
        if network.up.bias is not None:
            nn.init.zeros_(network.up.bias)
    else:
        nn.init.dirac_(network.up.conv.weight)
    nn.init.normal_(network.tail.weight, std=1e-4)
