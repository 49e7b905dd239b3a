"""SRCNN: sharpening of luma that was enlarged by bicubic interpolation.

Dong et al., "Image Super-Resolution Using Deep Convolutional Networks" (TPAMI 2016), section 4.3.2:
the 9-5-5 network (patch extraction 9x9, 64 filters; non-linear mapping 5x5, 32; reconstruction
5x5, 1), which the paper finds better than 9-1-5. Changed here: it predicts a correction of its
input, and its rectifiers have learned slopes (see base.LumaFilter).
"""

from __future__ import annotations

from lbic.nets.base import LumaFilter


class SRCNN(LumaFilter):
    """9-5-5 with 64, 32, 1 filters; (batch, 1, height, width) in [0, 1] to the same, halo 8."""

    def __init__(self) -> None:
        super().__init__(layers=((9, 64), (5, 32)), last=5)
