"""Ma's metric and PI: features of the authors' program, forests walked by hand."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import photo
from PIL import Image

from lbic.errors import MissingError
from lbic.metrics import ma, pi
from lbic.metrics.forest import Forest
from lbic.metrics.ma_features import LEAST_SIDE, SIZES, _shape, _transform, features
from lbic.metrics.niqe import niqe, pirm_luma
from lbic.metrics.psnr import gray, luma
from lbic.metrics.steerable import pyramid
from lbic.metrics.table import METRICS
from lbic.system.weights import VARIABLE as WEIGHTS

NAMES = ("I03", "I04", "I06", "I08", "I19")
PLANE = luma(photo(211, 117))


@pytest.mark.parametrize(("name", "kind"), [*((name, "y") for name in NAMES), ("I03", "gray")])
def test_features_are_those_of_the_authors_program(calibration: Path, name: str, kind: str) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    stored = scipy_io.loadmat(calibration / "octave_nrqm_features" / f"{name}_{kind}.mat")
    with Image.open(calibration / "dist" / f"{name}.bmp") as image:
        plane = gray(image) if kind == "gray" else pirm_luma(luma(image))
    np.testing.assert_array_equal(plane, stored["im"])
    local, overall, space = features(plane)
    np.testing.assert_allclose(local, stored["f1"].ravel(), rtol=1e-7)
    # Shapes are multiples of 0.001: rounding may choose the next one.
    np.testing.assert_allclose(overall[:18], stored["f2"].ravel()[:18], rtol=0, atol=0.00101)
    np.testing.assert_allclose(overall[18:], stored["f2"].ravel()[18:], rtol=2e-5)
    np.testing.assert_allclose(space, stored["f3"].ravel(), rtol=1e-10)


def test_features_of_the_smallest_and_of_flat_pictures() -> None:
    plane = np.random.default_rng(0).integers(0, 256, (LEAST_SIDE, LEAST_SIDE + 1)).astype(np.uint8)
    for each in (plane, np.full_like(plane, 77), np.zeros_like(plane)):
        groups = features(each)
        assert tuple(len(group) for group in groups) == SIZES
        assert all(np.isfinite(group).all() for group in groups)
    with pytest.raises(ValueError, match=f"sides of 84 pixels; the picture is {LEAST_SIDE + 1}x83"):
        features(plane[1:])


def test_singular_values_keep_the_energy() -> None:
    _, _, space = features(PLANE)
    assert np.sum(space[:25] ** 2) == pytest.approx(np.sum((PLANE / 255) ** 2))


def test_shapes_of_known_distributions() -> None:
    rng = np.random.default_rng(0)
    samples = (rng.standard_normal(100_000), rng.laplace(size=100_000) * 3 + 7)
    assert [float(_shape(values)) for values in samples] == pytest.approx([2, 1], abs=0.03)


def test_the_blocks_transform() -> None:
    fft = pytest.importorskip("scipy.fft")
    basis, orientations = _transform()
    np.testing.assert_allclose(basis, fft.dct(np.eye(7), norm="ortho", axis=0), atol=1e-15)
    counts = np.sum(orientations, axis=0).tolist()
    assert counts == [0] + [1] * 48, "each coefficient but the mean"


def test_the_pyramid_keeps_the_energy_of_its_scales() -> None:
    shape = (63, 65)
    spectrum = np.fft.fft2(np.random.default_rng(0).standard_normal(shape))
    coarse = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij")) * 2 < 0.27
    plane = np.fft.ifft2(np.where(coarse, 0, spectrum)).real
    residual, bands = pyramid(plane, 2, 6)
    assert [len(scale) for scale in bands] == [6, 6]
    parts = [residual, *itertools.chain(*bands)]
    assert {part.shape for part in parts} == {shape, (32, 33)}
    energy = sum(np.sum(part**2) * part.size / plane.size for part in parts)
    assert energy == pytest.approx(np.sum(plane**2))


def test_the_pyramid_separates_orientations() -> None:
    down, across = np.indices((64, 64))
    angle = math.atan2(5, 12)
    grating = np.cos(2 * math.pi * (12 * across + 5 * down) / 64)
    _, (fine,) = pyramid(grating, 1, 6)
    energies = np.array([np.sum(band**2) for band in fine])
    expected = np.array([math.cos(angle - k * math.pi / 6) ** 10 for k in range(6)])
    np.testing.assert_allclose(energies / energies.sum(), expected / expected.sum(), atol=1e-12)


def _trees(rng: np.random.Generator, count: int, variables: int, nodes: int = 31) -> dict[str, Any]:
    """Random trees as regRF_train stores them; small ones have unused nodes at the end."""
    left, right, variable = (np.zeros((nodes, count), np.int32) for _ in range(3))
    threshold, value = np.zeros((nodes, count)), rng.normal(size=(nodes, count))
    used = np.ones(count, np.int32)
    for tree in range(count):
        for node in range(nodes):
            if node < used[tree] and used[tree] + 2 <= nodes - 4 and (node == 0 or rng.random() < 0.7):
                left[node, tree], right[node, tree] = rng.permutation([used[tree] + 1, used[tree] + 2])
                variable[node, tree], threshold[node, tree] = rng.integers(1, variables + 1), rng.normal()
                used[tree] += 2
    status = np.full((nodes, count), "\u00ff")
    return {
        "lDau": left, "rDau": right, "mbest": variable, "upper": threshold, "avnode": value,
        "ndtree": used, "nodestatus": status, "coef": np.zeros(2),
    }  # fmt: skip


def _walk(trees: dict[str, Any], tree: int, values: np.ndarray, node: int = 0) -> float:
    if trees["lDau"][node, tree] == 0:
        return float(trees["avnode"][node, tree])
    small = values[trees["mbest"][node, tree] - 1] <= trees["upper"][node, tree]
    return _walk(trees, tree, values, trees["lDau" if small else "rDau"][node, tree] - 1)


def test_forests_walk_every_tree() -> None:
    rng = np.random.default_rng(0)
    trees = _trees(rng, 40, 6)
    forest = Forest.from_matlab(trees, 6)
    assert len(forest.left) == trees["ndtree"].max() < 31, "unused nodes are left out"
    for values in rng.normal(size=(20, 6)):
        expected = np.mean([_walk(trees, tree, values) for tree in range(40)])
        assert forest.predict(values) == pytest.approx(expected)
        corrected = Forest.from_matlab({**trees, "coef": np.array([0.5, 2.0])}, 6)
        assert corrected.predict(values) == pytest.approx(0.5 + 2 * expected)


def test_a_threshold_itself_leads_to_the_left() -> None:
    stump = {"lDau": [[2], [0], [0]], "rDau": [[3], [0], [0]], "mbest": [[1], [0], [0]], "ndtree": 3, "coef": [0, 0]}
    splits = {"upper": [[0.25], [0], [0]], "avnode": [[0], [1], [2]]}
    forest = Forest.from_matlab({name: np.array(values) for name, values in {**stump, **splits}.items()}, 1)
    assert [forest.predict(np.array([value])) for value in (0.2, 0.25, 0.3)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("name", "value", "because"),
    [
        ("lDau", 1, "after its parent"),
        ("rDau", 32, "after its parent"),
        ("mbest", 7, "among the 6"),
        ("mbest", 0, "among"),
    ],
)
def test_invalid_forests_are_refused(name: str, value: int, because: str) -> None:
    trees = _trees(np.random.default_rng(0), 3, 6)
    trees[name][0, 1] = value
    with pytest.raises(ValueError, match=because):
        Forest.from_matlab(trees, 6)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A model of three small forests in place of Ma's."""
    scipy_io = pytest.importorskip("scipy.io")
    rng = np.random.default_rng(1)
    forests = np.empty((3, 1), object)
    forests[:, 0] = [_trees(rng, 5, size) for size in SIZES]
    stored = {"rf": forests, "linear": np.array([[1.0], [2.0], [3.0], [4.0]])}
    scipy_io.savemat(tmp_path / ma.FILE, {"model": stored}, do_compression=True)
    monkeypatch.setenv(WEIGHTS, str(tmp_path))
    return list(forests[:, 0])


