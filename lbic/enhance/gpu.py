"""NVIDIA's driver and libraries, and the free memory of a GPU through nvidia-ml-py (NVML)."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
from functools import lru_cache

from lbic.enhance.engine import onnxruntime


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
    """Return why CUDA cannot run networks here; None when no reason is known yet.

    Raises MissingError without ONNX Runtime.
    """
    if not driver_present():
        return "no NVIDIA driver on this machine (libcuda does not load)"
    printed = io.StringIO()
    # preload_dlls prints on stdout, which is for the user's data.
    with contextlib.redirect_stdout(printed):
        onnxruntime().preload_dlls()
    missing = [line.strip() for line in printed.getvalue().splitlines() if "failed" in line.lower()]
    return f"{missing[0]} (pip install 'lbic[gpu]')" if missing else None


def free_memory() -> int | None:
    """Return the free memory, in bytes, of the GPU that CUDA uses first.

    None if nvidia-ml-py (extra ``gpu``) or NVML is missing, or if NVML reports an error.
    """
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(_index())).free)
    except pynvml.NVMLError:
        return None


def _index() -> int:
    """Return NVML's index of the GPU.

    NVML counts all GPUs, CUDA only those in CUDA_VISIBLE_DEVICES, in that order.
    """
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    return int(first) if first.isdecimal() else 0
