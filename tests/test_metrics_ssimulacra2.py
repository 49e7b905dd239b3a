"""SSIMULACRA2 against a second implementation.

The package ssimulacra2 follows libjxl's tool except for its blur, so the tests give it the filter
that the tool has. With it, the package and lbic both come to 17.51 on the pair of pictures that
the Rust implementation publishes 17.40 for (its distorted picture is at hand as JPEG XL, whose
decoders round differently).
"""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
from helpers import gray, photo
from PIL import Image

from lbic.metrics.ssimulacra2 import ssimulacra2
from lbic.metrics.table import METRICS

TOLERANCE = 0.02
"""Points between the two implementations: one computes in float32, the other in float64."""
SIGMA = 1.5


def impulse_response() -> np.ndarray:
    """Return the blur's taps: the recursive filter of Charalampidis (2016) run on an impulse."""
    radius = round(3.2795 * SIGMA + 0.2546)
    omega = np.array([1, 3, 5]) * math.pi / (2 * radius)
    p = np.array([1, -1, 1]) / np.tan(omega / 2)
    r = np.array([1, -1, 1]) * p * p / np.sin(omega)
    rho = np.exp(-(SIGMA**2) * omega**2 / 2) / radius
    d13, d35, d51 = (p[i] * r[j] - r[i] * p[j] for i, j in ((0, 1), (1, 2), (2, 0)))
    zeta = np.array([d35 / d13, d51 / d13, 1])
    beta = np.linalg.solve(np.stack([p, r, zeta]), np.array([1, radius**2 - SIGMA**2, zeta @ rho]))
    gain, feedback = -beta * np.cos(omega * (radius + 1)), 2 * np.cos(omega)
    before, state, taps = np.zeros(3), np.zeros(3), []
    for n in range(-radius, radius + 1):
        ends = (n == -radius + 1) + (n == radius + 1)
        before, state = state, gain * ends + feedback * state - before
        taps.append(state.sum())
    return np.array(taps)


def second_implementation(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the package's function of two pictures, with libjxl's blur."""
    package = pytest.importorskip("ssimulacra2.ssimulacra2")
    ndimage = pytest.importorskip("scipy.ndimage")
    taps = impulse_response()

    def blurred(planes: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            planes = ndimage.convolve1d(planes, taps, axis=axis, mode="constant")
        return planes

    monkeypatch.setattr(package, "blur_image", blurred)

    def measure(*pictures: Image.Image) -> float:
        files = [io.BytesIO(), io.BytesIO()]
        for picture, file in zip(pictures, files, strict=True):
            picture.save(file, "PPM")
        return float(package.compute_ssimulacra2(*files))

    return measure


def damaged(picture: Image.Image, quality: int) -> Image.Image:
    """Return what JPEG makes of a picture."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def test_the_blurs_taps_are_those_of_the_recursive_filter() -> None:
    from lbic.metrics import ssimulacra2 as module

    taps = impulse_response()
    centre = len(taps) // 2
    np.testing.assert_allclose(taps[centre : centre + 5], module._TAPS, atol=1e-8)
    assert abs(taps[[0, -1]]).max() < 1e-8, "nine taps are all"
    assert taps.sum() == pytest.approx(1)


@pytest.mark.parametrize("size", [(320, 256), (331, 257), (259, 300)])
@pytest.mark.parametrize("quality", [3, 30, 90])
def test_it_is_that_of_a_second_implementation(
    size: tuple[int, int], quality: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = photo(*size)
    other = damaged(picture, quality)
    expected = second_implementation(monkeypatch)(picture, other)
    assert ssimulacra2(np.asarray(picture), np.asarray(other)) == pytest.approx(expected, abs=TOLERANCE)


def test_it_does_not_depend_on_the_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = photo(90, 70)
    pair = np.asarray(picture), np.asarray(damaged(picture, 20))
    whole = ssimulacra2(*pair)
    monkeypatch.setattr("lbic.metrics.ssimulacra2._BAND", 1)
    assert ssimulacra2(*pair) == pytest.approx(whole, abs=1e-4)


def test_equal_pictures_have_100_and_worse_ones_less() -> None:
    picture = photo(160, 120)
    measure = METRICS["ssimulacra2"].measure
    assert measure(picture, picture) == 100
    best, middle, worst = (measure(picture, damaged(picture, quality)) for quality in (95, 50, 5))
    assert best is not None and middle is not None and worst is not None
    assert 100 > best > middle > worst


def test_gray_pictures_count_as_colour_and_small_ones_have_none() -> None:
    picture = gray(64, 48)
    other = damaged(picture, 10)
    value = METRICS["ssimulacra2"].measure(picture, other)
    assert value == METRICS["ssimulacra2"].measure(picture.convert("RGB"), other.convert("RGB"))
    assert METRICS["ssimulacra2"].measure(photo(8, 8), photo(8, 8, seed=1)) is not None
    assert METRICS["ssimulacra2"].measure(photo(7, 9), photo(7, 9)) is None
    with pytest.raises(ValueError, match="different shapes"):
        ssimulacra2(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 8, 3), np.uint8))
