"""Preparing pictures with a real codec, and drawing crops from them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lbic.errors import FileError, ImageError
from lbic.train import config, degrade, prepare
from lbic.train.config import DataConfig
from lbic.train.data import LEAST_ERROR, PairSet, PairWriter

DATA = DataConfig(codec="jpeg", scale=1, quality=(5, 40), validation=(10, 20), per_picture=2)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three small colour pictures, one of them in a sub-folder."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    rng = np.random.default_rng(1)
    for name, size in (("a.png", (48, 40)), ("b.png", (33, 57)), ("more/c.png", (16, 20))):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 5, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(folder / name)
    return folder


def _prepare(pictures: Path, folder: Path, data: DataConfig = DATA) -> PairSet:
    prepare.prepare(prepare.training_jobs(prepare.pictures(pictures), data), data, folder, 1, lambda done, of: None)
    return PairSet(folder)


def test_pairs_are_what_the_codec_makes(pictures: Path, tmp_path: Path) -> None:
    pairs = _prepare(pictures, tmp_path / "out")
    assert len(pairs) == 6
    first = pairs.pairs[0]
    truth, coded = pairs.pictures(first)
    image = Image.open(pictures / "a.png")
    np.testing.assert_array_equal(truth, degrade.true_picture(image, 1))
    np.testing.assert_array_equal(coded, degrade.coded_picture(degrade.encode(image, DATA, first.quality), 1))
    assert truth.shape == (40, 48, 1)
    assert not np.array_equal(truth, coded)


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_coded_pictures_have_the_original_size(pictures: Path, scale: int, channels: int) -> None:
    image = Image.open(pictures / "b.png")
    data = DataConfig(codec="jpeg", scale=scale, quality=(5, 40), validation=(10,))
    assert degrade.coded_picture(degrade.encode(image, data, 30), channels).shape == (57, 33, channels)


def test_interrupted_preparing_goes_on(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _prepare(pictures, tmp_path / "out")
    coded = np.array(first.pictures(first.pairs[3])[1])
    (tmp_path / "out" / "index.json").unlink()

    def fail(*_: object) -> bytes:
        raise AssertionError("coded again")

    monkeypatch.setattr(degrade, "encode", fail)
    again = _prepare(pictures, tmp_path / "out")
    np.testing.assert_array_equal(again.pictures(again.pairs[3])[1], coded)


def test_pictures_are_read_as_compress_reads_them(pictures: Path, tmp_path: Path) -> None:
    deep = np.arange(40 * 48, dtype=np.uint16).reshape(40, 48) * 34
    Image.fromarray(deep).save(pictures / "a.png")
    pairs = _prepare(pictures, tmp_path / "out")
    truth, _ = pairs.pictures(pairs.pairs[0])
    np.testing.assert_allclose(truth[..., 0], deep / 257, atol=1)
    (pictures / "a.png").write_bytes(b"nonsense")
    with pytest.raises(ImageError, match=r"a\.png: not a picture that lbic reads"):
        _prepare(pictures, tmp_path / "out")


def test_pictures_of_one_name_are_told_apart(pictures: Path, tmp_path: Path) -> None:
    Image.open(pictures / "b.png").transpose(Image.Transpose.ROTATE_90).save(pictures / "more" / "b.png")
    Image.new("RGB", (48, 40), "red").save(pictures / "more" / "a.png")
    pairs = _prepare(pictures, tmp_path / "out")
    assert len(pairs) == 10
    red = pairs.pictures(pairs.pairs[-6])
    assert pairs.pairs[-6].source == "a.png"
    assert np.ptp(red[0]) == 0
    assert abs(int(red[0][0, 0, 0]) - red[1].mean()) < 4


@pytest.mark.parametrize("change", [{"codec": "webp", "quality": (5, 40)}, {"scale": 2}])
def test_other_codings_do_not_take_streams_that_are_there(
    change: dict[str, Any], pictures: Path, tmp_path: Path
) -> None:
    before = _prepare(pictures, tmp_path / "out")
    old = np.array(before.pictures(before.pairs[0])[1])
    after = _prepare(pictures, tmp_path / "out", dataclasses.replace(DATA, **change))
    assert after.pairs[0].quality == before.pairs[0].quality
    assert not np.array_equal(after.pictures(after.pairs[0])[1], old)


def test_a_folder_whose_second_preparing_was_interrupted_is_not_read(pictures: Path, tmp_path: Path) -> None:
    _prepare(pictures, tmp_path / "out")
    with PairWriter(tmp_path / "out", 1):
        pass
    with pytest.raises(FileError, match="not a prepared folder"):
        PairSet(tmp_path / "out")


def test_a_folder_of_another_format_is_not_read(pictures: Path, tmp_path: Path) -> None:
    _prepare(pictures, tmp_path / "out")
    index = tmp_path / "out" / "index.json"
    index.write_text(index.read_text().replace('"format": 2', '"format": 1'))
    with pytest.raises(FileError, match="format 1, this lbic reads 2"):
        PairSet(tmp_path / "out")


def test_qualities_fill_the_range_evenly() -> None:
    paths = [Path(f"{i}.png") for i in range(300)]
    jobs = prepare.training_jobs(paths, DATA)
    qualities = [quality for job in jobs for quality, _ in job.codings]
    assert (min(qualities), max(qualities)) == DATA.quality
    counts = np.bincount(qualities)[5:]
    assert counts.min() > 0.6 * counts.mean()
    assert counts.max() < 1.4 * counts.mean()
    assert all(abs(job.codings[0][0] - job.codings[1][0]) in (17, 18) for job in jobs)


def test_qualities_fill_octaves_evenly() -> None:
    data = dataclasses.replace(DATA, quality=(5, 95), spacing="log")
    jobs = prepare.training_jobs([Path(f"{i}.png") for i in range(400)], data)
    qualities = np.array([quality for job in jobs for quality, _ in job.codings])
    assert (qualities.min(), qualities.max()) == (5, 95)
    octaves = np.histogram(qualities, bins=[5, 10, 20, 40, 80])[0]
    assert octaves.min() > 0.9 * octaves.max()


def test_gray_crops_are_luma_and_weighed_by_its_error(pictures: Path, tmp_path: Path) -> None:
    _prepare(pictures, tmp_path / "out", dataclasses.replace(DATA, channels=3))
    pairs = PairSet(tmp_path / "out", gray=0.5)
    coded, target, error, _ = pairs.sample(np.random.default_rng(3), batch=64, patch=16, margin=2)
    gray = np.ptp(coded, axis=1).max(axis=(1, 2)) == 0
    assert 16 < gray.sum() < 48
    assert np.ptp(target[gray], axis=1).max() == 0
    np.testing.assert_allclose(target[gray] * 255, np.rint(target[gray] * 255), atol=1e-4)
    assert error[gray].mean() < error[~gray].mean(), "chroma has errors of its own"


def test_limited_range_has_its_own_truth(pictures: Path, tmp_path: Path) -> None:
    data = DataConfig(codec="jpeg", scale=1, quality=(90, 90), validation=(90,), per_picture=2, limited_range=0.5)
    pairs = _prepare(pictures, tmp_path / "out", data)
    assert len({pair.truth for pair in pairs.pairs}) == 6
    for pair in pairs.pairs:
        truth, coded = pairs.pictures(pair)
        assert np.abs(truth.astype(float) - coded).mean() < 4
    assert sum(int(pairs.pictures(pair)[0].min()) >= 16 for pair in pairs.pairs) >= 3


def test_validation_has_every_picture_at_every_quality(pictures: Path, tmp_path: Path) -> None:
    jobs = prepare.validation_jobs(prepare.pictures(pictures), DATA)
    prepare.prepare(jobs, DATA, tmp_path / "out", 1, lambda done, of: None)
    assert [pair.quality for pair in PairSet(tmp_path / "out").pairs] == [10, 20] * 3


def test_camera_versions_come_after_the_pictures_as_they_are(pictures: Path, tmp_path: Path) -> None:
    plain = _prepare(pictures, tmp_path / "out")
    before = sorted((tmp_path / "out" / "streams").iterdir())
    pairs = _prepare(pictures, tmp_path / "out", dataclasses.replace(DATA, enlarge=2.0, grain=3.0))
    assert set(before) < set((tmp_path / "out" / "streams").iterdir()), "the streams that were there serve again"
    assert pairs.pairs[:6] == plain.pairs
    assert [pair.source for pair in pairs.pairs[6::2]] == ["a.png camera", "b.png camera", "c.png camera"]
    for one, other in zip(pairs.pairs[:6], pairs.pairs[6:], strict=True):
        truth, coded = pairs.pictures(other)
        assert truth.shape == coded.shape == pairs.pictures(one)[0].shape
        assert not np.array_equal(truth, pairs.pictures(one)[0])
        assert np.abs(truth.astype(float) - coded).mean() < 20, "it is this picture that was coded"


def test_cameras_fill_the_square_of_enlargement_and_grain_evenly() -> None:
    paths = [Path(f"{i}.png") for i in range(400)]
    jobs = prepare.validation_jobs(paths, dataclasses.replace(DATA, enlarge=2.0, grain=3.0))
    assert [job.camera for job in jobs[:400]] == [None] * 400
    first, second = np.array([job.camera for job in jobs[400:]], float).T
    counts = np.histogram2d(first, second, bins=4, range=[[1.0, 2.0], [0.0, 3.0]])[0]
    assert (counts.min(), counts.max()) == pytest.approx((25, 25), abs=6)


def test_a_camera_enlarges_the_middle_and_adds_grain() -> None:
    rows, columns = np.indices((60, 80))
    cross = np.where((abs(rows - 29.5) < 6) | (abs(columns - 39.5) < 6), 255, 0).astype(np.uint8)
    image = Image.fromarray(np.stack([cross] * 3, axis=2))
    twice = np.asarray(degrade.camera(image, 2, 0, 1))
    assert twice.shape == (60, 80, 3)
    assert np.count_nonzero(twice[0, :, 0] > 127) == 24
    np.testing.assert_array_equal(np.asarray(degrade.camera(image, 1, 0, 1)), np.asarray(image))
    gray = Image.new("RGB", (200, 200), (90, 120, 150))
    noise = np.asarray(degrade.camera(gray, 1, 3, 1), float) - np.asarray(gray)
    assert noise.std() == pytest.approx(3, abs=0.1)
    np.testing.assert_array_equal(noise[..., 0], noise[..., 2])
    assert np.asarray(degrade.camera(gray, 2, 3, 1), float).std(axis=(0, 1)).max() < 3
    assert not np.array_equal(np.asarray(degrade.camera(gray, 1, 3, 2)), np.asarray(degrade.camera(gray, 1, 3, 1)))


@pytest.mark.parametrize("channels", [1, 3])
def test_crops_fit_together(pictures: Path, tmp_path: Path, channels: int) -> None:
    data = DataConfig(codec="jpeg", scale=1, quality=(95, 95), validation=(95,), per_picture=1, channels=channels)
    pairs = _prepare(pictures, tmp_path / "out", data)
    coded, truth, error, quality = pairs.sample(np.random.default_rng(3), batch=32, patch=24, margin=5)
    assert error.shape == (32,)
    assert {float(value) for value in error} == {np.float32(max(pair.error, LEAST_ERROR)) for pair in pairs.pairs}
    assert coded.shape == (32, channels, 34, 34)
    assert truth.shape == (32, channels, 24, 24)
    assert quality.tolist() == [95] * 32
    assert coded.dtype == truth.dtype == np.float32
    difference = np.abs(coded[..., 5:-5, 5:-5] - truth).mean(axis=(1, 2, 3))
    assert difference.max() < (0.03 if channels == 1 else 0.15)  # the chroma of noise is halved
    assert 0 <= truth.min() <= truth.max() <= 1


def test_qualities_may_be_drawn_by_their_logarithm(tmp_path: Path) -> None:
    writer = PairWriter(tmp_path, channels=1)
    flat = np.zeros((8, 8, 1), np.uint8)
    writer.add("a", flat, [(5, flat + 51), (20, flat + 102)])
    writer.close({})
    for spacing, share in (("even", 0.5), ("log", 0.8)):
        coded = PairSet(tmp_path, spacing).sample(np.random.default_rng(1), 500, 8, 0).coded
        assert (coded < 0.3).mean() == pytest.approx(share, abs=0.06)


def test_quality_0_has_no_logarithm(tmp_path: Path) -> None:
    writer = PairWriter(tmp_path, channels=1)
    writer.add("a", np.zeros((8, 8, 1), np.uint8), [(0, np.ones((8, 8, 1), np.uint8))])
    writer.close({})
    assert len(PairSet(tmp_path)) == 1
    with pytest.raises(FileError, match="quality 0 cannot be drawn by its logarithm"):
        PairSet(tmp_path, "log")


def test_crops_repeat_for_the_same_seed(pictures: Path, tmp_path: Path) -> None:
    pairs = _prepare(pictures, tmp_path / "out")
    one, two = (pairs.sample(np.random.default_rng(7), 4, 16, 2)[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, pairs.sample(np.random.default_rng(8), 4, 16, 2)[0])


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="holds no pictures"):
        prepare.pictures(tmp_path)
    with pytest.raises(FileError, match="not a prepared folder"):
        PairSet(tmp_path)


def test_recipes_describe_their_data() -> None:
    folder = Path(__file__).parent.parent / "models" / "configs"
    for path in folder.glob("*.toml"):
        low, high = config.load(path).data.quality
        assert all(low <= quality <= high for quality in config.load(path).data.validation)
