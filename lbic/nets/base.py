"""What every network here has in common: facts about its geometry, and two ways to run it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

QUALITY_UNIT = 63
"""The quality that a quality plane holds as 1: the highest QP (docs/format.md)."""


class Network(nn.Module):
    """Base of the networks.

    ``channels`` is 1 (luma) or 3 (RGB), for input and output alike; ``quality_plane`` tells that the input has one
    channel more, quality / 63 everywhere. ``halo`` is the radius in
    pixels of the input that one output pixel depends on, ``multiple`` what a picture's sides must
    be a multiple of, and ``margin`` the border of true context that a training crop brings along
    for ``inside`` (0 for networks that are trained on what ``forward`` makes of a crop). ``stages`` names the
    networks that a network is made of, in their order; none for most. ``fresh`` names layers that a related
    network, which this one may begin with, lacks, and ``wider`` weights that have fewer input channels there. ``ends``
    names the convolutions between the picture and the features where those have many channels: blocks of pixels.
    """

    channels: int = 1
    quality_plane: bool = False
    halo: int = 0
    multiple: int = 1
    margin: int = 0
    stages: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    wider: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()

    def with_quality(self, picture: Tensor, quality: Tensor) -> Tensor:
        """Append the quality plane to (batch, channels, height, width), where the network has one.

        ``quality`` is (batch,), in the codec's own numbers.
        """
        if not self.quality_plane:
            return picture
        plane = (quality / QUALITY_UNIT).reshape(-1, 1, 1, 1).expand(-1, 1, *picture.shape[2:])
        return torch.cat([picture, plane.to(picture)], dim=1)

    def inside(self, picture: Tensor) -> Tensor:
        """Restore a crop that has ``margin`` pixels of context on each side, and drop those."""
        result: Tensor = self(picture)
        return result

    def parameter_count(self) -> int:
        """Number of trained values."""
        return sum(parameter.numel() for parameter in self.parameters())


class LumaFilter(Network):
    """A plain chain of convolutions that predicts a correction of the luma it is given.

    Input and output are (batch, 1, height, width) in [0, 1] (full-range BT.601 luma; the output
    may overshoot a little and is not clamped). The picture is padded once, by replicating its
    border, and every convolution is a "valid" one: cheaper than padding 64 feature maps in each
    layer, and a tile with ``halo`` pixels of context gives exactly the whole picture's values.

    ``layers`` lists (kernel side, filters) from the input to the hidden layers; the output layer
    has one filter of side ``last``. Hidden layers end in a PReLU with a slope per filter
    (Dong et al., "Accelerating the Super-Resolution Convolutional Neural Network", section 3.2).
    The last layer starts near zero, so an untrained network is the identity.
    """

    def __init__(self, layers: tuple[tuple[int, int], ...], last: int) -> None:
        """Build the layers with random weights."""
        super().__init__()
        sides = [side for side, _ in layers] + [last]
        self.halo = self.margin = sum(side // 2 for side in sides)
        body: list[nn.Module] = []
        channels = 1
        for side, filters in layers:
            conv = nn.Conv2d(channels, filters, side)
            nn.init.kaiming_normal_(conv.weight, a=0.25)
            nn.init.zeros_(conv.bias) if conv.bias is not None else None
            body += [conv, nn.PReLU(filters)]
            channels = filters
        head = nn.Conv2d(channels, 1, last)
        nn.init.normal_(head.weight, std=1e-4)
        nn.init.zeros_(head.bias) if head.bias is not None else None
        self.body = nn.Sequential(*body, head)

    def forward(self, picture: Tensor) -> Tensor:
        """Restore whole pictures: the output has the input's size."""
        return self.inside(F.pad(picture, (self.halo,) * 4, mode="replicate"))

    def inside(self, picture: Tensor) -> Tensor:
        """Restore a crop with ``halo`` pixels of context on each side, which the output lacks."""
        halo = self.halo
        centre = picture[..., halo:-halo, halo:-halo]
        correction: Tensor = self.body(picture - 0.5)
        return centre + correction
