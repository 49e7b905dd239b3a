"""The measured halo: the distance at which a cut through a picture still changes the output."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from cli_helpers import lbic

from lbic.errors import ExitCode, UsageError
from lbic.nets import table as nets
from lbic.train import halo, manifest
from lbic.train.data import Floats, PairSet, PairWriter
from lbic.train.measure import OnnxNetwork


def prepared(folder: Path, side: int = 96, channels: int = 1) -> PairSet:
    """Two pictures of noise, each coded at two qualities."""
    rng = np.random.default_rng(0)
    with PairWriter(folder, channels) as writer:
        for name in ("a", "b"):
            truth = rng.integers(0, 256, (side, side + 5, channels), np.uint8)
            writer.add(name, truth, [(10, truth // 2), (20, truth)])
        writer.close({})
    return PairSet(folder)


def box(radius: int) -> OnnxNetwork:
    """A mean over (2 radius + 1) squared pixels: every one of them counts alike."""
    side = 2 * radius + 1
    return OnnxNetwork(toys.network(1, 1, [np.full((1, 1, side, side), 1 / side**2, np.float32)]))


@pytest.mark.parametrize(("radius", "expected"), [(1, 8), (7, 8), (8, 8), (9, 16), (20, 24)])
def test_the_halo_is_the_radius_rounded_up(tmp_path: Path, radius: int, expected: int) -> None:
    assert halo.measure(box(radius), prepared(tmp_path), 1, 100) == expected


def test_the_halo_is_at_most_the_bound_and_a_multiple_of_the_networks(tmp_path: Path) -> None:
    pairs = prepared(tmp_path)
    assert halo.measure(box(9), pairs, 1, 9) == 9
    assert halo.measure(box(9), pairs, 3, 100) == 24


def test_a_network_that_looks_at_one_pixel_needs_no_halo(tmp_path: Path) -> None:
    assert halo.measure(lambda picture, quality: picture * 2, prepared(tmp_path), 1, 100) == 0


def test_changes_below_the_limit_do_not_count() -> None:
    picture = np.full((64, 64, 1), 0.5, np.float32)
    picture[:32] = 0.6

    def faint(part: Floats) -> Floats:
        """Adds a twentieth of a level for every row above."""
        rows = np.arange(len(part), dtype=np.float32)[:, None, None]
        return part + rows / np.float32(255 * 20)

    assert halo.distance(faint, picture, 8, 0.1) > 0
    assert halo.distance(faint, picture, 8, 2) == 0


def test_both_sides_of_a_cut_are_measured() -> None:
    picture = np.random.default_rng(1).random((64, 64, 1), np.float32)

    def from_below(part: Floats) -> Floats:
        """Every pixel becomes the mean of itself and the one five rows further down."""
        padded = np.pad(part, ((0, 5), (0, 0), (0, 0)))
        mean: Floats = (padded[:-5] + padded[5:]) / np.float32(2)
        return mean

    def from_above(part: Floats) -> Floats:
        turned: Floats = from_below(part[::-1])[::-1]
        return turned

    assert halo.distance(from_below, picture, 8, 0.1) == halo.distance(from_above, picture, 8, 0.1) == 5


def test_a_picture_too_small_to_cut_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a: 14 x 9 pixels are too small to measure a halo; sides of 16 are needed"):
        halo.measure(box(1), prepared(tmp_path, side=9), 1, 8)


def test_the_command_records_halo_and_bound(tmp_path: Path) -> None:
    prepared(tmp_path / "val", channels=1)
    models = tmp_path / "models"
    data = toys.network(1, 1, [np.full((1, 1, 3, 3), 1 / 9, np.float32)])
    row = toys.spec("blur", data, "ar", network="fast-arcnn", multiple=2, halo=32)
    manifest.add(models, row, manifest.About("Blur", 9, 1, 0.0, {}, None), data, [])
    options = "--models", models, "--val", tmp_path / "val"
    lbic("train", "halo", "blur", *options)
    written = json.loads((models / manifest.NAME).read_text())["models"][0]
    assert (written["halo"], written["about"]["halo_bound"]) == (8, nets.build("fast-arcnn").halo)
    assert "- halo: 8 pixels, measured; the kernel sizes allow 32" in (models / "README.md").read_text()
    assert "has no model 'other'" in lbic("train", "halo", "other", *options, code=ExitCode.USAGE).stderr
