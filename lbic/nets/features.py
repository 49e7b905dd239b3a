"""The feature networks of the perceptual loss: layers of an image classifier.

Source: Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and
Super-Resolution" (ECCV 2016), section 3.2.

Two networks are available. ``vgg19`` gives the last convolution of VGG-19, as Kim et al. use it;
its weights file has 548 MB. ``distilled``, the default, gives five layers of a small copy of
VGG-19: Wang et al., "Collaborative Distillation for Ultra-Resolution Universal Style Transfer"
(CVPR 2020). The weights files are not part of lbic; the environment variable LBIC_WEIGHTS names
their folder.
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
"""Convolutions in each block of VGG-19 (Simonyan and Zisserman, ICLR 2015, table 1, column E)."""
_MEAN = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
_DEVIATION = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)


class Features(nn.Module, ABC):
    """Base of the feature networks."""

    @abstractmethod
    def forward(self, picture: Tensor) -> list[Tensor]:
        """Return the feature maps of RGB pictures, from shallow to deep.

        ``picture`` is (batch, 3, height, width) in [0, 1], with sides of at least 32 pixels.
        """


class DistilledVGG(Features):
    """relu1_1, 2_1, 3_1, 4_1 and 5_1 of a VGG-19 with a sixteenth of the weights.

    A 1x1 convolution maps each layer to the number of channels in VGG-19, 64 to 512.
    """

    file = "vgg19_distilled16x_relu5_1.pth"

    def __init__(self) -> None:
        """Build the layers with random weights."""
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
        self._layers = list(zip(blocks, maps, strict=True))  # the same modules, grouped by block

    @classmethod
    def load(cls, path: Path) -> DistilledVGG:
        """Load the published weights.

        Raises MissingError if the file cannot be read or holds other weights.
        """
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
        """Return five maps with 1, 1/2, 1/4, 1/8 and 1/16 of the picture's sides."""
        features: list[Tensor] = []
        layer: Tensor = self.colour(picture)
        for block, mapping in self._layers:
            layer = F.max_pool2d(layer, 2) if features else layer
            for k, conv in enumerate(block):
                layer = F.relu(conv(F.pad(layer, (1, 1, 1, 1), mode="reflect")))
                if k == 0:
                    features.append(mapping(layer))
        return features


class VGG19(Features):
    """conv5_4 of VGG-19, before its rectifier: the features in the paper of Kim et al."""

    file = "vgg19-dcbb9e9d.pth"

    def __init__(self) -> None:
        """Build the layers with random weights."""
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
        """Load torchvision's weights.

        Raises MissingError if the file cannot be read or holds other weights.
        """
        network = cls()

        def fill(stored: dict[str, Any]) -> None:
            for index, layer in enumerate(network.layers):
                if isinstance(layer, nn.Conv2d):
                    _fill(layer, stored, f"features.{index}")

        return _frozen(network, path, fill)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Return one map with 512 channels and 1/16 of the picture's sides."""
        return [self.layers((picture - _MEAN.to(picture)) / _DEVIATION.to(picture))]


FEATURES: dict[str, type[DistilledVGG] | type[VGG19]] = {"distilled": DistilledVGG, "vgg19": VGG19}


def load(name: str) -> Features:
    """Load a feature network by name.

    Raises UsageError for an unknown name and MissingError if its weights file is missing or wrong.
    """
    if name not in FEATURES:
        raise UsageError(f"unknown features {name!r}; known: {', '.join(FEATURES)}")
    network = FEATURES[name]
    path = weights.find(network.file)
    if path is None:
        raise MissingError(f"the {name} features need {network.file} in the folder that {weights.VARIABLE} names")
    return network.load(path)


def _fill(conv: Any, state: dict[str, Any], name: str) -> None:
    conv.load_state_dict({part: state[f"{name}.{part}"] for part in ("weight", "bias")})


def _frozen(network: T, path: Path, fill: Callable[[dict[str, Any]], None]) -> T:
    """Fill a network with the weights of a file and freeze it.

    ``weights_only`` makes torch.load refuse files that would run code.
    """
    try:
        fill(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, KeyError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise MissingError(f"{path}: not the weights of these features: {first_line(error)}") from error
    return network.eval().requires_grad_(False)
