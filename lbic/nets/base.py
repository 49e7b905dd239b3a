"""The base classes of the networks: facts about their geometry, and two ways to run them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

QUALITY_UNIT = 63
"""The quality that is 1 in a quality plane: the highest QP (docs/format.md)."""


class Network(nn.Module):
    """Base of the networks."""

    channels: int = 1
    """Channels of input and output: 1 for luma, 3 for RGB."""
    quality_plane: bool = False
    """Whether the input has one more channel that holds quality / 63 everywhere."""
    halo: int = 0
    """Radius in input pixels that an output pixel depends on."""
    multiple: int = 1
    """The sides of the input must be multiples of this number of pixels."""
    margin: int = 0
    """Pixels of true context that a training crop has on each side for ``inside``.

    With 0 the network trains on the output of ``forward`` for the crop alone.
    """
    stages: tuple[str, ...] = ()
    """Names of the networks that this one consists of, in order; empty for most."""
    fresh: tuple[str, ...] = ()
    """Prefixes of the weights that are missing in the smaller network it may start from."""
    wider: tuple[str, ...] = ()
    """Prefixes of the weights that have fewer input channels in that smaller network."""
    ends: tuple[str, ...] = ()
    """Names of the convolutions to or from the picture if it is unshuffled to many channels."""

    repeated: tuple[type[nn.Module], ...] = ()
    """Classes of the blocks that the network repeats, which are compiled one by one."""

    def with_quality(self, picture: Tensor, quality: Tensor) -> Tensor:
        """Append the quality plane to pictures if the network has one, else return them.

        ``picture`` is (batch, channels, height, width); ``quality`` is (batch,), in the codec's
        own numbers.
        """
        if not self.quality_plane:
            return picture
        plane = (quality / QUALITY_UNIT).reshape(-1, 1, 1, 1).expand(-1, 1, *picture.shape[2:])
        return torch.cat([picture, plane.to(picture)], dim=1)

    def inside(self, picture: Tensor) -> Tensor:
        """Restore crops and cut off their ``margin`` pixels of context on each side."""
        result: Tensor = self(picture)
        return result

    def parameter_count(self) -> int:
        """Return the number of trained values."""
        return sum(parameter.numel() for parameter in self.parameters())


class LumaFilter(Network):
    """A chain of convolutions that predicts a correction of luma.

    Input and output are (batch, 1, height, width) in [0, 1]: full-range BT.601 luma. Output
    values may lie slightly outside. The picture is padded once, by repeating its border; the
    convolutions do not pad. That is cheaper than padding 64 feature maps in each layer, and a
    tile with ``halo`` pixels of context gives exactly the values of the whole picture.

    Hidden layers end in a PReLU with one slope per filter: Dong et al., "Accelerating the
    Super-Resolution Convolutional Neural Network" (ECCV 2016), section 3.2. The last layer starts
    near zero, so an untrained network returns its input nearly unchanged.
    """

    def __init__(self, layers: tuple[tuple[int, int], ...], last: int) -> None:
        """Build the layers.

        ``layers`` lists (kernel side, filters) of the hidden layers from the input on; ``last`` is
        the kernel side of the output layer, which has one filter.
        """
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
        """Restore pictures; the output has the size of the input."""
        return self.inside(F.pad(picture, (self.halo,) * 4, mode="replicate"))

    def inside(self, picture: Tensor) -> Tensor:
        """Restore crops and cut off their ``halo`` pixels of context on each side."""
        halo = self.halo
        centre = picture[..., halo:-halo, halo:-halo]
        correction: Tensor = self.body(picture - 0.5)
        return centre + correction
