"""A network's blocks, compiled by PyTorch for training, or not if that fails."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lbic.errors import first_line
from lbic.nets.base import Network


class Compiled:
    """The compilation of a network, which is tried at the first step.

    A network of many equal blocks compiles one of them, which takes a tenth of the time that the
    whole network takes; a network without such blocks is compiled as a whole.
    """

    def __init__(self, network: Network) -> None:
        """Mark the blocks to compile when they first run."""
        self._network = network
        self._blocks: list[nn.Module] = [m for m in network.modules() if isinstance(m, network.repeated)]
        self.inside: Callable[[Tensor], Tensor] = network.inside
        """Network.inside, compiled."""
        if not self._blocks:
            self.inside = torch.compile(network.inside)
        self.proven = False
        """Whether a step was computed with the compiled blocks."""
        self.failure = ""
        """Why the network is not compiled; empty if it is."""
        for block in self._blocks:
            block.compile()

    def undo(self, failure: Exception) -> bool:
        """Return to the uncompiled network after a failed first step.

        Returns false if the failure cannot be that of the compiler: a step was computed before, or
        the network is not compiled any more.
        """
        if self.proven or self.failure:
            return False
        self.inside = self._network.inside
        self.failure = first_line(failure)
        for block in self._blocks:
            block._compiled_call_impl = None
        return True
