"""The devices that run networks: their table, their order, and OpenVINO beside the CPU."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from conftest import WriteCatalog
from helpers import photo
from toys import identity, spec

from lbic.cli import doctor, wording
from lbic.enhance import catalog, providers, session, tiling
from lbic.enhance.providers import BY_DEVICE, CPU, CUDA, PROVIDERS, Provider
from lbic.enhance.session import Runtime, open_session
from lbic.errors import MissingError, ProviderError

DATA = identity(1, 0.5)
ROW = spec("half", DATA, "ar")
OTHERS = [row for row in PROVIDERS if row not in (CPU, CUDA)]
others = pytest.mark.parametrize("row", OTHERS, ids=lambda row: row.device)


@pytest.fixture
def offer(write_models: WriteCatalog, monkeypatch: pytest.MonkeyPatch, no_gpu: None) -> Iterator[Any]:
    """``offer(names, works)`` replaces ONNX Runtime's build and what its sessions report."""
    write_models([(ROW, DATA)])
    opened: list[Any] = []

    def start(*names: str, works: bool = True) -> list[Any]:
        def engine(_: bytes, __: object, providers: list[Any]) -> SimpleNamespace:
            opened.append(providers)
            first = providers[0] if isinstance(providers[0], str) else providers[0][0]
            return SimpleNamespace(
                get_providers=lambda: [first, CPU.name] if works else [CPU.name],
                get_inputs=lambda: [SimpleNamespace(name="in")],
            )

        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [*names, CPU.name])
        monkeypatch.setattr(onnxruntime, "InferenceSession", engine)
        return opened

    yield start
    session._open.cache_clear()


def test_the_page_has_the_rows_of_the_table() -> None:
    page = Path(__file__).parents[1].joinpath("docs", "providers.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (.+) \| (.+) \| (yes|no) \| (yes|no) \|$", page, re.MULTILINE)
    word = {True: "yes", False: "no"}
    assert rows == [
        (row.device, row.name, row.package, row.needs, word[row.is_automatic], word[row.is_tried]) for row in PROVIDERS
    ]


def test_names_are_distinct_and_the_cpu_is_last() -> None:
    assert len(BY_DEVICE) == len(providers.BY_NAME) == len(PROVIDERS) == len(providers.DEVICES) - 1
    assert PROVIDERS[-1] is CPU and "auto" not in BY_DEVICE


@others
def test_a_named_device_runs_with_its_options(row: Provider, offer: Any) -> None:
    opened = offer(row.name)
    result = open_session(ROW, row.device)
    assert (result.provider, result.note) == (row.name, None)
    (name, options), fallback = opened[0]
    assert (name, fallback) == (row.name, CPU.name)
    assert options.items() >= row.options.items()
    assert not row.threads or int(options[row.threads]) >= 1
    assert wording.provider(row.name) == row.label


@others
def test_auto_takes_a_device_that_only_a_build_of_its_own_has(row: Provider, offer: Any) -> None:
    offer(row.name)
    assert open_session(ROW, "auto").row is (row if row.is_automatic else CPU)
    profiles = session.profiles(Runtime())
    assert (profiles[0] == "full") == (row.is_automatic and row.is_gpu)


@others
def test_a_device_that_falls_back_is_an_error_or_a_note(row: Provider, offer: Any) -> None:
    offer(row.name, works=False)
    because = re.escape(f"{row.label} cannot run the networks: ONNX Runtime fell back to the CPU, it needs {row.needs}")
    with pytest.raises(ProviderError, match=because):
        open_session(ROW, row.device)
    result = open_session(ROW, "auto")
    assert result.row is CPU
    expected = f"the networks do not run on {row.label}: ONNX Runtime fell back to the CPU, it needs {row.needs}"
    assert result.note == (expected if row.is_automatic else None)


@others
def test_a_build_without_a_device_names_the_package(row: Provider, offer: Any) -> None:
    offer()
    because = f"the installed onnxruntime has no {row.label}; install {row.package} in its place"
    with pytest.raises(ProviderError, match=re.escape(because)):
        open_session(ROW, row.device)
    assert open_session(ROW, "auto").note is None


def test_the_first_of_the_table_that_works_is_taken(offer: Any) -> None:
    openvino, directml = BY_DEVICE["openvino"], BY_DEVICE["directml"]
    offer(openvino.name, directml.name)
    assert open_session(ROW, "auto").row is directml


@others
def test_doctor_checks_the_devices_of_the_build(row: Provider, offer: Any) -> None:
    offer(row.name)
    findings = {finding.name: finding for finding in doctor.devices()}
    assert findings[row.label].works
    assert ("unmeasured" in findings[row.label].sentence) != row.is_tried
    assert not {other.label for other in OTHERS if other is not row} & set(findings)
    offer(row.name, works=False)
    session._open.cache_clear()
    findings = {finding.name: finding for finding in doctor.devices()}
    assert not findings[row.label].works and "fell back" in findings[row.label].sentence


def test_two_builds_at_once_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"onnxruntime-gpu", "onnxruntime-openvino"}
    monkeypatch.setattr(doctor, "_version", lambda name: "1" if name in installed else None)
    assert "onnxruntime-gpu and onnxruntime-openvino are installed together" in doctor.runtime().sentence


@others
def test_tiles_on_a_device_of_unknown_memory_are_small(row: Provider, offer: Any) -> None:
    offer(row.name)
    side = tiling.GPU_TILES[0] if row.is_gpu else tiling.AUTO_TILE
    assert tiling.automatic(open_session(ROW, row.device)) == side


def test_without_onnx_runtime_the_cpu_is_expected(monkeypatch: pytest.MonkeyPatch, no_gpu: None) -> None:
    def fails() -> None:
        raise MissingError("ONNX Runtime does not import")

    monkeypatch.setattr(providers, "onnxruntime", fails)
    assert session.expected("auto") is CPU
    assert providers.obstacle(BY_DEVICE["openvino"]) == "ONNX Runtime does not import"


@pytest.mark.skipif(
    "OpenVINOExecutionProvider" not in onnxruntime.get_available_providers(), reason="another build of ONNX Runtime"
)
def test_openvino_gives_the_cpus_picture() -> None:
    """Run with onnxruntime-openvino installed (docs/providers.md)."""
    picture = np.ascontiguousarray(np.asarray(photo(200, 150), np.float32).transpose(2, 0, 1) / np.float32(255))
    models = [row for row in catalog.load().models if row.channels == 3]
    assert models
    for row in models:
        one, two = (tiling.run(open_session(row, device), picture, None, 37) for device in ("cpu", "openvino"))
        difference = np.abs(np.round(one * 255) - np.round(two * 255))
        assert np.mean(difference <= 1) >= 0.999, row.name
        assert open_session(row, "auto").provider == "OpenVINOExecutionProvider"
