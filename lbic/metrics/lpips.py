"""LPIPS: the perceptual distance of two pictures, learned from human judgements; 0 is equal.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (CVPR 2018),
version 0.1 on AlexNet and on SqueezeNet 1.1. It needs PyTorch and the network's ImageNet weights,
which lbic does not ship: torchvision's file, or its convolutions alone, in the folder that
LBIC_WEIGHTS names.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic.errors import MissingError
from lbic.system import weights

LEAST_SIDE = 64
"""The smallest side in pixels. Deep layers of a smaller picture are empty or nearly so."""
_DATA = files("lbic.metrics") / "data"


@dataclass(frozen=True)
class Backbone:
    """A network that LPIPS compares features of."""

    title: str
    """Its name in sentences."""
    files: tuple[str, str]
    """The files of its weights: torchvision's, and the one with the convolutions alone."""


BACKBONES = {
    "alex": Backbone("AlexNet", ("alexnet-owt-7be5be79.pth", "alexnet_features.pth")),
    "squeeze": Backbone("SqueezeNet 1.1", ("squeezenet1_1-b8a52dc0.pth", "squeezenet1_1_features.pth")),
}


def lpips(reference: NDArray[np.uint8], other: NDArray[np.uint8], backbone: str = "alex") -> float:
    """Return the LPIPS distance of two RGB pictures, at least 0; lower is better.

    Both are (height, width, 3) uint8 with sides of at least LEAST_SIDE. Raises MissingError
    without PyTorch or the weights of the backbone, ValueError for pictures of different shapes.
    """
    if reference.shape != other.shape:
        raise ValueError(f"pictures of different shapes: {reference.shape} and {other.shape}")
    return float(_network(backbone).distance(reference, other))


def missing(backbone: str = "alex") -> str | None:
    """Load LPIPS; return a sentence on what is missing, or None when it is ready."""
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
    install = (
        f"put {backbone.files[0]} (download.pytorch.org/models) in a folder and set {weights.VARIABLE} to it; "
        "PyTorch comes with pip install 'lbic[train]'"
    )
    if path is None:
        raise MissingError(f"LPIPS needs {backbone.title}'s weights: {install}")
    try:
        from lbic.nets.lpips import LPIPS
    except ImportError as error:
        raise MissingError(f"LPIPS needs PyTorch: {install}") from error
    with np.load(io.BytesIO((_DATA / f"lpips_{name}.npz").read_bytes())) as heads:
        return LPIPS.load(name, path, [heads[key] for key in sorted(heads)])
