"""What a picture looks like to a classifier: the features that a perceptual loss compares.

Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution" (ECCV 2016), section
3.2. Kim et al. take the last convolution of VGG-19; VGG-19's own file is 548 MB, so the default is a distilled one:
Wang et al., "Collaborative Distillation for Ultra-Resolution Universal Style Transfer" (CVPR 2020), five layers. Both
files are looked for in the folder that LBIC_WEIGHTS names; neither comes with lbic.
"""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lbic.errors import MissingError, UsageError, first_line
from lbic.system import weights

T = TypeVar("T", bound="Features")

_BLOCKS = (2, 2, 4, 4, 4)
"""Convolutions between the poolings of VGG-19 (Simonyan and Zisserman, ICLR 2015, table 1, column E)."""
_MEAN = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
_DEVIATION = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)


class Features(nn.Module, ABC):
    """``forward`` takes RGB, (batch, 3, height, width) in [0, 1], to feature maps, shallow to deep."""

    @abstractmethod
    def forward(self, picture: Tensor) -> list[Tensor]:
        """Look at whole pictures or crops, sides at least 32."""


class DistilledVGG(Features):
    """relu1_1, 2_1, 3_1, 4_1 and 5_1 of a VGG-19 of a sixteenth of the size, mapped to VGG-19's 64 to 512 channels."""

    file = "vgg19_distilled16x_relu5_1.pth"

    def __init__(self) -> None:
        super().__init__()
        self.colour = nn.Conv2d(3, 3, 1)
        widths, before = (16, 32, 64, 128, 128), 3
        blocks: list[list[nn.Conv2d]] = []
        maps: list[nn.Conv2d] = []
        for index, (width, count) in enumerate(zip(widths, (*_BLOCKS[:4], 1), strict=True)):
            blocks.append([nn.Conv2d(before if k == 0 else width, width, 3) for k in range(count)])
            maps.append(nn.Conv2d(width, min(64 << index, 512), 1))
            before = width
        self.convs = nn.ModuleList(conv for block in blocks for conv in block)
        self.maps = nn.ModuleList(maps)
        self._layers = list(zip(blocks, maps, strict=True))  # the same modules, block by block

    @classmethod
    def load(cls, path: Path) -> DistilledVGG:
        """Build it from the published file; MissingError for another file."""
        network = cls()

        def fill(stored: dict[str, Any]) -> None:
            state = stored["model"]
            _fill(network.colour, state, "conv0")
            for i, (block, mapping) in enumerate(network._layers, start=1):
                _fill(mapping, state, f"conv{i}1_aux")
                for k, conv in enumerate(block, start=1):
                    _fill(conv, state, f"conv{i}{k}")

        return _frozen(network, path, fill)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Five maps, at 1, 1/2, 1/4, 1/8 and 1/16 of the size."""
        found: list[Tensor] = []
        layer: Tensor = self.colour(picture)
        for block, mapping in self._layers:
            layer = F.max_pool2d(layer, 2) if found else layer
            for k, conv in enumerate(block):
                layer = F.relu(conv(F.pad(layer, (1, 1, 1, 1), mode="reflect")))
                if k == 0:
                    found.append(mapping(layer))
        return found


class VGG19(Features):
    """conv5_4 of VGG-19 before its rectifier, the paper's choice."""

    file = "vgg19-dcbb9e9d.pth"

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for index, count in enumerate(_BLOCKS):
            layers += [nn.MaxPool2d(2)] if layers else []
            for _ in range(count):
                layers += [nn.Conv2d(before, min(64 << index, 512), 3, padding=1), nn.ReLU()]
                before = min(64 << index, 512)
        self.layers = nn.Sequential(*layers[:-1])

    @classmethod
    def load(cls, path: Path) -> VGG19:
        """Build it from torchvision's file; MissingError for another file."""
        network = cls()

        def fill(stored: dict[str, Any]) -> None:
            for index, layer in enumerate(network.layers):
                if isinstance(layer, nn.Conv2d):
                    _fill(layer, stored, f"features.{index}")

        return _frozen(network, path, fill)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """One map of 512 channels at 1/16 of the size."""
        return [self.layers((picture - _MEAN.to(picture)) / _DEVIATION.to(picture))]


FEATURES: dict[str, type[DistilledVGG] | type[VGG19]] = {"distilled": DistilledVGG, "vgg19": VGG19}


def load(name: str) -> Features:
    """Load features by name; UsageError for an unknown name, MissingError without their file."""
    if name not in FEATURES:
        raise UsageError(f"unknown features {name!r}; known: {', '.join(FEATURES)}")
    kind = FEATURES[name]
    path = weights.find(kind.file)
    if path is None:
        raise MissingError(f"the {name} features need {kind.file} in the folder that {weights.VARIABLE} names")
    return kind.load(path)


def _fill(conv: Any, state: dict[str, Any], name: str) -> None:
    conv.load_state_dict({part: state[f"{name}.{part}"] for part in ("weight", "bias")})


def _frozen(network: T, path: Path, fill: Callable[[dict[str, Any]], None]) -> T:
    """Fill a network from a file that torch reads without running any code in it."""
    try:
        fill(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, KeyError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise MissingError(f"{path}: not the weights of these features: {first_line(error)}") from error
    return network.eval().requires_grad_(False)
