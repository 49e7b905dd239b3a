"""Smaller model files: store the weights of an ONNX file as float16 or int8.

Nodes in the file convert the weights back: a Cast, and for int8 a Mul by a scale. ONNX Runtime
folds these nodes into constants when it loads the file. So the network runs as fast as before, on
every provider, and only the rounding of the weights changes its output.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic.errors import UsageError

Floats = NDArray[np.float32]
Weights = NDArray[Any]
"""float32 or float16: the type that the network computes in."""
LEAST = 256
"""Smallest tensor, in values, that is converted: biases and slopes are small, and matter."""
FORMATS = ("fp32", "fp16", "int8")
"""The ways to store weights."""
_SCALE, _WIDE = ".scale", ".wide"
_MOST = 127
_AXES = {"Conv": 0, "ConvTranspose": 1}
"""The axis of the output channels in a weight, by the type of its node."""


def shrink(data: bytes, weights: str) -> bytes:
    """Convert the weights of an ONNX file, given as its bytes, to one of FORMATS.

    "fp32" leaves the file as it is. "int8" uses one scale for each output channel: the channel's
    largest weight becomes 127. Raises UsageError for another format.
    """
    if weights not in FORMATS:
        raise UsageError(f"unknown format of weights {weights!r}; known: {', '.join(FORMATS)}")
    if weights == "fp32":
        return data
    import onnx

    convert = _half if weights == "fp16" else _int8
    model = onnx.load_from_string(data)
    graph = model.graph
    axes = {node.input[1]: _AXES[node.op_type] for node in graph.node if node.op_type in _AXES}
    added: list[Any] = []
    for item in list(graph.initializer):
        value = onnx.numpy_helper.to_array(item)
        if item.name not in axes or value.size < LEAST:
            continue
        stored, nodes = convert(item.name, value, axes[item.name])
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


def read_weight(initializers: dict[str, NDArray[Any]], name: str) -> Floats | None:
    """Return a weight of an ONNX file as float32, in whatever format it is stored.

    Returns None if the initializers do not hold it.
    """
    value = initializers.get(name)
    if value is None:
        return None
    scale = initializers.get(name + _SCALE)
    result: Floats = value.astype(np.float32)
    return result if scale is None else result * scale


def _half(name: str, value: Weights, axis: int) -> tuple[list[Any], list[Any]]:
    """Return the float16 initializer of a weight and its Cast node; nothing if it is float16."""
    import onnx

    if value.dtype == np.float16:
        return [], []
    cast = onnx.helper.make_node("Cast", [name], [name + _WIDE], to=onnx.TensorProto.FLOAT)
    return [onnx.numpy_helper.from_array(value.astype(np.float16), name)], [cast]


def _int8(name: str, value: Weights, axis: int) -> tuple[list[Any], list[Any]]:
    """Return the int8 initializer of a weight with its scales, and the nodes that restore it.

    ``axis`` is the axis of the output channels.
    """
    import onnx

    others = tuple(other for other in range(value.ndim) if other != axis)
    scale = (np.abs(value).max(others, keepdims=True) / np.float32(_MOST)).astype(value.dtype)
    scale[scale == 0] = 1
    levels = np.clip(np.rint(value / scale), -_MOST, _MOST).astype(np.int8)
    stored = [onnx.numpy_helper.from_array(levels, name), onnx.numpy_helper.from_array(scale, name + _SCALE)]
    whole = name + ".levels"
    cast = onnx.helper.make_node("Cast", [name], [whole], to=onnx.helper.np_dtype_to_tensor_dtype(value.dtype))
    return stored, [cast, onnx.helper.make_node("Mul", [whole, name + _SCALE], [name + _WIDE])]
