"""Muon: steepest descent for the matrices of a network, Adam for everything else.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), with the scale of Liu et al., "Muon is
Scalable for LLM Training" (2025), section 2.2, which makes one learning rate fit both kinds of weights. The gain over
a codec that filters well by itself comes late with Adam: most of the gradient points where it has already been, and
an update with equal singular values follows the weak directions as fast as the strong ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, overload

import torch
from torch import Tensor, nn

from lbic.errors import UsageError

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MOMENTUM = 0.95
_BETAS = (0.9, 0.999)
_EPSILON = 1e-8
_ENDS = 4
"""Channels of a picture, the quality plane included: a convolution with more on both sides is an inner one."""
_ADAM_LIKE = 0.2
"""Root mean square of an Adam update, in learning rates."""


class Muon(torch.optim.Optimizer):
    """Steps along the orthogonalised momentum of every ``matrices`` weight, along Adam's for the others.

    ``share`` is the others' part of the learning rate. A convolution's weight, (out, in, kernel, kernel), is taken as
    the matrix (out, in * kernel * kernel).
    """

    def __init__(self, matrices: list[nn.Parameter], others: list[nn.Parameter], lr: float, share: float = 1.0) -> None:
        """Take the weights of both kinds and the learning rate."""
        groups = [{"params": matrices, "orthogonal": True}, {"params": others, "orthogonal": False}]
        self._share = share
        super().__init__([group for group in groups if group["params"]], {"lr": lr})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Change the weights by one step."""
        for group in self.param_groups:
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            if group["orthogonal"]:
                self._muon(moved, group["lr"])
            else:
                self._adam(moved, group["lr"] * self._share)
        return None

    def _muon(self, parameters: list[nn.Parameter], rate: float) -> None:
        """All matrices of one size at once: they are small, and many."""
        sizes: dict[tuple[int, int], list[nn.Parameter]] = {}
        for parameter in parameters:
            sizes.setdefault((parameter.shape[0], parameter[0].numel()), []).append(parameter)
        for (rows, columns), same in sizes.items():
            directions = torch.stack([self._momentum(parameter).reshape(rows, columns) for parameter in same])
            updates = orthogonalise(directions) * (rate * _ADAM_LIKE * math.sqrt(max(rows, columns)))
            for parameter, update in zip(same, updates, strict=True):
                parameter.sub_(update.reshape(parameter.shape))

    def _momentum(self, parameter: nn.Parameter) -> Tensor:
        """Nesterov's momentum of a gradient."""
        gradient = _gradient(parameter)
        memory = self._memory(parameter, "momentum")
        memory.lerp_(gradient, 1 - _MOMENTUM)
        return gradient.lerp(memory, _MOMENTUM)

    def _adam(self, parameters: list[nn.Parameter], rate: float) -> None:
        for parameter in parameters:
            gradient = _gradient(parameter)
            mean, square = self._memory(parameter, "mean"), self._memory(parameter, "square")
            count = self.state[parameter]["count"] = self.state[parameter].get("count", 0) + 1
            mean.lerp_(gradient, 1 - _BETAS[0])
            square.lerp_(gradient.square(), 1 - _BETAS[1])
            spread = (square / (1 - _BETAS[1] ** count)).sqrt_().add_(_EPSILON)
            parameter.sub_(mean / spread * (rate / (1 - _BETAS[0] ** count)))

    def _memory(self, parameter: nn.Parameter, name: str) -> Tensor:
        state: dict[str, Any] = self.state[parameter]
        if name not in state:
            state[name] = torch.zeros_like(parameter)
        memory: Tensor = state[name]
        return memory


def orthogonalise(matrices: Tensor) -> Tensor:
    """Bring the singular values of (count, rows, columns) near 1 by five Newton-Schulz steps of fifth order."""
    a, b, c = _NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.mT if tall else x
    return result


def adam(network: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Adam with the papers' decay rates, 0.9 and 0.999."""
    return torch.optim.Adam(network.parameters(), lr=rate)


def muon(network: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Muon for the convolutions that turn features into features, Adam for the first, the last and all vectors.

    Where the first and the last see blocks of pixels (``Network.ends``), Adam's steps are as long as Muon's: each of
    their weights moves a whole block, and at the full rate the picture is lost in a few steps.
    """
    ends: tuple[str, ...] = getattr(network, "ends", ())
    convolutions = (
        module
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and name not in ends
    )
    inner: list[Any] = [conv.weight for conv in convolutions if min(conv.in_channels, conv.out_channels) > _ENDS]
    chosen = {id(weight) for weight in inner}
    others = [weight for weight in network.parameters() if id(weight) not in chosen]
    return Muon(inner, others, rate, _ADAM_LIKE if ends else 1.0)


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


OPTIMIZERS: dict[str, Callable[[nn.Module, float], torch.optim.Optimizer]] = {"adam": adam, "muon": muon}


def find(name: str) -> Callable[[nn.Module, float], torch.optim.Optimizer]:
    """Find an optimiser by its name in a recipe; UsageError for an unknown one."""
    if name not in OPTIMIZERS:
        raise UsageError(f"unknown optimizer {name!r}; known: {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name]
