"""Metrics against other implementations and published values."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import photo
from PIL import Image

from lbic.errors import MissingError
from lbic.metrics import lpips
from lbic.metrics.bdrate import bd_rate
from lbic.metrics.flatness import added_deviation
from lbic.metrics.imresize import imresize
from lbic.metrics.niqe import niqe, pirm_luma
from lbic.metrics.psnr import gray
from lbic.metrics.rate import bits_per_pixel
from lbic.metrics.table import METRICS
from lbic.system.weights import VARIABLE as WEIGHTS

MATLAB_NIQE = {"I03": 15.7536, "I04": 3.654922, "I06": 3.2355, "I08": 3.1840, "I19": 8.6352}
"""Values of MATLAB's own function on rgb2gray of five distorted TID2013 pictures."""
CURVE = [(0.1, 30.0), (0.2, 33.0), (0.4, 36.5), (0.8, 39.0)]
BD_RATES = [
    ([(0.18, 33.0), (0.36, 36.5)], -9.486380737614109),
    ([(0.09, 30.2), (0.21, 32.5), (0.37, 36.9)], 6.547213872303548),
    ([(0.05, 25.0), (0.12, 31.0), (0.15, 31.1), (0.5, 38.5), (0.7, 38.6)], -6.565942644876976),
    ([(0.1, 31.0), (1.1, 33.0)], 107.02727230362808),
]
"""BD-rates against CURVE, by the formulas of Fritsch and Butland (1984) written out."""


@pytest.mark.parametrize("name", MATLAB_NIQE)
def test_niqe_is_matlabs(calibration: Path, name: str) -> None:
    with Image.open(calibration / "dist" / f"{name}.bmp") as image:
        assert niqe(gray(image)) == pytest.approx(MATLAB_NIQE[name], rel=0.006)


def test_niqe_by_the_pirm_protocol(calibration: Path) -> None:
    with Image.open(calibration / "dist" / "I04.bmp") as image:
        assert METRICS["niqe"].measure(image, image) == pytest.approx(4.68, rel=0.006)


def test_niqe_finds_noise_and_blur_less_natural() -> None:
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft2(rng.standard_normal((288, 288)))
    frequency = np.hypot(np.fft.fftfreq(288)[:, None], np.fft.rfftfreq(288)[None])
    natural = np.fft.irfft2(spectrum / np.maximum(frequency, 1 / 288))
    natural = 128 + 40 * (natural - natural.mean()) / natural.std()
    noisy = natural + 40 * rng.standard_normal(natural.shape)
    assert niqe(natural) < niqe(noisy)


def test_niqe_of_flat_and_of_small_pictures() -> None:
    with pytest.raises(ValueError, match="the picture is 191x100"):
        niqe(np.zeros((100, 191)))
    with pytest.raises(ValueError, match="two blocks"):
        niqe(np.zeros((95, 400)))
    assert math.isnan(niqe(np.full((192, 192), 77)))


def test_pirm_leaves_a_border_out() -> None:
    plane = np.arange(100).reshape(10, 10)
    np.testing.assert_array_equal(pirm_luma(plane), plane[4:6, 4:6])


def test_bd_rate_of_known_differences() -> None:
    assert bd_rate(CURVE, CURVE) == pytest.approx(0)
    assert bd_rate(CURVE, [(rate * 0.9, quality) for rate, quality in CURVE]) == pytest.approx(-10)
    assert bd_rate(CURVE, [(rate * 1.25, quality) for rate, quality in reversed(CURVE)]) == pytest.approx(25)


def test_bd_rate_is_over_the_common_range() -> None:
    assert bd_rate(CURVE, [(0.18, 33.0), (0.36, 36.5)]) == pytest.approx(-10, abs=0.6)


@pytest.mark.parametrize(
    ("test", "because"),
    [
        ([(0.1, 50.0), (0.2, 52.0)], "share no range"),
        ([(0.1, 30.0)], "two points"),
        ([(0.0, 30.0), (0.2, 33.0)], "positive rates"),
        ([(0.1, 33.0), (0.2, 30.0)], "rises with rate"),
    ],
)
def test_bd_rate_refuses(test: list[tuple[float, float]], because: str) -> None:
    with pytest.raises(ValueError, match=because):
        bd_rate(CURVE, test)


@pytest.mark.parametrize(("test", "percent"), BD_RATES)
def test_bd_rate_of_curves_with_other_qualities(test: list[tuple[float, float]], percent: float) -> None:
    assert bd_rate(CURVE, test) == pytest.approx(percent, abs=1e-6)


def test_bd_rate_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.interpolate", None)
    with pytest.raises(MissingError, match=r"BD-rates need SciPy: pip install 'lbic\[metrics\]'"):
        bd_rate(CURVE, CURVE)


PUBLISHED_LPIPS = {"I03": 0.7237, "I04": 0.2572, "I06": 0.0508, "I08": 0.0521, "I19": 0.4253}


