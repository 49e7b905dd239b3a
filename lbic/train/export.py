"""``lbic export``: a checkpoint becomes one ONNX file that is proven to compute the same."""

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
from lbic.train.shrink import restored

OPSET = 18
TOLERANCE = 2e-5
"""Largest difference to PyTorch that is accepted, of values in [0, 1]: a two-hundredth of an 8-bit level."""
HALF_TOLERANCE = 2e-3
"""The same of a file that computes in float16: half a level."""
_SIZES = ((33, 47), (65, 31), (129, 101))


def read_checkpoint(path: Path) -> tuple[Config, Network, int]:
    """The recipe, the averaged network (evaluation mode) and the step of a checkpoint."""
    state = checkpoint.load(path)
    recipe = config.parse(state["config"], str(path))
    network = nets.build(recipe.network)
    network.load_state_dict(state["average"])
    return recipe, network.eval(), int(state["step"])


def to_onnx(network: Network, facts: dict[str, str], *, half: bool = False) -> bytes:
    """Export with dynamic height and width; ``facts`` go into the file's metadata_props.

    Input and output are called "picture" and "restored", (1, channels, height, width) float32; the input has one
    channel more for a quality plane. With ``half`` the layers between compute in float16, which is for GPUs;
    UsageError for a network of luma, whose layers do not.
    """
    import onnx

    if half and network.channels == 1:
        raise UsageError("only HGRDN networks compute in float16")
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
    """Compare an ONNX file with PyTorch (float32) on noise of three odd sizes; CodecError above ``tolerance``."""
    session = _session(data)
    rng = np.random.default_rng(0)
    worst = 0.0
    for sides in _SIZES:
        height, width = (-(-side // network.multiple) * network.multiple for side in sides)
        picture = rng.random((1, network.channels + network.quality_plane, height, width), dtype=np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(picture)).numpy()
        got = session.run(None, {"picture": picture})[0]
        worst = float(np.maximum(worst, np.abs(got - expected).max()))  # stays NaN, which no tolerance covers
    if not worst <= tolerance:
        raise CodecError(f"the exported network differs from PyTorch's by {worst:.2g}, more than {tolerance:g}")
    return worst


def read_network(path: Path) -> Network:
    """An exported network of lbic's own, with its weights; FileError or UsageError as for read_weights."""
    network = nets.build(_facts(path).get("network", ""))
    network.load_state_dict(read_weights(path, network))
    return network.eval().requires_grad_(False)


def read_weights(
    path: Path, network: nn.Module, fresh: tuple[str, ...] = (), wider: tuple[str, ...] = ()
) -> dict[str, torch.Tensor]:
    """The weights of an exported network under PyTorch's names, for ``--init``.

    Layers that ``fresh`` names keep the network's own weights where the file lacks them. Weights that ``wider`` names
    may be of fewer input channels in the file; those of the others become zero. FileError when the file is no ONNX
    model, UsageError when it is one of another network.
    """
    return _weights(_load(path), network, str(path), fresh, wider)


def take_weights(network: Network, data: bytes) -> None:
    """Give a network the weights of its own export, which may be rounded."""
    import onnx

    network.load_state_dict(_weights(onnx.load_from_string(data), network, "the export"))


def _weights(
    model: Any, network: nn.Module, source: str, fresh: tuple[str, ...] = (), wider: tuple[str, ...] = ()
) -> dict[str, torch.Tensor]:
    import onnx

    stored = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    weights = {}
    for name, value in network.state_dict().items():
        found = restored(stored, name)
        if found is None and name.startswith(fresh):
            found = value.numpy()
        elif found is not None and name.startswith(wider) and found.shape[1] < value.shape[1]:
            found = np.pad(found, ((0, 0), (0, value.shape[1] - found.shape[1]), (0, 0), (0, 0)))
        if found is None or found.size != value.numel():
            raise UsageError(f"{source}: not an export of this network ({name} is missing or of another size)")
        weights[name] = torch.from_numpy(found.copy()).reshape(value.shape)
    return weights


def read_start(paths: Sequence[Path], network: Network) -> dict[str, torch.Tensor]:
    """The weights that a network begins with: from one export of it, or from one for each of its ``stages``.

    Raises as read_weights does.
    """
    if len(paths) == 1:
        return read_weights(paths[0], network, network.fresh, network.wider)
    if len(paths) != len(network.stages):
        wanted = " and ".join(network.stages) or "one file"
        raise UsageError(f"this network begins with {wanted}; {len(paths)} files were given")
    parts = {
        name: read_weights(path, network.get_submodule(name)) for name, path in zip(network.stages, paths, strict=True)
    }
    return {f"{stage}.{name}": value for stage, weights in parts.items() for name, value in weights.items()}


def _load(path: Path) -> Any:
    import onnx

    try:
        return onnx.load(path)
    except Exception as error:  # onnx passes on protobuf's errors, which share no public base
        raise FileError(f"{path}: not a readable ONNX file: {error}") from error


def _facts(path: Path) -> dict[str, str]:
    """The metadata_props of a file."""
    return {item.key: item.value for item in _load(path).metadata_props}


def _name_weights(model: Any, network: Network) -> None:
    """Give weights that the exporter folded into constants (PReLU slopes) their PyTorch names back."""
    import onnx

    stored = {item.name: item for item in model.graph.initializer}
    for name, value in network.state_dict().items():
        if name in stored:
            continue
        wanted = value.numpy().ravel()
        for item in stored.values():
            content = onnx.numpy_helper.to_array(item)
            if content.dtype == wanted.dtype and np.array_equal(content.ravel(), wanted):
                _rename(model.graph, item, name)
                del stored[next(key for key, kept in stored.items() if kept is item)]
                break


def _forget_sources(graph: Any) -> None:
    """Remove the exporter's notes, which quote source files by their paths on the machine that exported."""
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
    """Silence the exporter: it prints its progress and warns that torchvision is absent."""
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
