"""SSIM and MS-SSIM against published values and their definition; the contrast factor alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import photo
from PIL import Image

from lbic.metrics.contrast import contrast
from lbic.metrics.psnr import gray
from lbic.metrics.ssim import LEAST_SIDE, WEIGHTS, WINDOW, ms_ssim, scales, similarity, ssim
from lbic.metrics.table import METRICS

PUBLISHED = {
    "I03": (0.6993, 0.6733),
    "I04": (0.9978, 0.9996),
    "I06": (0.9989, 0.9998),
    "I08": (0.9669, 0.9566),
    "I19": (0.6519, 0.8462),
}
"""SSIM and MS-SSIM of five TID2013 pairs, by the authors' programs in MATLAB."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_authors_programs_agree(calibration: Path, name: str) -> None:
    pair = []
    for folder in ("ref", "dist"):
        with Image.open(calibration / folder / f"{name}.bmp") as image:
            pair.append(gray(image))
    single, multiple = PUBLISHED[name]
    assert ssim(*pair) == pytest.approx(single, abs=6e-5)
    assert ms_ssim(*pair) == pytest.approx(multiple, abs=0.005)
    # Their program averages the scales; the paper, and other programs, multiply them.
    assert np.average(scales(*pair), weights=WEIGHTS) == pytest.approx(multiple, abs=6e-5)


def test_a_pixel_is_compared_as_defined() -> None:
    one, two = np.random.default_rng(0).integers(0, 256, (2, WINDOW + 3, WINDOW + 2)).astype(np.float64)
    across = np.arange(WINDOW) - WINDOW // 2
    window = np.exp(-(across[:, None] ** 2 + across**2) / (2 * 1.5**2))
    window /= window.sum()
    x, y = (plane[2 : 2 + WINDOW, 1 : 1 + WINDOW] for plane in (one, two))
    mean_x, mean_y = (np.sum(window * part) for part in (x, y))
    variance_x, variance_y = np.sum(window * (x - mean_x) ** 2), np.sum(window * (y - mean_y) ** 2)
    covariance = np.sum(window * (x - mean_x) * (y - mean_y))
    luminance, structure = similarity(one, two)
    assert luminance.shape == structure.shape == (4, 3)
    assert luminance[2, 1] == pytest.approx((2 * mean_x * mean_y + 2.55**2) / (mean_x**2 + mean_y**2 + 2.55**2))
    assert structure[2, 1] == pytest.approx((2 * covariance + 7.65**2) / (variance_x + variance_y + 7.65**2))


@pytest.mark.parametrize("measure", [ssim, ms_ssim])
def test_equal_better_and_worse(measure: object) -> None:
    assert callable(measure)
    plane = gray(photo(201, 190))
    noise = np.random.default_rng(0).standard_normal(plane.shape)
    values = [measure(plane, np.clip(plane + level * noise, 0, 255).astype(np.uint8)) for level in (0, 4, 16, 64)]
    assert values[0] == pytest.approx(1)
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.9 * values[0]


def test_flat_planes_differ_in_luminance_alone() -> None:
    dark, light = np.full((LEAST_SIDE, LEAST_SIDE + 1), 50), np.full((LEAST_SIDE, LEAST_SIDE + 1), 200)
    luminance = (2 * 50 * 200 + 2.55**2) / (50**2 + 200**2 + 2.55**2)
    assert ssim(dark, light) == pytest.approx(luminance)
    assert ms_ssim(dark, light) == pytest.approx(luminance ** WEIGHTS[-1])


def test_opposed_structures_count_as_nothing() -> None:
    plane = np.random.default_rng(0).integers(0, 256, (LEAST_SIDE, LEAST_SIDE))
    assert ssim(plane, 255 - plane) < 0
    assert ms_ssim(plane, 255 - plane) == 0


def test_sizes_are_checked() -> None:
    small = np.zeros((LEAST_SIDE, LEAST_SIDE - 1))
    with pytest.raises(ValueError, match="sides of 176 pixels or more; the picture is 175x176"):
        ms_ssim(small, small)
    with pytest.raises(ValueError, match="sides of 11 pixels or more"):
        ssim(small[:10], small[:10])
    for measure in (ssim, ms_ssim):
        with pytest.raises(ValueError, match="different shapes"):
            measure(small, small[1:])


def test_rows_of_the_table() -> None:
    picture, small = photo(200, 180), photo(100, 10)
    for name in ("ssim", "ms_ssim"):
        assert METRICS[name].measure(picture, picture) == pytest.approx(1)
        assert METRICS[name].measure(small, small) is None


def test_gray_is_rgb2gray() -> None:
    picture = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], np.uint8))
    assert gray(picture).tolist() == [[76, 150, 29, 9]]
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(gray(Image.fromarray(levels)), levels)


def test_contrast_measures_the_amount_of_texture() -> None:
    texture = np.random.default_rng(1).normal(128, 20, (64, 80))
    other = np.random.default_rng(2).normal(128, 20, (64, 80))
    assert contrast(texture, texture) == 1
    assert contrast(texture, 256 - texture) == pytest.approx(1)
    assert contrast(texture, other) > 0.9
    # With half the deviation, 2ab / (a^2 + b^2) is 0.8, and the constant adds a little.
    assert contrast(texture, 128 + (texture - 128) / 2) == pytest.approx(0.8, abs=0.05)
    assert contrast(np.full((3, 2), 9), np.full((3, 2), 200)) == 1
    with pytest.raises(ValueError, match="different shapes"):
        contrast(texture, texture[:-1])
