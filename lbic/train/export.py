"""``lbic export``: turn a checkpoint into an ONNX file and check that it computes the same."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lbic.enhance.engine import onnxruntime
from lbic.errors import CodecError, FileError, UsageError
from lbic.nets import table as nets
from lbic.nets.base import Network
from lbic.train import checkpoint, config
from lbic.train.config import Config
from lbic.train.shrink import read_weight

CHECKPOINT = ".pt"
"""Suffix of checkpoints; every other file is read as ONNX."""
OPSET = 18
"""ONNX operator set of the exported files."""
TOLERANCE = 2e-5
"""Largest accepted difference from PyTorch for values in [0, 1]: 1/200 of an 8-bit level."""
HALF_TOLERANCE = 2e-3
"""Largest accepted difference of a file that computes in float16: half an 8-bit level."""
_SIZES = ((33, 47), (65, 31), (129, 101))
"""Heights and widths at which an ONNX file is compared with PyTorch."""


def read_checkpoint(path: Path) -> tuple[Config, Network, int]:
    """Return the recipe, the averaged network in evaluation mode, and the step of a checkpoint.

    Raises FileError if the file is not a readable checkpoint, UsageError if its recipe is wrong.
    """
    state = checkpoint.load(path)
    recipe = config.parse(state["config"], str(path))
    network = nets.build(recipe.network)
    network.load_state_dict(state["average"])
    return recipe, network.eval(), int(state["step"])


def to_onnx(network: Network, facts: dict[str, str], *, half: bool = False) -> bytes:
    """Return a network as the bytes of an ONNX file with dynamic height and width.

    The input "picture" and the output "restored" are (1, channels, height, width) float32; the
    input has one more channel if the network has a quality plane. ``facts`` become the file's
    metadata_props. With ``half``, for GPUs, the layers in between compute in float16. Raises
    UsageError for ``half`` with a network for luma, which cannot do that.
    """
    import onnx

    if half and network.channels == 1:
        raise UsageError("networks for luma cannot compute in float16")
    height, width = torch.export.Dim("height", min=1), torch.export.Dim("width", min=1)
    example = torch.rand(1, network.channels + network.quality_plane, 64, 72)
    exported = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    if half:
        exported = copy.deepcopy(exported).half()
    with _quiet():
        program = torch.onnx.export(
            exported,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            input_names=["picture"],
            output_names=["restored"],
            dynamic_shapes=({2: height, 3: width},),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _name_weights(model, exported)
    _forget_sources(model.graph)
    onnx.helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def largest_difference(network: Network, data: bytes, tolerance: float = TOLERANCE) -> float:
    """Return the largest difference of an ONNX file's output from PyTorch's, for values in [0, 1].

    Both run on noise of three sizes. Raises CodecError if the difference is above ``tolerance``
    or not a number.
    """
    session = _session(data)
    rng = np.random.default_rng(0)
    worst = 0.0
    for sides in _SIZES:
        height, width = (-(-side // network.multiple) * network.multiple for side in sides)
        picture = rng.random((1, network.channels + network.quality_plane, height, width), dtype=np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(picture)).numpy()
        output = session.run(None, {"picture": picture})[0]
        worst = float(np.maximum(worst, np.abs(output - expected).max()))  # np.maximum keeps a NaN
    if not worst <= tolerance:
        raise CodecError(f"the ONNX file differs from PyTorch by {worst:.2g}; at most {tolerance:g} is allowed")
    return worst


def read_network(path: Path) -> Network:
    """Return an exported network, or that of a checkpoint, in evaluation mode.

    Raises as read_weights does.
    """
    network = nets.build(_name(path))
    network.load_state_dict(read_weights(path, network))
    return network.eval().requires_grad_(False)


def read_weights(
    path: Path, network: nn.Module, fresh: tuple[str, ...] = (), wider: tuple[str, ...] = ()
) -> dict[str, torch.Tensor]:
    """Read the weights of an exported network or a checkpoint, by their PyTorch names.

    The averaged weights of a checkpoint count; its name ends in .pt. The network to fill may be
    larger than that of the file. Weights whose names start with one of ``fresh`` keep the
    network's own values if the file lacks them. Weights whose names start with one of ``wider``
    may have fewer input channels in the file; those that are missing become zero. Raises
    FileError if the file is not readable, UsageError if it holds another network.
    """
    if path.suffix == CHECKPOINT:
        stored = {name: value.float().numpy() for name, value in checkpoint.load(path)["average"].items()}
    else:
        stored = _initializers(_load(path))
    return _weights(stored, network, str(path), fresh, wider)


def take_weights(network: Network, data: bytes) -> None:
    """Load the weights of an ONNX file, given as its bytes, into the network that was exported."""
    import onnx

    network.load_state_dict(_weights(_initializers(onnx.load_from_string(data)), network, "the export"))


def _initializers(model: Any) -> dict[str, Any]:
    """Return the stored values of an ONNX model, as NumPy arrays by their names."""
    import onnx

    return {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}


def _weights(
    stored: dict[str, Any],
    network: nn.Module,
    source: str,
    fresh: tuple[str, ...] = (),
    wider: tuple[str, ...] = (),
) -> dict[str, torch.Tensor]:
    weights = {}
    for name, value in network.state_dict().items():
        weight = read_weight(stored, name)
        if weight is None and name.startswith(fresh):
            weight = value.numpy()
        elif weight is not None and name.startswith(wider) and weight.shape[1] < value.shape[1]:
            weight = np.pad(weight, ((0, 0), (0, value.shape[1] - weight.shape[1]), (0, 0), (0, 0)))
        if weight is None or weight.size != value.numel():
            raise UsageError(f"{source}: not an export of this network: {name} is missing or has another size")
        weights[name] = torch.from_numpy(weight.copy()).reshape(value.shape)
    return weights


def read_start(paths: Sequence[Path], network: Network) -> dict[str, torch.Tensor]:
    """Read the weights that a training starts from, by their PyTorch names.

    ``paths`` holds one export of the network, or one for each of its ``stages``. Raises
    UsageError for another number of files, and as read_weights does.
    """
    if len(paths) == 1:
        return read_weights(paths[0], network, network.fresh, network.wider)
    if len(paths) != len(network.stages):
        number = f"one file, or one each for {' and '.join(network.stages)}" if network.stages else "one file"
        raise UsageError(f"this network starts from {number}, not from {len(paths)} files")
    parts = {
        name: read_weights(path, network.get_submodule(name)) for name, path in zip(network.stages, paths, strict=True)
    }
    return {f"{stage}.{name}": value for stage, weights in parts.items() for name, value in weights.items()}


def _load(path: Path) -> Any:
    import onnx

    try:
        return onnx.load(path)
    except Exception as error:  # protobuf's errors have no common public base class
        raise FileError(f"{path}: not a readable ONNX file: {error}") from error


def _name(path: Path) -> str:
    """Return the name of the network in an exported file or a checkpoint."""
    if path.suffix == CHECKPOINT:
        return config.parse(checkpoint.load(path)["config"], str(path)).network
    return next((item.value for item in _load(path).metadata_props if item.key == "network"), "")


def _name_weights(model: Any, network: Network) -> None:
    """Restore the PyTorch names of weights that the exporter made constants (PReLU slopes)."""
    import onnx

    stored = {item.name: item for item in model.graph.initializer}
    for name, value in network.state_dict().items():
        if name in stored:
            continue
        values = value.numpy().ravel()
        for item in stored.values():
            content = onnx.numpy_helper.to_array(item)
            if content.dtype == values.dtype and np.array_equal(content.ravel(), values):
                _rename(model.graph, item, name)
                del stored[next(key for key, kept in stored.items() if kept is item)]
                break


def _forget_sources(graph: Any) -> None:
    """Remove the exporter's notes: they name source files by their paths on this machine."""
    parts = (graph.node, graph.value_info, graph.input, graph.output, graph.initializer)
    for item in (graph, *(item for part in parts for item in part)):
        del item.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""


def _rename(graph: Any, item: Any, name: str) -> None:
    for node in graph.node:
        for index, source in enumerate(node.input):
            if source == item.name:
                node.input[index] = name
    item.name = name


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter, which prints its progress and warns that torchvision is missing."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _session(data: bytes) -> Any:
    return onnxruntime().InferenceSession(data, providers=["CPUExecutionProvider"])
