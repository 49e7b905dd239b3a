"""Tiling: tiles of all sizes give the whole picture's result, and shrink where memory ends."""

from __future__ import annotations

import dataclasses
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers import photo
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ImageFilter
from toys import identity, network, random_kernels, spec

from lbic.enhance import catalog, gpu, tiling
from lbic.enhance.providers import CPU, CUDA
from lbic.enhance.session import Session, _engine, open_session
from lbic.errors import MissingError

Batch = NDArray[np.float32]


def opened(data: bytes, **facts: Any) -> Session:
    row = spec("toy", data, "nr", **facts)
    return Session(row, CPU, _engine(row, data, [CPU.name]), None)


class Watched(Session):
    """A session that doubles samples, records input sizes and has memory for ``most`` pixels."""

    def __init__(self, most: int = 1 << 40, **facts: Any) -> None:
        data = identity(1)
        row = spec("toy", data, "nr", **facts)
        super().__init__(row, CPU, _engine(row, data, [CPU.name]), None)
        self.most = most
        self.sizes: list[tuple[int, ...]] = []

    def run(self, batch: Batch) -> Batch:
        self.sizes.append(batch.shape)
        if batch.shape[2] * batch.shape[3] > self.most:
            raise MemoryError("bad allocation")
        return batch * 2


def picture(channels: int, height: int, width: int) -> Batch:
    return np.random.default_rng(height * width).random((channels, height, width), np.float32)


SMOOTH = opened(network(1, 1, random_kernels(1)), halo=4)
COLOUR = opened(network(3, 3, random_kernels(3)), channels=3, halo=4)
STRIDED = opened(network(1, 1, random_kernels(1), strided=True), halo=6, multiple=2)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 150), st.integers(1, 150), st.sampled_from([32, 33, 48, 64]))
def test_tiles_equal_the_whole_picture(height: int, width: int, tile: int) -> None:
    whole = picture(1, height, width)
    expected = SMOOTH.run(whole[None])[0]
    assert np.abs(tiling.run(SMOOTH, whole, tile, 37) - expected).max() <= 1e-6


def test_tiles_that_shrink_say_so() -> None:
    sizes: list[int] = []
    limited = Watched(most=80 * 80, halo=4)
    tiling.run(limited, picture(1, 200, 200), 128, 37, sizes.append)
    tiling.run(limited, picture(1, 200, 200), 64, 37, sizes.append)
    assert sizes == [64], "only where they are smaller than at first"


def test_colour_tiles_equal_the_whole_picture() -> None:
    whole = picture(3, 71, 95)
    assert np.abs(tiling.run(COLOUR, whole, 32, 37) - COLOUR.run(whole[None])[0]).max() <= 1e-6


@pytest.mark.parametrize(("height", "width"), [(97, 131), (64, 66), (33, 35)])
def test_tiles_of_a_strided_network_have_no_seams(height: int, width: int) -> None:
    whole = picture(1, height, width)
    expected = tiling.run(STRIDED, whole, 4096, 37)
    assert np.abs(tiling.run(STRIDED, whole, 33, 37) - expected).max() <= 1e-6


def test_a_halo_that_is_too_small_would_be_noticed() -> None:
    blind = opened(network(1, 1, random_kernels(1)), halo=1)
    whole = picture(1, 70, 70)
    assert np.abs(tiling.run(blind, whole, 32, 37) - blind.run(whole[None])[0]).max() > 1e-3


@pytest.mark.parametrize("name", [spec.name for spec in catalog.load().models if spec.profile != "full"])
def test_tiles_of_shipped_networks_equal_the_whole_picture(name: str) -> None:
    """The recorded halo is the measured one, smaller than the layers' receptive field."""
    session = open_session(next(spec for spec in catalog.load().models if spec.name == name), "cpu")
    levels = np.asarray(photo(400, 272, seed=3).filter(ImageFilter.BoxBlur(1)), np.float32)
    whole = np.ascontiguousarray(levels.transpose(2, 0, 1)[: session.spec.channels]) / np.float32(255)
    expected, tiled = (tiling.run(session, whole, tile, 37).clip(0, 1) * np.float32(255) for tile in (400, 96))
    change = np.abs(tiled - expected).max(axis=0)
    assert np.mean(change <= 0.5) >= 0.9999
    assert change.max() <= 2


