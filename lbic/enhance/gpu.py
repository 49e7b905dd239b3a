"""The free memory of a GPU, from NVIDIA's management library (NVML) through nvidia-ml-py."""

from __future__ import annotations

import os


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
