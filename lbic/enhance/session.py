"""ONNX Runtime sessions: on which device a network really runs, and why not where it does not.

A list of providers proves nothing: a session that asked for CUDA silently runs on the CPU when a
library is missing. Only ``session.get_providers()`` tells the truth, so that is what is asked.
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
"""Tiles come in a few sizes: an exhaustive search for each would take longer than running it, and an arena that doubles
would hold twice the memory."""
_SILENT = 4  # ONNX Runtime's severity for fatal errors only: lbic says what matters itself
_lock = threading.Lock()
_gpu = threading.Lock()
"""One tile at a time on the GPU: the memory is bounded, and the other jobs decode meanwhile."""


@dataclass(frozen=True)
class Runtime:
    """What the user wants of the networks: profile and device by name, ``tile`` in pixels or None for automatic."""

    profile: str = "auto"
    device: str = "auto"
    tile: int | None = None

    def __post_init__(self) -> None:
        if self.profile not in ("auto", *PROFILES):
            raise UsageError(f"unknown profile {self.profile!r}; known: auto, {', '.join(PROFILES)}")
        if self.device not in DEVICES:
            raise UsageError(f"unknown device {self.device!r}; known: {', '.join(DEVICES)}")
        if self.tile is not None and whole_number(self.tile, "tile") < 1:
            raise UsageError(f"tile {self.tile} is not at least 1 pixel")


class Session:
    """A loaded network. ``provider`` is the one it runs on; ``note`` says what should have been better."""

    def __init__(self, spec: ModelSpec, provider: str, engine: Any, note: str | None) -> None:
        self.spec = spec
        self.provider = provider
        self.note = note
        self._engine = engine
        self._input = engine.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network on (1, channels, height, width) float32 in [0, 1]; the same size comes back.

        Raises MemoryError when the device has not enough memory for this size.
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
    """Load a network once per process and device.

    Raises DeviceError when ``device`` is cuda and the session would run elsewhere, MissingError when the
    model file is absent or damaged.
    """
    with _lock:
        return _open(spec, device)


def cuda_works(device: str) -> bool:
    """Tell whether this device choice may end on CUDA; says nothing of the libraries."""
    return device != "cpu" and driver_present()


def profiles(runtime: Runtime) -> tuple[str, ...]:
    """The profiles that may run, the preferred one first: the user's alone, else full first where a GPU may run it."""
    if runtime.profile != "auto":
        return (runtime.profile,)
    return ON_GPU if cuda_works(runtime.device) else PROFILES


@lru_cache(maxsize=16)
def _open(spec: ModelSpec, device: str) -> Session:
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
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = _SILENT
    options.intra_op_num_threads = for_a_network() or 0
    # A plan of the memory is kept for every size seen: over a folder of pictures that grows without end.
    options.enable_mem_pattern = False
    try:
        return ort.InferenceSession(data, options, providers=providers)
    except Exception as error:  # as in Session.run
        raise MissingError(f"model {spec.name} does not load: {error}") from error


@lru_cache(maxsize=1)
def driver_present() -> bool:
    """Tell whether an NVIDIA driver is installed: its library loads."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


@lru_cache(maxsize=1)
def cuda_obstacle() -> str | None:
    """Why CUDA cannot run networks here, as far as it is known without loading one; None when nothing is known."""
    if not driver_present():
        return "no NVIDIA driver on this machine (libcuda does not load)"
    try:
        ort = onnxruntime()
    except MissingError as error:
        return str(error)
    if CUDA not in ort.get_available_providers():
        return "the installed onnxruntime has no CUDA; install onnxruntime-gpu (and uninstall onnxruntime)"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):  # preload_dlls prints on stdout, which belongs to the user's data
        ort.preload_dlls()
    missing = [line.strip() for line in said.getvalue().splitlines() if "failed" in line.lower()]
    return f"{missing[0]} (pip install 'lbic[gpu]')" if missing else None


def onnxruntime_version() -> str:
    """The version of the installed ONNX Runtime."""
    return str(onnxruntime().__version__)
