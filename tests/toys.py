"""Toy networks and catalogs, made as ``lbic export`` makes the real ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lbic.enhance.catalog import ModelSpec


def network(inputs: int, outputs: int, kernels: Sequence[NDArray[np.float32]], *, strided: bool = False) -> bytes:
    """An ONNX file of convolutions in a row, zero-padded to keep the size, ReLU between them.

    ``strided`` adds a step down to half size and back up by two, as HGRDN has.
    """
    nodes, weights, last = [], [], "in"
    for index, kernel in enumerate(kernels):
        weights.append(numpy_helper.from_array(kernel, f"w{index}"))
        name = "out" if index == len(kernels) - 1 and not strided else f"c{index}"
        pads = [side // 2 for side in kernel.shape[2:]] * 2
        nodes.append(helper.make_node("Conv", [last, f"w{index}"], [name], pads=pads))
        last = name
        if index < len(kernels) - 1:
            nodes.append(helper.make_node("Relu", [last], [f"r{index}"]))
            last = f"r{index}"
    if strided:
        step = np.full((outputs, 1, 2, 2), 0.25, np.float32)
        weights += [numpy_helper.from_array(step, "down"), numpy_helper.from_array(step * 4, "up")]
        both: dict[str, Any] = {"strides": [2, 2], "group": outputs}
        nodes.append(helper.make_node("Conv", [last, "down"], ["low"], **both))
        nodes.append(helper.make_node("ConvTranspose", ["low", "up"], ["out"], **both))
    sizes = [1, None, "height", "width"]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, [sizes[0], inputs, *sizes[2:]])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [sizes[0], outputs, *sizes[2:]])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def identity(channels: int, gain: float = 1.0, *, quality_plane: bool = False) -> bytes:
    """A network that multiplies every channel by ``gain``; a quality plane is
    added to each channel.
    """
    kernel = np.eye(channels, dtype=np.float32)[..., None, None] * np.float32(gain)
    if quality_plane:
        kernel = np.concatenate([kernel, np.ones((channels, 1, 1, 1), np.float32)], axis=1)
    return network(kernel.shape[1], channels, [kernel])


def random_kernels(channels: int, seed: int = 3) -> list[NDArray[np.float32]]:
    """Two 5x5 convolutions with six channels between them: a receptive radius of 4."""
    rng = np.random.default_rng(seed)
    shapes = [(6, channels, 5, 5), (channels, 6, 5, 5)]
    return [rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]


def spec(name: str, data: bytes, role: str, **changes: Any) -> ModelSpec:
    """A manifest row for a network of ``role``: luma, lite, all codecs, all scales, all
    qualities unless changed.
    """
    row: dict[str, Any] = {
        "name": name,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "role": role,
        "network": "toy",
        "profile": "lite",
        "channels": 1,
        "halo": 0,
        "multiple": 1,
        "quality_plane": False,
        "codecs": ("vvc", "vtm", "jpeg"),
        "scales": (16, 24, 32, 48, 64),
        "quality": (0, 95),
        "trained_on": "nothing",
        "licence": "MIT",
    }
    return ModelSpec(**(row | changes))


def write_catalog(
    folder: Path, models: Sequence[tuple[ModelSpec, bytes]], defaults: Sequence[tuple[str, int, int]] = ()
) -> None:
    """Write network files and their manifest as ``lbic export`` does."""
    rows = []
    for row, data in models:
        (folder / row.file).write_bytes(data)
        rows.append(asdict(row))
    recorded = [{"codec": codec, "scale": scale, "type": number} for codec, scale, number in defaults]
    (folder / "manifest.json").write_text(json.dumps({"models": rows, "defaults": recorded}), encoding="utf-8")