def test_tiles_are_of_equal_size_and_not_above_the_wanted() -> None:
    session = Watched()
    assert np.array_equal(tiling.run(session, picture(1, 100, 65), 64, 37), picture(1, 100, 65) * 2)
    sizes = {shape[2:] for shape in session.sizes}
    assert len(session.sizes) == 4
    assert sizes == {(50, 32), (50, 33)}


def test_the_automatic_tile_leaves_small_pictures_whole() -> None:
    session = Watched()
    tiling.run(session, picture(1, tiling.AUTO_TILE, tiling.AUTO_TILE), None, 37)
    assert session.sizes == [(1, 1, tiling.AUTO_TILE, tiling.AUTO_TILE)]


@pytest.mark.parametrize("multiple", [1, 2, 8])
def test_batches_are_padded_to_the_networks_multiple(multiple: int) -> None:
    session = Watched(multiple=multiple, halo=3)
    whole = picture(1, 37, 51)
    assert np.array_equal(tiling.run(session, whole, 32, 37), whole * 2)
    assert all(side % multiple == 0 for shape in session.sizes for side in shape[2:])


def test_the_padding_repeats_the_edge() -> None:
    halving = opened(network(1, 1, [np.ones((1, 1, 1, 1), np.float32)], strided=True), multiple=2)
    flat = np.full((1, 37, 51), 0.5, np.float32)
    assert np.allclose(tiling.run(halving, flat, 32, 37), flat)


def test_a_tile_that_does_not_fit_in_memory_is_halved() -> None:
    session = Watched(most=70 * 70, halo=2)
    whole = picture(1, 200, 180)
    assert np.array_equal(tiling.run(session, whole, 200, 37), whole * 2)
    assert session.sizes[0][2:] == (200, 180)
    assert max(shape[2] for shape in session.sizes[-4:]) <= 70


def test_a_device_without_any_memory_is_a_sentence() -> None:
    with pytest.raises(MissingError, match="model toy: not enough memory even for tiles of 32 pixels"):
        tiling.run(Watched(most=10), picture(1, 40, 40), None, 37)


@pytest.mark.parametrize(("channels", "quality"), [(1, 0), (1, 63), (3, 37)])
def test_the_quality_plane_holds_the_quality(channels: int, quality: int) -> None:
    session = opened(identity(channels, quality_plane=True), channels=channels, quality_plane=True, multiple=4)
    whole = picture(channels, 45, 39)
    result = tiling.run(session, whole, 32, quality)
    assert result.shape == whole.shape
    assert np.abs(result - (whole + quality / 63)).max() < 1e-6


@pytest.mark.parametrize(
    ("free", "halo", "side"),
    [(None, 0, 512), (1 << 30, 0, 512), (8 << 30, 0, 1024), (8 << 30, 160, 1024 - 320), (80 << 30, 160, 2048)],
)
def test_tiles_on_a_gpu_and_their_halo_follow_its_free_memory(
    monkeypatch: pytest.MonkeyPatch, free: int | None, halo: int, side: int
) -> None:
    session = Watched(halo=halo)
    assert tiling.automatic(session) == tiling.AUTO_TILE
    session.row = dataclasses.replace(CUDA, free_memory=lambda: free)
    assert tiling.automatic(session) == side


class ToyNvml:
    """Replaces pynvml: two GPUs with 10 and 11 free bytes."""

    class NVMLError(Exception):
        """The base class of pynvml's errors."""

    def __init__(self, *, started: bool = True) -> None:
        self.started = started

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.started:
            raise self.NVMLError

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        if handle > 1:
            raise self.NVMLError
        return SimpleNamespace(total=20, free=10 + handle, used=0)


def test_free_memory_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", ToyNvml())
    assert gpu.free_memory() == 10
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert gpu.free_memory() == 11
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert gpu.free_memory() is None
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setitem(sys.modules, "pynvml", ToyNvml(started=False))
    assert gpu.free_memory() is None
    monkeypatch.setitem(sys.modules, "pynvml", None)  # import raises ImportError
    assert gpu.free_memory() is None
