"""Smaller weights in a model file: the size, the rounding error, and reading them back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from lbic.errors import UsageError
from lbic.nets import table as nets
from lbic.nets.base import Network
from lbic.train import export, shrink


@pytest.fixture(scope="module")
def exported() -> tuple[Network, bytes]:
    """A network with both kinds of convolution."""
    torch.manual_seed(0)
    network = nets.build("hgrdn-lite").eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return network, export.to_onnx(network, {"role": "nr"})


@pytest.mark.parametrize("kind", ["fp32", "int8"])
def test_a_network_that_computes_in_fp16(exported: tuple[Network, bytes], kind: str) -> None:
    """Its input and output stay float32; its weights take half the bytes."""
    import onnx

    data = shrink.shrink(export.to_onnx(exported[0], {}, half=True), kind)
    assert len(data) < (0.55 if kind == "fp32" else 0.3) * len(exported[1])
    rounded = nets.build("hgrdn-lite").eval()
    export.take_weights(rounded, data)
    assert export.largest_difference(rounded, data, export.HALF_TOLERANCE) > 1e-6
    graph = onnx.load_from_string(data).graph
    ends = (*graph.input, *graph.output)
    assert {value.type.tensor_type.elem_type for value in ends} == {onnx.TensorProto.FLOAT}


@pytest.mark.parametrize(("kind", "size", "rounding"), [("fp16", 0.55, 2**-11), ("int8", 0.3, 0.501 / 127)])
def test_rounded_weights(
    exported: tuple[Network, bytes], tmp_path: Path, kind: str, size: float, rounding: float
) -> None:
    network, data = exported
    small = shrink.shrink(data, kind)
    assert len(small) < size * len(data)
    rounded = nets.build("hgrdn-lite").eval()
    export.take_weights(rounded, small)
    assert export.largest_difference(rounded, small) < export.TOLERANCE
    for (name, value), other in zip(network.state_dict().items(), rounded.state_dict().values(), strict=True):
        axis = 1 if name == "up.weight" else 0
        largest = value.abs().amax([k for k in range(value.ndim) if k != axis], keepdim=True)
        assert ((value - other).abs() <= rounding * largest + 1e-9).all()
        if name in ("down.weight", "up.weight"):
            assert not torch.equal(value, other)

    (tmp_path / "small.onnx").write_bytes(small)
    weights = export.read_weights(tmp_path / "small.onnx", nets.build("hgrdn-lite"))
    assert all(torch.equal(weights[name], value) for name, value in rounded.state_dict().items())


def test_fp32_stays_as_it_is(exported: tuple[Network, bytes]) -> None:
    assert export.largest_difference(exported[0], shrink.shrink(exported[1], "fp32")) < export.TOLERANCE
    with pytest.raises(UsageError, match="known: fp32, fp16, int8"):
        shrink.shrink(exported[1], "int4")


def test_rounding_is_folded_when_the_file_is_loaded(exported: tuple[Network, bytes], tmp_path: Path) -> None:
    """No Cast or Mul of a weight is left in what ONNX Runtime runs."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "run.onnx")
    onnxruntime.InferenceSession(shrink.shrink(exported[1], "int8"), options, providers=["CPUExecutionProvider"])
    ran = onnx.load(tmp_path / "run.onnx")
    assert not [node for node in ran.graph.node if node.op_type == "Cast"]
    kinds = {onnx.numpy_helper.to_array(item).dtype for item in ran.graph.initializer}
    assert np.dtype(np.int8) not in kinds
