"""The devices that can run networks: one row for each provider of ONNX Runtime.

A build of ONNX Runtime offers some of them; ``docs/providers.md`` says which package has which.
The options of the rows are those of ONNX Runtime's pages on execution providers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lbic.enhance import gpu
from lbic.enhance.engine import onnxruntime
from lbic.errors import MissingError


@dataclass(frozen=True)
class Provider:
    """One provider of ONNX Runtime."""

    device: str
    """The name that users type."""
    label: str
    """The name in sentences."""
    name: str
    """ONNX Runtime's name."""
    package: str
    """The package whose build has it."""
    needs: str
    """The hardware and software that it needs."""
    is_gpu: bool = True
    """Whether it runs on a GPU: it prefers the profile full and takes one tile at a time."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The options of its sessions."""
    threads: str = ""
    """The option for the number of threads; empty where ONNX Runtime's session has it."""
    bytes_per_pixel: int | None = None
    """Its memory per pixel of a tile; None if unknown or if the system's memory is used."""
    free_memory: Callable[[], int | None] = lambda: None
    """Returns the device's free memory in bytes; None if unknown."""
    is_present: Callable[[], bool] = lambda: True
    """Returns whether the device may be there; False keeps ``auto`` from it without a note."""
    obstacle: Callable[[], str | None] = lambda: None
    """Returns why it cannot run where the build offers it; None if no reason is known."""
    is_automatic: bool = True
    """Whether ``auto`` may take it."""
    is_tried: bool = False
    """Whether it has run lbic's networks."""

    def __hash__(self) -> int:
        """Return the hash of the device's name."""
        return hash(self.device)


CUDA = Provider(
    "cuda",
    "CUDA",
    "CUDAExecutionProvider",
    "onnxruntime-gpu",
    "an NVIDIA GPU and the extra `gpu`",
    # An exhaustive search would take longer than a tile, a doubling arena twice the memory.
    options={"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"},
    # A dense block's maps of the full HGRDN in float16, and as much for cuDNN, rounded up.
    bytes_per_pixel=4096,
    free_memory=gpu.free_memory,
    is_present=lambda: gpu.driver_present(),
    obstacle=lambda: gpu.cuda_obstacle(),
    is_tried=True,
)
CPU = Provider("cpu", "CPU", "CPUExecutionProvider", "every build", "nothing", is_gpu=False, is_tried=True)
PROVIDERS = (
    CUDA,
    Provider(
        "migraphx", "MIGraphX", "MIGraphXExecutionProvider", "onnxruntime-migraphx", "an AMD GPU and ROCm with MIGraphX"
    ),
    Provider("rocm", "ROCm", "ROCMExecutionProvider", "onnxruntime-rocm", "an AMD GPU and ROCm"),
    Provider("directml", "DirectML", "DmlExecutionProvider", "onnxruntime-directml", "Windows and a DirectX 12 GPU"),
    Provider(
        "openvino",
        "OpenVINO",
        "OpenVINOExecutionProvider",
        "onnxruntime-openvino",
        "an x86-64 processor",
        is_gpu=False,
        options={"device_type": "CPU"},
        threads="num_of_threads",
        is_tried=True,
    ),
    # Builds that were made for other providers have these two, so only their names choose them.
    Provider(
        "coreml",
        "CoreML",
        "CoreMLExecutionProvider",
        "onnxruntime",
        "macOS 12",
        options={"ModelFormat": "MLProgram", "MLComputeUnits": "ALL"},
        is_automatic=False,
    ),
    Provider(
        "webgpu",
        "WebGPU",
        "WebGpuExecutionProvider",
        "onnxruntime-webgpu",
        "a GPU with Direct3D 12, Vulkan or Metal",
        is_automatic=False,
    ),
    CPU,
)
"""The providers in the order in which ``auto`` prefers them; the CPU is always there."""
BY_DEVICE = {row.device: row for row in PROVIDERS}
BY_NAME = {row.name: row for row in PROVIDERS}
DEVICES = ("auto", "cpu", *(row.device for row in PROVIDERS if row is not CPU))


def offered() -> tuple[Provider, ...]:
    """Return the providers of the installed build. Raises MissingError without ONNX Runtime."""
    names = onnxruntime().get_available_providers()
    return tuple(row for row in PROVIDERS if row.name in names)


def obstacle(row: Provider) -> str | None:
    """Return why a provider cannot run networks here; None when no reason is known yet."""
    if not row.is_present():
        return row.obstacle()
    try:
        rows = offered()
    except MissingError as error:
        return str(error)
    if row not in rows:
        return f"the installed onnxruntime has no {row.label}; install {row.package} in its place"
    return row.obstacle()


def candidates(device: str) -> tuple[Provider, ...]:
    """Return the providers to try for a device, the preferred one first; never none.

    For ``auto`` they are those of the installed build, and CUDA where there is an NVIDIA driver.
    """
    if device != "auto":
        return (BY_DEVICE[device],)
    rows = offered()
    # A driver without CUDA in the build is worth a note (session.open_session).
    return tuple(row for row in PROVIDERS if row.is_automatic and row.is_present() and (row in rows or row is CUDA))
