"""Two networks in a row as one: what the cascade of noise reduction and texture restoration (type 4) is.

Kim et al., "Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed Images", Table 1: the second network
sees the first one's output, and both are trained together.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lbic.nets.base import Network


class Cascade(Network):
    """``forward`` runs ``nr`` and then ``tr``; input and output are as theirs, and both get the quality plane."""

    stages = ("nr", "tr")

    def __init__(self, nr: Network, tr: Network) -> None:
        super().__init__()
        self.nr, self.tr = nr, tr
        self.channels = nr.channels
        self.quality_plane = nr.quality_plane
        self.multiple = max(nr.multiple, tr.multiple)
        self.halo = nr.halo + tr.halo

    def forward(self, picture: Tensor) -> Tensor:
        """Restore whole pictures or tiles."""
        better = torch.cat([self.nr(picture), picture[:, self.channels :]], dim=1)
        result: Tensor = self.tr(better)
        return result
