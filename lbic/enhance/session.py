"""ONNX Runtime sessions: load a network, and find the device that it really runs on.

A session that is to use CUDA silently runs on the CPU when a library is missing. Only the opened
session's ``get_providers()`` is reliable, so lbic reports that.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic.enhance.catalog import ON_GPU, PROFILES, ModelSpec
from lbic.enhance.engine import onnxruntime
from lbic.errors import CudaError, MissingError, UsageError, whole_number
from lbic.system.cores import for_a_network

DEVICES = ("auto", "cpu", "cuda")
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}
"""An exhaustive search would take longer than running a tile, and a doubling arena twice the
memory."""
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
    """One of DEVICES; "auto" is a GPU where CUDA works, else the CPU."""
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

    def __init__(self, spec: ModelSpec, provider: str, engine: Any, note: str | None) -> None:
        """Take the model, its provider, ONNX Runtime's session and a note for the user."""
        self.spec = spec
        self.provider = provider
        self.note = note
        self._engine = engine
        self._input = engine.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network on (1, channels, height, width) float32 in [0, 1].

        The result has the same height and width. Raises MemoryError when the device has too
        little memory for this size, and MissingError when ONNX Runtime fails otherwise.
        """
        try:
            with _gpu if self.provider == CUDA else contextlib.nullcontext():
                result: NDArray[np.float32] = self._engine.run(None, {self._input: batch})[0]
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            if isinstance(error, MemoryError) or any(word in str(error).lower() for word in ("alloc", "out of memory")):
                raise MemoryError(str(error)) from error
            raise MissingError(f"model {self.spec.name} failed on {self.provider}: {error}") from error
        return result


def open_session(spec: ModelSpec, device: str) -> Session:
    """Load a network, once per process and device.

    Raises CudaError when ``device`` is cuda and the session would run on the CPU, and
    MissingError when the model file is absent or damaged.
    """
    with _lock:
        return _open(spec, device)


def cuda_works(device: str) -> bool:
    """Return whether networks may run on CUDA.

    The device must allow it and a driver be there; CUDA's libraries are not checked.
    """
    return device != "cpu" and driver_present()


def profiles(runtime: Runtime) -> tuple[str, ...]:
    """Return the profiles that may run, the preferred one first.

    A profile that the user names is the only one.
    """
    if runtime.profile != "auto":
        return (runtime.profile,)
    return ON_GPU if cuda_works(runtime.device) else PROFILES


@lru_cache(maxsize=16)
def _open(spec: ModelSpec, device: str) -> Session:
    """Open a session as ``open_session``, without its lock."""
    data = spec.read()
    if device == "cpu" or (device == "auto" and not driver_present()):
        return Session(spec, CPU, _engine(spec, data, [CPU]), None)
    reason = cuda_obstacle()
    if reason is None:
        engine = _engine(spec, data, [(CUDA, _CUDA_OPTIONS), CPU])
        if engine.get_providers()[0] == CUDA:
            return Session(spec, CUDA, engine, None)
        reason = "ONNX Runtime fell back to the CPU, a CUDA or cuDNN library is missing (pip install 'lbic[gpu]')"
    if device == "cuda":
        raise CudaError(f"CUDA cannot run the networks: {reason}")
    return Session(spec, CPU, _engine(spec, data, [CPU]), f"a GPU is present but the networks run on the CPU: {reason}")


def _engine(spec: ModelSpec, data: bytes, providers: list[Any]) -> Any:
    """Create ONNX Runtime's session for a model; raises MissingError when it does not load."""
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = _SILENT
    options.intra_op_num_threads = for_a_network() or 0
    # ONNX Runtime keeps a memory plan for every input size: over a folder of pictures they add up.
    options.enable_mem_pattern = False
    try:
        return ort.InferenceSession(data, options, providers=providers)
    except Exception as error:  # as in Session.run
        raise MissingError(f"model {spec.name} does not load: {error}") from error


@lru_cache(maxsize=1)
def driver_present() -> bool:
    """Return whether an NVIDIA driver is installed: its library loads."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


@lru_cache(maxsize=1)
def cuda_obstacle() -> str | None:
    """Return why CUDA cannot run networks here; None when no reason is known yet."""
    if not driver_present():
        return "no NVIDIA driver on this machine (libcuda does not load)"
    try:
        ort = onnxruntime()
    except MissingError as error:
        return str(error)
    if CUDA not in ort.get_available_providers():
        return "the installed onnxruntime has no CUDA; install onnxruntime-gpu (and uninstall onnxruntime)"
    printed = io.StringIO()
    # preload_dlls prints on stdout, which is for the user's data.
    with contextlib.redirect_stdout(printed):
        ort.preload_dlls()
    missing = [line.strip() for line in printed.getvalue().splitlines() if "failed" in line.lower()]
    return f"{missing[0]} (pip install 'lbic[gpu]')" if missing else None


def onnxruntime_version() -> str:
    """Return the version of the installed ONNX Runtime."""
    return str(onnxruntime().__version__)
