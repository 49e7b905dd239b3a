"""HGRDN: noise reduction and texture restoration of coded pictures, in RGB.

Source: Kim et al., "Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed Images",
figure 1. From input to output:

1. a 3x3 convolution, then a strided convolution that halves the sides;
2. grouped residual dense blocks (GRDB), whose outputs are fused: Kim et al., "GRDN" (CVPR
   Workshops 2019). A GRDB is a chain of residual dense blocks (RDB), fused in the same way: Zhang
   et al., "Residual Dense Network" (CVPR 2018), section 3.2;
3. a transposed convolution that doubles the sides;
4. convolutional block attention (CBAM): Woo et al. (ECCV 2018);
5. a 3x3 convolution, and a skip connection from the input.

``Shape`` holds the sizes. FULL has the paper's 22.05 million parameters, the LITE shapes run on a
CPU.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lbic.nets.base import Network

_REDUCTION = 16
"""Ratio of the channels to the hidden units in the channel attention, as in the paper of CBAM."""
_SPATIAL_SIDE = 7
"""Side of the spatial attention's kernel, as in the paper of CBAM."""
_BLOCK = 8
"""Side in pixels of the blocks that local channel attention pools over."""


@dataclass(frozen=True)
class Shape:
    """The sizes of an HGRDN."""

    filters: int
    """Channels of the features outside the dense blocks."""
    growth: int
    """Channels that each convolution of a dense block adds."""
    groups: int
    """Number of GRDBs."""
    rdbs: int
    """Number of RDBs in a GRDB."""
    convs: int
    """Number of 3x3 convolutions in an RDB."""
    reach: int
    """How many blocks of 8x8 pixels channel attention pools over in each direction around a block.

    With 0 it pools over the whole picture, as in the paper; then the result depends on the tile
    size.
    """
    quality_plane: bool
    """Whether the input has a fourth channel that holds quality / 63."""
    resize: bool
    """Whether bilinear interpolation and a 3x3 convolution double the sides of the features.

    Without it a transposed convolution does, as in the paper. A feature loss drives the four
    phases of a transposed convolution apart: the output shows a pattern of two pixels in grass
    and skin.
    """


FULL = Shape(filters=64, growth=64, groups=4, rdbs=4, convs=8, reach=0, quality_plane=False, resize=False)
LITE = Shape(filters=32, growth=32, groups=4, rdbs=2, convs=4, reach=4, quality_plane=True, resize=False)
LITE_DEEP = replace(LITE, rdbs=3)
"""LITE with a third RDB in each group.

It can start from LITE's weights (``fresh`` and ``wider``): then the third RDBs change nothing at
first.
"""
LITE_TEXTURE = replace(LITE, resize=True)
"""LITE for texture restoration. Noise reduction loses PSNR with ``resize``.

A transposed convolution has separate weights for each of the four output phases, which carry
detail.
"""


class HGRDN(Network):
    """The network; untrained, it returns its input nearly unchanged."""

    channels = 3
    multiple = 2

    def __init__(self, shape: Shape) -> None:
        """Build the untrained network."""
        super().__init__()
        self.shape = shape
        self.repeated = (_DenseBlock,)
        self.quality_plane = shape.quality_plane
        filters = shape.filters
        self.head = nn.Conv2d(4 if shape.quality_plane else 3, filters, 3, padding=1)
        self.down = nn.Conv2d(filters, filters, 4, stride=2, padding=1)
        self.groups = nn.ModuleList(_Group(shape) for _ in range(shape.groups))
        self.fusion = nn.Conv2d(shape.groups * filters, filters, 1)
        self.up = _Resize(filters) if shape.resize else nn.ConvTranspose2d(filters, filters, 4, stride=2, padding=1)
        self.attention = _Attention(filters, shape.reach)
        self.tail = nn.Conv2d(filters, 3, 3, padding=1)
        # The body works on halved sides, so each 3x3 convolution in it reaches 2 input pixels.
        body = shape.groups * shape.rdbs * shape.convs
        halo = 1 + 3 + 2 * body + (3 if shape.resize else 2) + _SPATIAL_SIDE // 2 + 1
        added = [(group, block) for group in range(shape.groups) for block in range(LITE.rdbs, shape.rdbs)]
        self.fresh = tuple(f"groups.{group}.blocks.{block}." for group, block in added) + ("up.",) * shape.resize
        self.wider = tuple(f"groups.{group}.fusion.weight" for group, _ in added)
        if shape.reach:
            # Tiles start at multiples of a block, so they pool over the same blocks as the
            # picture.
            self.multiple = _BLOCK
            # One block for the interpolation, one because a pixel may lie anywhere in its block.
            halo += (shape.reach + 2) * _BLOCK
        self.halo = -(-halo // self.multiple) * self.multiple
        _initialise(self)

    def forward(self, picture: Tensor) -> Tensor:
        """Restore pictures or tiles.

        ``picture`` is (batch, 3, height, width) in [0, 1], RGB, plus the quality plane if the
        shape has one; its sides are multiples of ``multiple``. Returns (batch, 3, height, width)
        of the input's dtype. Values may lie slightly outside [0, 1].
        """
        shallow = self.down(self.head((picture - 0.5).to(self.head.weight.dtype)))
        features, outputs = shallow, []
        for group in self.groups:
            features = group(features)
            outputs.append(features)
        deep = self.fusion(torch.cat(outputs, dim=1)) + shallow
        correction: Tensor = self.tail(self.attention(self.up(deep)))
        return picture[:, :3] + correction.to(picture.dtype)


class _Group(nn.Module):
    """GRDB: a chain of RDBs, a 1x1 convolution that fuses their outputs, and a skip connection."""

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
    """RDB: densely connected 3x3 convolutions, a 1x1 convolution that fuses them, and a skip."""

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
    """Bilinear interpolation to twice the sides, then a 3x3 convolution."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(filters, filters, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        enlarged: Tensor = self.conv(F.interpolate(features, scale_factor=2.0, mode="bilinear"))
        return enlarged


class _Attention(nn.Module):
    """CBAM: channel attention from pooled pixels, then spatial attention from pooled channels."""

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
        """Return the factors of channel attention.

        They follow from the mean and the maximum of the whole picture or, with ``reach``, of the
        blocks around each block.
        """
        if not self.reach:
            mean, peak = features.mean((2, 3), keepdim=True), features.amax((2, 3), keepdim=True)
            return torch.sigmoid(self.channel(mean) + self.channel(peak))
        side = 2 * self.reach + 1
        mean = F.avg_pool2d(F.avg_pool2d(features, _BLOCK), side, 1, self.reach, count_include_pad=False)
        peak = F.max_pool2d(F.max_pool2d(features, _BLOCK), side, 1, self.reach)
        gains = torch.sigmoid(self.channel(mean) + self.channel(peak))
        return F.interpolate(gains, size=features.shape[2:], mode="bilinear")


def _initialise(network: HGRDN) -> None:
    """Set the weights of an untrained network.

    Convolutions start with Kaiming's values. The fusions start smaller, so that the residual sums
    do not grow. The last convolution starts near zero, so the network changes nothing at first.
    The transposed convolution starts as bilinear interpolation: its four phases agree, so the
    output shows no grid.
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
