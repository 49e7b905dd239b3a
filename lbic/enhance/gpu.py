"""How much memory a GPU has left, as NVIDIA's management library (NVML) tells it."""

from __future__ import annotations

import ctypes
import os
import sys


class _Memory(ctypes.Structure):
    """nvmlMemory_t: bytes."""

    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


def free_memory() -> int | None:
    """Free bytes of the GPU that CUDA takes first; None where NVML is not there or does not say."""
    try:
        nvml = ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
    except OSError:
        return None
    handle, memory = ctypes.c_void_p(), _Memory()
    said = (
        nvml.nvmlInit_v2()
        or nvml.nvmlDeviceGetHandleByIndex_v2(_index(), ctypes.byref(handle))
        or nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
    )
    return None if said else int(memory.free)


def _index() -> int:
    """NVML counts all GPUs, CUDA those that CUDA_VISIBLE_DEVICES names, in its order."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    return int(first) if first.isdecimal() else 0
