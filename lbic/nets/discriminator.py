"""The discriminator of texture restoration: it rates how real a picture looks.

As in Kim et al., "Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed Images",
it is a relativistic average discriminator: equations 3 to 6; Jolicoeur-Martineau, "The
relativistic discriminator" (ICLR 2019). Two things differ from Kim et al.:

- It rates every patch separately: Isola et al., "pix2pix" (CVPR 2017), section 3.2.2.
- Its convolutions are spectrally normalised, which keeps short trainings stable: Miyato et al.,
  "Spectral Normalization for Generative Adversarial Networks" (ICLR 2018).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_SLOPE = 0.2
"""Slope of the leaky rectifiers for negative values."""


class Discriminator(nn.Module):
    """A patch discriminator; its logits are high where a picture looks real."""

    def __init__(self, filters: int) -> None:
        """Build the layers; ``filters`` is the width of the first one, in channels."""
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
        """Return the logits of pictures or crops, (batch, 1, height / 8, width / 8).

        ``picture`` is RGB, (batch, 3, height, width) in [0, 1], with sides that are multiples of
        8.
        """
        layer = F.leaky_relu(self.head(2 * picture - 1), _SLOPE)
        for halving, conv in zip(self.halvings, self.between, strict=True):
            layer = F.leaky_relu(halving(layer), _SLOPE)
            layer = F.leaky_relu(conv(layer), _SLOPE)
        logits: Tensor = self.tail(layer)
        return logits


def relativistic(better: Tensor, worse: Tensor) -> Tensor:
    """Return the relativistic average loss of two sets of logits, a scalar.

    The loss falls when the logits of ``better`` rise above the mean of ``worse``, and when those
    of ``worse`` fall below the mean of ``better``. With (real, restored) it trains the
    discriminator (equation 5 of Kim et al.), with (restored, real) the network (equation 6).
    """
    above = F.softplus(-(better - worse.mean())).mean()
    below = F.softplus(worse - better.mean()).mean()
    return (above + below) / 2
