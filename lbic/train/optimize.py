"""The optimisers: Adam, and Muon for the inner convolutions with Adam for all other weights.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). The scale
of the updates is that of Liu et al., "Muon is Scalable for LLM Training" (2025), section 2.2;
with it one learning rate fits both kinds of weights.

The gain over a codec with good filters comes late with Adam, since the strong directions of the
gradient dominate its steps. An update of Muon has equal singular values: it follows the weak
directions as fast as the strong ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, overload

import torch
from torch import Tensor, nn

from lbic.errors import UsageError
from lbic.train.config import TrainConfig

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz polynomial, from Jordan et al."""
_ITERATIONS = 5
_MOMENTUM = 0.95
_BETAS = (0.9, 0.999)
"""Adam's decay rates."""
_EPSILON = 1e-8
_ENDS = 4
"""Channels of a picture with quality plane. An inner convolution has more on both sides."""
_ADAM_LIKE = 0.2
"""Root mean square of an update by Adam, as a multiple of the learning rate."""


class Muon(torch.optim.Optimizer):
    """Muon for some weights, Adam for the others.

    A convolution's weight, (out, in, kernel, kernel), counts as a matrix, (out, in * kernel *
    kernel).
    """

    def __init__(self, matrices: list[nn.Parameter], others: list[nn.Parameter], lr: float, share: float = 1.0) -> None:
        """Optimise ``matrices`` with Muon and ``others`` with Adam.

        ``lr`` is the learning rate; for ``others`` it is multiplied by ``share``.
        """
        groups = [{"params": matrices, "orthogonal": True}, {"params": others, "orthogonal": False}]
        self._share = share
        super().__init__([group for group in groups if group["params"]], {"lr": lr})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update the weights once."""
        for group in self.param_groups:
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            if group["orthogonal"]:
                self._muon(moved, group["lr"])
            else:
                self._adam(moved, group["lr"] * self._share)
        return None

    def _muon(self, parameters: list[nn.Parameter], rate: float) -> None:
        """Update matrices; those of one size go together, since they are small and many."""
        sizes: dict[tuple[int, int], list[nn.Parameter]] = {}
        for parameter in parameters:
            sizes.setdefault((parameter.shape[0], parameter[0].numel()), []).append(parameter)
        for (rows, columns), same in sizes.items():
            directions = torch.stack([each.reshape(rows, columns) for each in self._momentum(same)])
            updates = orthogonalise(directions) * (rate * _ADAM_LIKE * math.sqrt(max(rows, columns)))
            changes = [update.reshape(each.shape) for each, update in zip(same, updates, strict=True)]
            torch._foreach_sub_(_tensors(same), changes)

    def _momentum(self, parameters: list[nn.Parameter]) -> Sequence[Tensor]:
        """Update the momenta of weights and return them in Nesterov's form."""
        gradients = [_gradient(parameter) for parameter in parameters]
        memories = [self._memory(parameter, "momentum") for parameter in parameters]
        torch._foreach_lerp_(memories, gradients, 1 - _MOMENTUM)
        return torch._foreach_lerp(gradients, memories, _MOMENTUM)

    def _adam(self, parameters: list[nn.Parameter], rate: float) -> None:
        """Update weights; those with the same number of updates go together.

        A GPU would wait for the program if it updated hundreds of small weights one by one.
        """
        counts: dict[int, list[nn.Parameter]] = {}
        for parameter in parameters:
            count = self.state[parameter]["count"] = self.state[parameter].get("count", 0) + 1
            counts.setdefault(count, []).append(parameter)
        for count, same in counts.items():
            gradients = [_gradient(parameter) for parameter in same]
            means = [self._memory(parameter, "mean") for parameter in same]
            squares = [self._memory(parameter, "square") for parameter in same]
            torch._foreach_lerp_(means, gradients, 1 - _BETAS[0])
            torch._foreach_lerp_(squares, torch._foreach_mul(gradients, gradients), 1 - _BETAS[1])
            spreads = torch._foreach_div(squares, 1 - _BETAS[1] ** count)
            torch._foreach_sqrt_(spreads)
            torch._foreach_add_(spreads, _EPSILON)
            changes = torch._foreach_div(means, spreads)
            torch._foreach_mul_(changes, rate / (1 - _BETAS[0] ** count))
            torch._foreach_sub_(_tensors(same), changes)

    def _memory(self, parameter: nn.Parameter, name: str) -> Tensor:
        state: dict[str, Any] = self.state[parameter]
        if name not in state:
            state[name] = torch.zeros_like(parameter)
        memory: Tensor = state[name]
        return memory


def orthogonalise(matrices: Tensor) -> Tensor:
    """Bring the singular values of matrices, (count, rows, columns), near 1.

    Uses five Newton-Schulz steps of fifth order (Jordan et al.).
    """
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
    """Return Adam for all weights, with decay rates 0.9 and 0.999 as in the networks' papers."""
    return torch.optim.Adam(network.parameters(), lr=rate)


def muon(network: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Return Muon for the inner convolutions, with Adam for the outer ones, biases and slopes.

    If the outer convolutions see unshuffled pixels (``Network.ends``), Adam's steps are shortened
    to the length of Muon's. Each of their weights affects a whole block of pixels: at the full
    rate, a few steps would destroy the picture.
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


def _tensors(parameters: list[nn.Parameter]) -> list[Tensor]:
    return list(parameters)


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def rate_at(step: float, config: TrainConfig) -> float:
    """Return the learning rate of a step of the recipe (TrainConfig describes its course).

    Steps count from 0; a run of another length than its recipe also asks for steps in between.
    """
    if step < config.warmup:
        return config.rate * min(1.0, (step + 1) / config.warmup)
    if config.halve_at:
        return config.rate / (1 << sum(step >= each for each in config.halve_at))
    part = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.final_rate + (config.rate - config.final_rate) * 0.5 * (1 + math.cos(math.pi * min(1.0, part)))


OPTIMIZERS: dict[str, Callable[[nn.Module, float], torch.optim.Optimizer]] = {"adam": adam, "muon": muon}


def find(name: str) -> Callable[[nn.Module, float], torch.optim.Optimizer]:
    """Return an optimiser's builder by name in a recipe; raises UsageError for an unknown name."""
    if name not in OPTIMIZERS:
        raise UsageError(f"unknown optimizer {name!r}; known: {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name]
