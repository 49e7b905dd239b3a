"""LPIPS: how different two pictures look to a network trained on human judgements; 0 is equal, lower is better.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (CVPR 2018), version 0.1 on
AlexNet. It needs PyTorch and AlexNet's ImageNet weights, which lbic does not bring: torchvision's file, or its
convolutions alone, in the folder that LBIC_WEIGHTS names.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic.errors import MissingError

VARIABLE = "LBIC_WEIGHTS"
FILES = ("alexnet-owt-7be5be79.pth", "alexnet_features.pth")
"""Names of AlexNet's weights: as torchvision publishes them, and the convolutions alone under the same keys."""
LEAST_SIDE = 64
"""Pixels: the smallest picture whose five layers are all there, with room to compare."""
_HEADS = Path(__file__).parent / "data" / "lpips_alex.npz"
_HOW = (
    f"put {FILES[0]} (download.pytorch.org/models) in a folder and set {VARIABLE} to it; "
    "PyTorch comes with pip install 'lbic[train]'"
)


def lpips(reference: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """LPIPS-alex of two RGB pictures of one shape, (height, width, 3), 8 bits, sides at least LEAST_SIDE.

    Raises MissingError without PyTorch or the weights, ValueError for pictures of different shapes.
    """
    if reference.shape != other.shape:
        raise ValueError(f"pictures of different shapes: {reference.shape} and {other.shape}")
    network = _network(os.environ.get(VARIABLE))
    return float(network.distance(reference, other))


def missing() -> str | None:
    """What LPIPS lacks on this machine, a sentence; None when it is ready (and loaded)."""
    try:
        _network(os.environ.get(VARIABLE))
    except MissingError as error:
        return str(error)
    return None


@lru_cache(maxsize=2)
def _network(folder: str | None) -> Any:
    path = next((Path(folder, name) for name in FILES if Path(folder, name).is_file()), None) if folder else None
    if path is None:
        raise MissingError(f"LPIPS needs AlexNet's weights: {_HOW}")
    try:
        from lbic.nets.lpips import LPIPS
    except ImportError as error:
        raise MissingError(f"LPIPS needs PyTorch: {_HOW}") from error
    with np.load(_HEADS) as heads:
        return LPIPS.load(path, [heads[f"lin{index}"] for index in range(5)])
