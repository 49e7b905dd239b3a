"""RGB and YCbCr: compared with Pillow's conversion, round trips, and independence of bands."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import gray, noise, photo
from PIL import Image

from lbic import color
from lbic.color import Planes

SIZES = [(1, 1), (1, 7), (2, 3), (5, 5), (16, 17), (64, 64)]


@pytest.mark.parametrize("size", SIZES)
def test_agrees_with_pillow_within_a_level(size: tuple[int, int]) -> None:
    image = noise(*size)
    y, cb, cr = color.rgb_to_ycbcr(np.asarray(image))
    ours = np.stack([y * 255, cb * 255 + 128, cr * 255 + 128], axis=-1)
    assert np.abs(ours - np.asarray(image.convert("YCbCr"))).max() <= 1


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    [
        ((255, 0, 0), (0.299, -0.168736, 0.5)),
        ((0, 255, 0), (0.587, -0.331264, -0.418688)),
        ((0, 0, 255), (0.114, 0.5, -0.081312)),
        ((255, 255, 255), (1, 0, 0)),
    ],
)
def test_primaries_are_those_of_t871(rgb: tuple[int, int, int], ycbcr: tuple[float, ...]) -> None:
    planes = color.rgb_to_ycbcr(np.array([[rgb]], np.uint8))
    assert [float(plane[0, 0]) for plane in planes] == pytest.approx(ycbcr, abs=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_full_size_planes_come_back_exactly(size: tuple[int, int]) -> None:
    rgb = np.asarray(noise(*size))
    planes = Planes(*color.rgb_to_ycbcr(rgb))
    assert np.array_equal(color.planes_to_uint8(planes), rgb)
    assert np.abs(color.planes_to_rgb(planes) - rgb / 255).max() < 1e-5


@pytest.mark.parametrize("size", SIZES)
def test_a_flat_picture_survives_halved_chroma_exactly(size: tuple[int, int]) -> None:
    rgb = np.full((size[1], size[0], 3), (200, 30, 90), np.uint8)
    planes = color.rgb_to_planes(rgb)
    assert planes.cb is not None
    assert planes.cb.shape == (-(-size[1] // 2), -(-size[0] // 2))
    assert np.array_equal(color.planes_to_uint8(planes), rgb)


def test_a_photo_survives_halved_chroma() -> None:
    rgb = np.asarray(photo(97, 61))
    back = color.planes_to_uint8(color.rgb_to_planes(rgb))
    assert np.mean((rgb.astype(float) - back) ** 2) < 20
    luma = [color.rgb_to_ycbcr(picture)[0] for picture in (rgb, back)]
    assert np.abs(luma[0] - luma[1]).mean() < 0.5 / 255


def test_gray_stays_one_plane() -> None:
    levels = np.asarray(gray(9, 5))
    planes = Planes(color.from_levels(levels, 255))
    assert (planes.gray, planes.width, planes.height) == (True, 9, 5)
    assert np.array_equal(color.planes_to_uint8(planes), levels)


def test_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = np.asarray(photo(23, 61))
    whole = color.rgb_to_planes(rgb)
    monkeypatch.setattr(color, "_BAND", 7)
    cut = color.rgb_to_planes(rgb)
    assert np.array_equal(whole.y, cut.y)
    assert np.array_equal(color.planes_to_uint8(whole), color.planes_to_uint8(cut))
    banded = color.planes_to_rgb(whole)
    monkeypatch.undo()
    assert np.array_equal(banded, color.planes_to_rgb(whole))


def test_halving_is_the_mean_of_each_block_with_the_edge_repeated() -> None:
    plane = np.array([[0, 4, 8], [0, 4, 8], [6, 6, 2]], np.float32)
    assert color.halve(plane).tolist() == [[2, 8], [6, 2]]


def test_chroma_is_enlarged_by_two_and_cropped() -> None:
    half = np.asarray(gray(5, 4), np.float32)
    whole = color.resize(half, 10, 8)
    assert np.array_equal(color.resize_chroma(half, 9, 7), whole[:7, :9])
    assert color.resize_chroma(whole, 10, 8) is whole


def test_resizing_to_the_same_size_is_no_work() -> None:
    plane = np.asarray(gray(5, 4), np.float32)
    assert color.resize(plane, 5, 4) is plane


def test_resizing_is_pillows_bicubic() -> None:
    image = gray(31, 17)
    ours = color.resize(np.asarray(image, np.float32), 13, 9)
    assert (
        np.abs(np.clip(ours, 0, 255) - np.asarray(image.resize((13, 9), Image.Resampling.BICUBIC))).max() <= 1
    )  # Pillow rounds bytes after each direction


@pytest.mark.parametrize(("top", "middle"), [(255, 128), (1023, 512)])
def test_levels_round_trip(top: int, middle: int) -> None:
    levels = np.arange(top + 1, dtype=np.uint16)[None]
    assert np.array_equal(color.to_levels(color.from_levels(levels, top), top), levels)
    assert np.array_equal(color.to_levels(color.from_levels(levels, top, middle), top, middle), levels)
    beyond = np.array([[-2, 2]], np.float32)
    assert color.to_levels(beyond, top).tolist() == [[0, top]]


def test_float_rgb_is_taken_as_it_is() -> None:
    rgb = np.asarray(photo(6, 5))
    for ours, theirs in zip(color.rgb_to_ycbcr(rgb), color.rgb_to_ycbcr((rgb / 255).astype(np.float32)), strict=True):
        assert np.abs(ours - theirs).max() < 1e-6
