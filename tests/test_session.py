"""Sessions: the device that a network really runs on is the one that the session reports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from cli_helpers import lbic, save
from conftest import WriteCatalog
from toys import identity, spec

from lbic.cli import doctor
from lbic.enhance import gpu, providers, session
from lbic.enhance.catalog import ModelSpec
from lbic.enhance.session import Runtime, Session, open_session
from lbic.errors import DeviceError, ExitCode, MissingError, UsageError
from lbic.system import cores

CPU, CUDA = providers.CPU.name, providers.CUDA.name
DATA = identity(1, 0.5)
ROW = spec("half", DATA, "ar")


class Engine:
    """Replaces ONNX Runtime's session: reports ``providers``, and raises ``failure`` when run."""

    def __init__(self, providers: list[str], failure: str | None = None) -> None:
        self.providers = providers
        self.failure = failure

    def get_providers(self) -> list[str]:
        return self.providers

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="in")]

    def run(self, _: object, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        if self.failure:
            raise RuntimeError(self.failure)
        return [feeds["in"]]


@pytest.fixture
def row(write_models: WriteCatalog) -> ModelSpec:
    """The one shipped network."""
    write_models([(ROW, DATA)])
    return ROW


@pytest.fixture
def a_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with a driver and an onnxruntime that lists CUDA; tests set the real provider."""
    monkeypatch.setattr(gpu, "driver_present", lambda: True)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    gpu.cuda_obstacle.cache_clear()
    session._open.cache_clear()
    yield
    gpu.cuda_obstacle.cache_clear()
    session._open.cache_clear()


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_without_a_gpu_networks_run_on_the_cpu_and_nothing_is_said(row: ModelSpec, device: str) -> None:
    opened = open_session(row, device)
    assert (opened.provider, opened.note) == (CPU, None)
    assert np.allclose(opened.run(np.ones((1, 1, 3, 2), np.float32)), 0.5)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(("jobs", "count"), [(1, 0), (2, 3)])
def test_a_networks_threads_are_the_cores_that_the_jobs_leave(
    row: ModelSpec, jobs: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[onnxruntime.SessionOptions] = []

    def engine(_: bytes, options: onnxruntime.SessionOptions, **__: object) -> Engine:
        given.append(options)
        return Engine([CPU])

    monkeypatch.setattr(onnxruntime, "InferenceSession", engine)
    monkeypatch.setattr(cores, "cores", lambda: 4)
    with cores.shared_by(jobs):
        open_session(row, "cpu")
    assert given[0].intra_op_num_threads == count
    assert not given[0].enable_mem_pattern, "memory would grow with every size of picture"


@pytest.mark.usefixtures("no_gpu")
def test_cuda_without_a_driver_is_an_error(row: ModelSpec) -> None:
    with pytest.raises(DeviceError, match="CUDA cannot run the networks: no NVIDIA driver on this machine") as caught:
        open_session(row, "cuda")
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.MISSING, "device")


@pytest.mark.usefixtures("a_gpu")
def test_a_session_that_fell_back_is_found_out(row: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_engine", lambda *_: Engine([CPU]))
    with pytest.raises(DeviceError, match=r"fell back to the CPU, a CUDA or cuDNN library is missing"):
        open_session(row, "cuda")
    opened = open_session(row, "auto")
    assert opened.provider == CPU
    assert opened.note is not None and opened.note.startswith("the networks do not run on CUDA: ONNX Runtime fell back")


@pytest.mark.usefixtures("a_gpu", "row")
def test_doctor_says_that_sessions_fell_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_engine", lambda *_: Engine([CPU]))
    found = {finding.name: finding for finding in doctor.examine()}
    assert not found["CUDA"].works
    assert "fell back to the CPU, a CUDA or cuDNN library is missing" in found["CUDA"].sentence
    assert found["networks"].sentence == "1 load and run on CPU"


@pytest.mark.usefixtures("no_gpu", "row")
def test_without_onnx_runtime_the_codecs_picture_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = save(tmp_path / "a.png")
    lbic("compress", "--codec", "jpeg", "-q", 10, "--type", ROW.role, source)
    session._open.cache_clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = lbic("decompress", tmp_path / "a.lbic")
    assert "ONNX Runtime does not import" in result.stderr
    assert "wrote the codec's picture without enhancement" in result.stderr
    lbic("decompress", "-f", "--type", ROW.role, tmp_path / "a.lbic", code=ExitCode.MISSING)
    found = {finding.name: finding for finding in doctor.examine()}
    assert not found["ONNX Runtime"].works
    assert "does not import" in found["networks"].sentence


@pytest.mark.usefixtures("a_gpu")
@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_session_on_cuda_says_so(row: ModelSpec, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_engine", lambda *_: Engine([CUDA, CPU]))
    opened = open_session(row, device)
    assert (opened.provider, opened.note) == (CUDA, None)


@pytest.mark.usefixtures("a_gpu")
def test_the_cpu_that_was_asked_for_is_taken_though_there_is_a_gpu(row: ModelSpec) -> None:
    assert open_session(row, "cpu").provider == CPU


@pytest.mark.usefixtures("a_gpu")
def test_what_preloading_prints_is_kept_from_stdout_and_names_the_library(
    row: ModelSpec, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def speaks() -> None:
        sys.stdout.write("Loading cuda\nFailed to load /x/libcudnn.so.9: no such file\n")

    monkeypatch.setattr(onnxruntime, "preload_dlls", speaks, raising=False)
    opened = open_session(row, "auto")
    assert opened.note is not None and "Failed to load /x/libcudnn.so.9" in opened.note
    assert "pip install 'lbic[gpu]'" in opened.note
    with pytest.raises(DeviceError, match=r"libcudnn\.so\.9"):
        open_session(row, "cuda")
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("a_gpu")
def test_an_onnxruntime_without_cuda_is_named(row: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    with pytest.raises(DeviceError, match="the installed onnxruntime has no CUDA; install onnxruntime-gpu"):
        open_session(row, "cuda")


def test_a_network_is_loaded_once(row: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_session(row, "cpu")
    monkeypatch.setattr(session, "_engine", None)
    assert open_session(row, "cpu") is first


def test_a_network_that_does_not_load_is_a_sentence(write_models: WriteCatalog) -> None:
    damaged = spec("bad", b"no network", "ar")
    write_models([(damaged, b"no network")])
    with pytest.raises(MissingError, match="model bad does not load"):
        open_session(damaged, "cpu")


@pytest.mark.parametrize("failure", ["std::bad_alloc", "CUDA out of memory", "Failed to allocate memory"])
def test_no_memory_is_a_memory_error(failure: str) -> None:
    with pytest.raises(MemoryError, match=failure):
        Session(ROW, providers.CPU, Engine([CPU], failure), None).run(np.zeros((1, 1, 2, 2), np.float32))


def test_any_other_failure_names_the_network_and_the_device() -> None:
    with pytest.raises(MissingError, match="model half failed on CUDAExecutionProvider: kernel image"):
        Session(ROW, providers.CUDA, Engine([CUDA], "kernel image"), None).run(np.zeros((1, 1, 2, 2), np.float32))


@pytest.mark.parametrize("wrong", [{"profile": "big"}, {"device": "gpu"}])
def test_a_runtime_of_unknown_names_lists_the_known(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="known: auto, "):
        Runtime(**wrong)  # type: ignore[arg-type]


def test_onnxruntime_is_imported_only_to_run_a_network() -> None:
    code = "import sys, lbic.pipeline; assert 'onnxruntime' not in sys.modules and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
