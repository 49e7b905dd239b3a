"""The discriminator of texture restoration: how much more real does one crop look than another?

Kim et al., "Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed Images", train against a relativistic
average discriminator (equations 3 to 6; Jolicoeur-Martineau, "The relativistic discriminator", ICLR 2019). Here it
judges every patch by itself (Isola et al., "pix2pix", CVPR 2017, section 3.2.2) and its convolutions are spectrally
normalised (Miyato et al., ICLR 2018), which keeps a short training stable.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_SLOPE = 0.2


class Discriminator(nn.Module):
    """RGB, (batch, 3, height, width) in [0, 1], to logits, (batch, 1, height / 8, width / 8): high is real."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        widths = (filters, 2 * filters, 4 * filters)
        self.head = nn.Conv2d(3, filters, 3, padding=1)
        self.halvings = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1))
            for before, after in zip((filters, *widths[:2]), widths, strict=True)
        )
        self.between = nn.ModuleList(spectral_norm(nn.Conv2d(width, width, 3, padding=1)) for width in widths)
        self.tail = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        """Judge whole pictures or crops, sides a multiple of 8."""
        layer = F.leaky_relu(self.head(2 * picture - 1), _SLOPE)
        for halving, conv in zip(self.halvings, self.between, strict=True):
            layer = F.leaky_relu(halving(layer), _SLOPE)
            layer = F.leaky_relu(conv(layer), _SLOPE)
        logits: Tensor = self.tail(layer)
        return logits


def relativistic(better: Tensor, worse: Tensor) -> Tensor:
    """The loss that falls as ``better`` gets logits above the mean of ``worse``'s, and the other way round.

    With (real, restored) it trains the discriminator (equation 5), with (restored, real) the network (equation 6).
    """
    above = F.softplus(-(better - worse.mean())).mean()
    below = F.softplus(worse - better.mean()).mean()
    return (above + below) / 2