@pytest.fixture
def backbones(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights that LPIPS needs."""
    pytest.importorskip("torch")
    monkeypatch.setenv(WEIGHTS, str(weights))


@pytest.mark.usefixtures("backbones")
@pytest.mark.parametrize("name", PUBLISHED_LPIPS)
def test_lpips_is_the_published_one(calibration: Path, name: str) -> None:
    pair = []
    for folder in ("ref", "dist"):
        with Image.open(calibration / folder / f"{name}.bmp") as image:
            pair.append(np.asarray(image.convert("RGB")))
    assert lpips.lpips(pair[0], pair[1]) == pytest.approx(PUBLISHED_LPIPS[name], abs=5e-5)
    assert lpips.lpips(pair[0], pair[0]) == 0


@pytest.mark.usefixtures("backbones")
def test_lpips_squeeze_is_the_published_one() -> None:
    """The example in TorchMetrics' documentation of learned_perceptual_image_patch_similarity."""
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(42)
    one, two = (torch.rand(2, 3, 100, 100, generator=generator) * 2 - 1 for _ in range(2))
    with torch.inference_mode():
        assert lpips._network("squeeze")(one, two).tolist() == pytest.approx([0.1024, 0.0938], abs=5e-5)


@pytest.mark.usefixtures("backbones")
@pytest.mark.parametrize("backbone", lpips.BACKBONES)
def test_lpips_grows_with_noise(backbone: str) -> None:
    picture = np.asarray(photo(96, 80))
    noise = np.random.default_rng(0).standard_normal(picture.shape)
    weak, strong = (np.clip(picture + level * noise, 0, 255).astype(np.uint8) for level in (8, 32))
    assert lpips.lpips(picture, picture, backbone) == 0
    assert 0 < lpips.lpips(picture, weak, backbone) < lpips.lpips(picture, strong, backbone)
    assert lpips.lpips(weak, picture, backbone) == pytest.approx(lpips.lpips(picture, weak, backbone))


@pytest.mark.parametrize(("name", "backbone"), lpips.BACKBONES.items())
def test_lpips_without_weights_names_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, backbone: lpips.Backbone
) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    monkeypatch.delenv(WEIGHTS, raising=False)
    with pytest.raises(
        MissingError, match=f"needs {backbone.title}'s weights: put {backbone.files[0]} .* LBIC_WEIGHTS"
    ):
        lpips.lpips(picture, picture, name)
    torch = pytest.importorskip("torch")
    monkeypatch.setenv(WEIGHTS, str(tmp_path))
    (tmp_path / backbone.files[1]).write_bytes(b"nothing")
    with pytest.raises(MissingError, match=f"not the weights of {name}"):
        lpips.lpips(picture, picture, name)
    torch.save({"features.0.bias": torch.zeros(64)}, tmp_path / backbone.files[0])
    assert "not the weights" in str(lpips.missing(name))
    with pytest.raises(ValueError, match="different shapes"):
        lpips.lpips(picture, picture[:32], name)


def test_texture_is_found_where_the_original_is_flat() -> None:
    original = np.full((40, 64, 3), 120, np.uint8)
    original[:16, 16:32] = np.random.default_rng(0).integers(0, 256, (16, 16, 3))
    original[:16, 32:48, 0] += np.arange(16, dtype=np.uint8) // 2  # luma 0..2: still flat
    before = original.copy()
    after = before + np.uint8(3)
    after[16:32, :16] += np.indices((16, 16)).sum(axis=0).astype(np.uint8)[..., None] % 2 * 4
    after[:16, 16:32] ^= 64
    added = added_deviation(*(Image.fromarray(levels) for levels in (original, before, after)))
    assert len(added) == 4 + 4 - 1, "the last eight rows are no block, and one block is not flat"
    assert sorted(added)[-1] == pytest.approx(2, abs=1e-4), "a chequered pattern of 4 levels"
    assert sorted(added)[-2] == pytest.approx(0, abs=1e-4), "an even shift is no texture"


def test_flatness_of_other_sizes_and_of_small_pictures() -> None:
    small = Image.new("RGB", (15, 40))
    assert added_deviation(small, small, small).shape == (0,)
    with pytest.raises(ValueError, match="different sizes"):
        added_deviation(small, small, Image.new("RGB", (40, 15)))


@pytest.mark.parametrize("shape", [(16, 24), (8, 12), (31, 50)])
def test_imresize_keeps_a_constant_and_mirrors_at_the_borders(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(0).random((16, 24))
    np.testing.assert_allclose(imresize(np.full((16, 24), 7.0), shape), np.full(shape, 7.0))
    mirrored = np.pad(plane, ((16, 16), (24, 24)), "symmetric")
    inner = imresize(mirrored, (3 * shape[0], 3 * shape[1]))[shape[0] : -shape[0], shape[1] : -shape[1]]
    np.testing.assert_allclose(imresize(plane, shape), inner)


def test_imresize_by_half_has_matlabs_weights() -> None:
    impulse = np.zeros((16, 1))
    impulse[7] = 1
    expected = [0, 0, -0.03515625, 0.43359375, 0.11328125, -0.01171875, 0, 0]
    np.testing.assert_allclose(imresize(impulse, (8, 1))[:, 0], expected, atol=1e-15)


def test_bits_per_pixel() -> None:
    assert bits_per_pixel(518, 288, 288) == pytest.approx(0.04996, abs=1e-5)