def test_the_score_is_linear_in_three_forests(model: list[dict[str, Any]]) -> None:
    assert ma.missing() is None
    answers = [
        np.mean([_walk(trees, tree, group) for tree in range(5)])
        for trees, group in zip(model, features(PLANE), strict=True)
    ]
    assert ma.ma(PLANE) == pytest.approx(1 + 2 * answers[0] + 3 * answers[1] + 4 * answers[2])


@pytest.mark.usefixtures("model")
def test_pi_is_by_the_pirm_protocol() -> None:
    picture = photo(211, 117)
    shaved = PLANE[4:-4, 4:-4]
    expected = ((10 - ma.ma(shaved)) + niqe(shaved)) / 2
    assert METRICS["pi"].measure(picture, picture) == pytest.approx(expected)
    assert METRICS["ma"].measure(picture, picture) == pytest.approx(ma.ma(shaved))
    assert METRICS["pi"].missing() is None


@pytest.mark.usefixtures("model")
def test_pi_of_flat_and_of_small_pictures() -> None:
    assert math.isnan(pi.pi(np.full((192, 192), 77, np.uint8)))
    for name, picture in (("pi", Image.new("RGB", (211, 117))), ("pi", photo(150, 150)), ("ma", photo(90, 150))):
        assert METRICS[name].measure(picture, picture) is None


def test_without_the_model_pi_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(WEIGHTS, raising=False)
    for _ in range(2):
        assert str(METRICS["pi"].missing()).startswith("PI n/a (Ma model not found); put model.mat ")
        assert str(METRICS["ma"].missing()).startswith("Ma model not found; put model.mat ")
        with pytest.raises(MissingError, match="Ma model not found"):
            pi.pi(PLANE)
        monkeypatch.setenv(WEIGHTS, str(tmp_path))


@pytest.mark.usefixtures("model")
def test_without_scipy_or_with_another_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as context:
        context.setitem(sys.modules, "scipy.io", None)
        assert str(METRICS["pi"].missing()).startswith("PI n/a (Ma needs SciPy); ")
    content = (tmp_path / ma.FILE).read_bytes()
    scipy_io = pytest.importorskip("scipy.io")
    for damaged in (b"", b"nothing", content[:-100], content[:128]):
        (tmp_path / ma.FILE).write_bytes(damaged)
        assert "not Ma's model" in str(ma.missing())
    scipy_io.savemat(tmp_path / ma.FILE, {"model": {"rf": [], "linear": [1.0]}})
    assert "not Ma's model" in str(ma.missing())
