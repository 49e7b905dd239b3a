"""Smaller model files: weights stored as float16 or int8, and turned into what the network computes with when loaded.

The file's own nodes do that (Cast, and Mul by a scale for int8); ONNX Runtime folds them into constants once, so a
network runs as fast and on every provider, and nothing but the weights' rounding changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic.errors import UsageError

Floats = NDArray[np.float32]
Weights = NDArray[Any]
"""float32 or float16, as the network computes."""
LEAST = 256
"""Values below which a tensor stays as it is: biases and slopes weigh nothing and matter."""
_SCALE, _WIDE = ".scale", ".wide"
_MOST = 127
_AXES = {"Conv": 0, "ConvTranspose": 1}
"""The axis of a weight that counts its output channels, by the node that it belongs to."""


def shrink(data: bytes, kind: str) -> bytes:
    """Store the weights of an ONNX file, (bytes of it), as "fp32" (unchanged), "fp16" or "int8".

    int8 weights have one scale for each output channel, so that its largest is 127. Raises UsageError for another kind.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown kind of weights {kind!r}; known: {', '.join(KINDS)}")
    import onnx

    model = onnx.load_from_string(data)
    graph = model.graph
    axes = {node.input[1]: _AXES[node.op_type] for node in graph.node if node.op_type in _AXES}
    added: list[Any] = []
    for item in list(graph.initializer):
        value = onnx.numpy_helper.to_array(item)
        if item.name not in axes or value.size < LEAST:
            continue
        stored, nodes = KINDS[kind](item.name, value, axes[item.name])
        if not nodes:
            continue
        for node in graph.node:
            node.input[:] = [item.name + _WIDE if name == item.name else name for name in node.input]
        graph.initializer.remove(item)
        graph.initializer.extend(stored)
        added += nodes
    for index, node in enumerate(added):
        graph.node.insert(index, node)
    onnx.checker.check_model(model)
    result: bytes = model.SerializeToString()
    return result


def restored(stored: dict[str, NDArray[Any]], name: str) -> Floats | None:
    """A weight of a file's initializers as float32, however it is stored; None when it is not there."""
    value = stored.get(name)
    if value is None:
        return None
    scale = stored.get(name + _SCALE)
    result: Floats = value.astype(np.float32)
    return result if scale is None else result * scale


def _keep(name: str, value: Weights, axis: int) -> tuple[list[Any], list[Any]]:
    return [], []


def _half(name: str, value: Weights, axis: int) -> tuple[list[Any], list[Any]]:
    import onnx

    if value.dtype == np.float16:
        return [], []
    cast = onnx.helper.make_node("Cast", [name], [name + _WIDE], to=onnx.TensorProto.FLOAT)
    return [onnx.numpy_helper.from_array(value.astype(np.float16), name)], [cast]


def _int8(name: str, value: Weights, axis: int) -> tuple[list[Any], list[Any]]:
    import onnx

    others = tuple(other for other in range(value.ndim) if other != axis)
    scale = (np.abs(value).max(others, keepdims=True) / np.float32(_MOST)).astype(value.dtype)
    scale[scale == 0] = 1
    levels = np.clip(np.rint(value / scale), -_MOST, _MOST).astype(np.int8)
    stored = [onnx.numpy_helper.from_array(levels, name), onnx.numpy_helper.from_array(scale, name + _SCALE)]
    whole = name + ".levels"
    cast = onnx.helper.make_node("Cast", [name], [whole], to=onnx.helper.np_dtype_to_tensor_dtype(value.dtype))
    return stored, [cast, onnx.helper.make_node("Mul", [whole, name + _SCALE], [name + _WIDE])]


KINDS: dict[str, Callable[[str, Weights, int], tuple[list[Any], list[Any]]]] = {
    "fp32": _keep,
    "fp16": _half,
    "int8": _int8,
}
