"""ARCNN: removes compression artifacts from luma.

Source: Dong et al., "Compression Artifacts Reduction by a Deep Convolutional Network" (ICCV
2015), section 3.1: feature extraction 9x9 (64 filters), feature enhancement 7x7 (32), mapping 1x1
(16), reconstruction 5x5 (1). Unlike the paper's, this network predicts a correction of its input,
and its rectifiers have learned slopes (base.LumaFilter).
"""

from __future__ import annotations

from lbic.nets.base import LumaFilter


class ARCNN(LumaFilter):
    """Convolutions of side 9, 7, 1 and 5 with 64, 32, 16 and 1 filters; the halo is 9 pixels.

    Input and output are (batch, 1, height, width) in [0, 1].
    """

    def __init__(self) -> None:
        """Build the untrained network, which returns its input nearly unchanged."""
        super().__init__(layers=((9, 64), (7, 32), (1, 16)), last=5)
