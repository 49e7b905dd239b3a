"""ONNX Runtime sessions: load a network, and find the device that it really runs on.

A session that is to use another provider silently runs on the CPU when a library is missing. Only
the opened session's ``get_providers()`` is reliable, so lbic reports that.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic.enhance import providers
from lbic.enhance.catalog import ON_GPU, PROFILES, ModelSpec
from lbic.enhance.engine import onnxruntime
from lbic.enhance.providers import BY_DEVICE, CPU, CUDA, DEVICES, Provider
from lbic.errors import MissingError, ProviderError, UsageError, whole_number
from lbic.system.cores import cores, for_a_network

_SILENT = 4
"""ONNX Runtime's log severity for fatal errors only; lbic reports the others itself."""
_lock = threading.Lock()
_gpu = threading.Lock()
"""Held while a tile runs on the GPU: one tile at a time bounds the memory, and other jobs decode
meanwhile."""


@dataclass(frozen=True)
class Runtime:
    """How to run networks."""

    profile: str = "auto"
    """One of catalog.PROFILES, or "auto" for the one that suits picture and device."""
    device: str = "auto"
    """One of providers.DEVICES; "auto" is the best that works, at last the CPU."""
    tile: int | None = None
    """The tiles' side in pixels, without the halo; None chooses (tiling.automatic)."""

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown name and for a tile below 1."""
        if self.profile not in ("auto", *PROFILES):
            raise UsageError(f"unknown profile {self.profile!r}; known: auto, {', '.join(PROFILES)}")
        if self.device not in DEVICES:
            raise UsageError(f"unknown device {self.device!r}; known: {', '.join(DEVICES)}")
        if self.tile is not None and whole_number(self.tile, "tile") < 1:
            raise UsageError(f"tile {self.tile} is not at least 1 pixel")


class Session:
    """A loaded network."""

    def __init__(self, spec: ModelSpec, row: Provider, engine: Any, note: str | None) -> None:
        """Take the model, its provider, ONNX Runtime's session and a note for the user."""
        self.spec = spec
        self.row = row
        self.provider = row.name
        self.note = note
        self._engine = engine
        self._input = engine.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network on (1, channels, height, width) float32 in [0, 1].

        The result has the same height and width. Raises MemoryError when the device has too
        little memory for this size, and MissingError when ONNX Runtime fails otherwise.
        """
        try:
            with _gpu if self.row.is_gpu else contextlib.nullcontext():
                result: NDArray[np.float32] = self._engine.run(None, {self._input: batch})[0]
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            if isinstance(error, MemoryError) or any(word in str(error).lower() for word in ("alloc", "out of memory")):
                raise MemoryError(str(error)) from error
            raise MissingError(f"model {self.spec.name} failed on {self.provider}: {error}") from error
        return result


def open_session(spec: ModelSpec, device: str) -> Session:
    """Load a network, once per process and device.

    Raises ProviderError when the session of a named device would run elsewhere, and MissingError
    when the model file is absent or damaged.
    """
    with _lock:
        return _open(spec, device)


def expected(device: str) -> Provider:
    """Return the provider that sessions of a device will run on unless a library is missing."""
    if device != "auto":
        return BY_DEVICE[device]
    try:
        return next(row for row in providers.candidates(device) if row is CPU or not providers.obstacle(row))
    except MissingError:  # no ONNX Runtime
        return CPU


def profiles(runtime: Runtime) -> tuple[str, ...]:
    """Return the profiles that may run, the preferred one first.

    A profile that the user names is the only one.
    """
    if runtime.profile != "auto":
        return (runtime.profile,)
    return ON_GPU if expected(runtime.device).is_gpu else PROFILES


@lru_cache(maxsize=16)
def _open(spec: ModelSpec, device: str) -> Session:
    """Open a session as ``open_session``, without its lock."""
    data = spec.read()
    note = None
    for row in providers.candidates(device):
        if row is CPU:
            break
        reason = providers.obstacle(row)
        if reason is None:
            engine, reason = _on(row, spec, data)
            if engine is not None:
                return Session(spec, row, engine, note)
        if device != "auto":
            raise ProviderError(f"{row.label} cannot run the networks: {reason}")
        note = note or f"the networks do not run on {row.label}: {reason}"
    return Session(spec, CPU, _engine(spec, data, [CPU.name]), note)


def _on(row: Provider, spec: ModelSpec, data: bytes) -> tuple[Any, str | None]:
    """Return ONNX Runtime's session on a provider, or None and why it does not run there."""
    options = dict(row.options)
    if row.threads:
        options[row.threads] = str(for_a_network() or cores())
    try:
        engine = _engine(spec, data, [(row.name, options), CPU.name])
    except MissingError as error:
        return None, str(error)
    if engine.get_providers()[0] == row.name:
        return engine, None
    missing = "a CUDA or cuDNN library is missing (pip install 'lbic[gpu]')" if row is CUDA else f"it needs {row.needs}"
    return None, f"ONNX Runtime fell back to the CPU, {missing}"


def _engine(spec: ModelSpec, data: bytes, names: list[Any]) -> Any:
    """Create ONNX Runtime's session for a model; raises MissingError when it does not load."""
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = _SILENT
    options.intra_op_num_threads = for_a_network() or 0
    # ONNX Runtime keeps a memory plan for every input size: over a folder of pictures they add up.
    options.enable_mem_pattern = False
    try:
        return ort.InferenceSession(data, options, providers=names)
    except Exception as error:  # as in Session.run
        raise MissingError(f"model {spec.name} does not load: {error}") from error


def onnxruntime_version() -> str:
    """Return the version of the installed ONNX Runtime."""
    return str(onnxruntime().__version__)
