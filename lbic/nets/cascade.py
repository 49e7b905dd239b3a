"""The cascade of noise reduction and texture restoration (type 4): two networks trained as one.

The second network restores the output of the first. Source: Kim et al., "Towards the Perceptual
Quality Enhancement of Low Bit-rate Compressed Images", table 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lbic.nets.base import Network


class Cascade(Network):
    """A network that runs ``nr``, then ``tr`` on its output; both see the quality plane."""

    stages = ("nr", "tr")

    def __init__(self, nr: Network, tr: Network) -> None:
        """Join two networks with the same number of channels."""
        super().__init__()
        self.nr, self.tr = nr, tr
        self.repeated = nr.repeated + tr.repeated
        self.channels = nr.channels
        self.quality_plane = nr.quality_plane
        self.multiple = max(nr.multiple, tr.multiple)
        self.halo = nr.halo + tr.halo

    def forward(self, picture: Tensor) -> Tensor:
        """Restore pictures or tiles.

        Input and output have the shapes of ``nr`` and ``tr``: (batch, channels, height, width) in
        [0, 1], plus the quality plane in the input.
        """
        denoised = torch.cat([self.nr(picture), picture[:, self.channels :]], dim=1)
        restored: Tensor = self.tr(denoised)
        return restored
