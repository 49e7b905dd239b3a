"""SRCNN: sharpens luma after bicubic enlargement.

Source: Dong et al., "Image Super-Resolution Using Deep Convolutional Networks" (TPAMI 2016),
section 4.3.2. It is the 9-5-5 network, which the paper finds better than 9-1-5: patch extraction
9x9 (64 filters), non-linear mapping 5x5 (32), reconstruction 5x5 (1). Unlike the paper's, this
network predicts a correction of its input, and its rectifiers have learned slopes
(base.LumaFilter).
"""

from __future__ import annotations

from lbic.nets.base import LumaFilter


class SRCNN(LumaFilter):
    """Convolutions of side 9, 5 and 5 with 64, 32 and 1 filters; the halo is 8 pixels.

    Input and output are (batch, 1, height, width) in [0, 1].
    """

    def __init__(self) -> None:
        """Build the untrained network, which returns its input nearly unchanged."""
        super().__init__(layers=((9, 64), (5, 32)), last=5)
