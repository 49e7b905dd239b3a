"""Fixtures for all tests. None downloads anything or needs files outside the checkout."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from toys import write_catalog

from lbic.codecs import encoders, vtm
from lbic.codecs.table import CODECS
from lbic.enhance import catalog, engine, gpu, session
from lbic.enhance.catalog import ModelSpec
from lbic.isolation import process

os.environ.setdefault(engine.TELEMETRY, "1")  # for tests that import ONNX Runtime themselves
# Background jobs of a shell ignore SIGINT, nohup ignores SIGHUP; child processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
GOLDEN = Path(__file__).parent / "golden"
_PICTURES, _WEIGHTS = "LBIC_TEST_DATA", "LBIC_TEST_WEIGHTS"

WriteCatalog = Callable[..., None]


@pytest.fixture
def write_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteCatalog]:
    """Replace the shipped networks by
    ``write_models([(spec, onnx), ...], defaults)``, or by none.
    """
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(catalog, "models_folder", lambda: folder)

    def write(models: Sequence[tuple[ModelSpec, bytes]], defaults: Sequence[tuple[str, int, int]] = ()) -> None:
        write_catalog(folder, models, defaults)
        forget()

    def forget() -> None:
        catalog.load.cache_clear()
        session._open.cache_clear()

    forget()
    yield write
    forget()


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pretend that the machine has no NVIDIA driver."""
    session._open.cache_clear()
    gpu.cuda_obstacle.cache_clear()
    monkeypatch.setattr(gpu, "driver_present", lambda: False)
    yield
    session._open.cache_clear()
    gpu.cuda_obstacle.cache_clear()


@pytest.fixture
def fresh_encoders() -> Iterator[None]:
    """Search for encoder programs anew in the test and after it."""
    caches = (encoders._find, vtm._program)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use toys (toy_worker.py) as worker processes; no worker is shared with other tests."""
    process.end_idle()
    monkeypatch.setattr(process, "MODULE", "toy_worker")
    yield
    process.end_idle()


@pytest.fixture
def needs_vvc() -> None:
    """Skip without a VVC encoder (Windows and Intel Macs have none by default)."""
    _skip_without("vvc")


@pytest.fixture
def needs_vtm() -> None:
    """Skip without VTM, the reference encoder."""
    _skip_without("vtm")


@pytest.fixture(params=list(CODECS))
def codec(request: pytest.FixtureRequest) -> str:
    """Each codec that encodes on this machine."""
    _skip_without(request.param)
    return str(request.param)


def skip_or_fail(requirement: str, sentence: str) -> NoReturn:
    """Skip a test whose requirement is missing; fail it if LBIC_REQUIRE names the requirement.

    LBIC_REQUIRE holds names joined by commas.
    """
    if requirement in os.environ.get("LBIC_REQUIRE", "").split(","):
        pytest.fail(f"LBIC_REQUIRE names {requirement}: {sentence}")
    pytest.skip(sentence)


def _skip_without(name: str) -> None:
    missing = CODECS[name].availability()
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The optional folder of real photos; without it tests are skipped."""
    return _optional(_PICTURES, "data", "kodak")


@pytest.fixture
def weights() -> Path:
    """The optional folder of weights and calibration pictures; without it tests are skipped."""
    return _optional(_WEIGHTS, "weights", "iqa_calibration")


@pytest.fixture
def calibration(weights: Path) -> Path:
    """Five distorted TID2013 pictures whose metrics other programs measured."""
    return weights / "iqa_calibration"


def _optional(variable: str, beside: str, content: str) -> Path:
    named = os.environ.get(variable)
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / beside
    if not (folder / content).is_dir():
        pytest.skip(f"{variable} names no folder with {content}/ in it")
    return folder


Program = Callable[..., str]
"""The type of the fixture ``program``."""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Write shell scripts: ``program(body, name)`` returns the path."""

    def make(body: str, name: str = "encoder") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(0o755)
        return str(path)

    return make
