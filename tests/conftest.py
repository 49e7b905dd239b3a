"""Fixtures for all tests. Nothing here downloads, and nothing outside the checkout is needed."""

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
from lbic.enhance import catalog, engine, session
from lbic.enhance.catalog import ModelSpec
from lbic.isolation import process

os.environ.setdefault(engine.TELEMETRY, "1")  # also for tests that import ONNX Runtime themselves
# A shell's background jobs ignore the first, nohup's the second, and so would what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
GOLDEN = Path(__file__).parent / "golden"
_PICTURES, _WEIGHTS = "LBIC_TEST_DATA", "LBIC_TEST_WEIGHTS"

WriteCatalog = Callable[..., None]


@pytest.fixture
def write_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteCatalog]:
    """Replaces the shipped networks: ``write_models([(spec, onnx), ...], defaults)``; no call, no networks."""
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
    """A machine without an NVIDIA driver, whatever this one has."""
    session._open.cache_clear()
    session.cuda_obstacle.cache_clear()
    monkeypatch.setattr(session, "driver_present", lambda: False)
    yield
    session._open.cache_clear()
    session.cuda_obstacle.cache_clear()


@pytest.fixture
def fresh_encoders() -> Iterator[None]:
    """Forget which encoder programs were found, before and after."""
    caches = (encoders._find, vtm._program)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Decoders' processes are toys (toy_worker.py), and none is left from other tests or for them."""
    process.end_idle()
    monkeypatch.setattr(process, "MODULE", "toy_worker")
    yield
    process.end_idle()


@pytest.fixture
def needs_vvc() -> None:
    """Skip where nothing encodes VVC (Windows, Intel Macs without an encoder installed)."""
    _skip_without("vvc")


@pytest.fixture
def needs_vtm() -> None:
    """Skip where the reference encoder is not named."""
    _skip_without("vtm")


@pytest.fixture(params=list(CODECS))
def codec(request: pytest.FixtureRequest) -> str:
    """Each codec that encodes on this machine."""
    _skip_without(request.param)
    return str(request.param)


def skip_or_fail(requirement: str, sentence: str) -> NoReturn:
    """Skip a test that needs something; fail it where LBIC_REQUIRE, names joined by commas, names the requirement."""
    if requirement in os.environ.get("LBIC_REQUIRE", "").split(","):
        pytest.fail(f"LBIC_REQUIRE names {requirement}: {sentence}")
    pytest.skip(sentence)


def _skip_without(name: str) -> None:
    missing = CODECS[name].availability()
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The optional folder of real photos; tests that need it skip where it is absent."""
    return _optional(_PICTURES, "data", "kodak")


@pytest.fixture
def weights() -> Path:
    """The optional folder of other people's networks and calibration pictures; tests skip where it is absent."""
    return _optional(_WEIGHTS, "weights", "iqa_calibration")


@pytest.fixture
def calibration(weights: Path) -> Path:
    """Five distorted TID2013 pictures whose metrics other programs have measured."""
    return weights / "iqa_calibration"


def _optional(variable: str, beside: str, wanted: str) -> Path:
    named = os.environ.get(variable)
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / beside
    if not (folder / wanted).is_dir():
        pytest.skip(f"{variable} names no folder with {wanted}/ in it")
    return folder
