"""ARCNN: removal of compression artifacts from luma.

Dong et al., "Compression Artifacts Reduction by a Deep Convolutional Network" (ICCV 2015),
section 3.1: feature extraction 9x9 (64 filters), feature enhancement 7x7 (32), mapping 1x1 (16),
reconstruction 5x5 (1). Changed here: it predicts a correction of its input, and its rectifiers
have learned slopes (see base.LumaFilter).
"""

from __future__ import annotations

from lbic.nets.base import LumaFilter


class ARCNN(LumaFilter):
    """9-7-1-5 with 64, 32, 16, 1 filters; (batch, 1, height, width) in [0, 1] to the same, halo 9."""

    def __init__(self) -> None:
        super().__init__(layers=((9, 64), (7, 32), (1, 16)), last=5)
