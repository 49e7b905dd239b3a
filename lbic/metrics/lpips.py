"""LPIPS: how different two pictures look to a network trained on human judgements; 0 is equal, lower is better.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (CVPR 2018), version 0.1 on
AlexNet and on SqueezeNet 1.1. It needs PyTorch and the network's ImageNet weights, which lbic does not bring:
torchvision's file, or its convolutions alone, in the folder that LBIC_WEIGHTS names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic.errors import MissingError
from lbic.system import weights

LEAST_SIDE = 64
"""Pixels: the smallest picture whose layers are all there, with room to compare."""
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Backbone:
    """A network: how it is called, and its weights' files, torchvision's first, then the convolutions alone."""

    title: str
    files: tuple[str, str]


BACKBONES = {
    "alex": Backbone("AlexNet", ("alexnet-owt-7be5be79.pth", "alexnet_features.pth")),
    "squeeze": Backbone("SqueezeNet 1.1", ("squeezenet1_1-b8a52dc0.pth", "squeezenet1_1_features.pth")),
}


def lpips(reference: NDArray[np.uint8], other: NDArray[np.uint8], backbone: str = "alex") -> float:
    """LPIPS of two RGB pictures of one shape, (height, width, 3), 8 bits, sides at least LEAST_SIDE.

    Raises MissingError without PyTorch or the backbone's weights, ValueError for pictures of different shapes.
    """
    if reference.shape != other.shape:
        raise ValueError(f"pictures of different shapes: {reference.shape} and {other.shape}")
    return float(_network(backbone).distance(reference, other))


def missing(backbone: str = "alex") -> str | None:
    """What LPIPS lacks on this machine, a sentence; None when it is ready (and loaded)."""
    try:
        _network(backbone)
    except MissingError as error:
        return str(error)
    return None


def _network(backbone: str) -> Any:
    return _load(backbone, weights.find(*BACKBONES[backbone].files))


@lru_cache(maxsize=4)
def _load(name: str, path: Path | None) -> Any:
    backbone = BACKBONES[name]
    how = (
        f"put {backbone.files[0]} (download.pytorch.org/models) in a folder and set {weights.VARIABLE} to it; "
        "PyTorch comes with pip install 'lbic[train]'"
    )
    if path is None:
        raise MissingError(f"LPIPS needs {backbone.title}'s weights: {how}")
    try:
        from lbic.nets.lpips import LPIPS
    except ImportError as error:
        raise MissingError(f"LPIPS needs PyTorch: {how}") from error
    with np.load(_DATA / f"lpips_{name}.npz") as heads:
        return LPIPS.load(name, path, [heads[key] for key in sorted(heads)])
