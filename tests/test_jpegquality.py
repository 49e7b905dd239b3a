"""Estimating JPEG quality from quantisation tables: exact for libjpeg's, close for others."""

from __future__ import annotations

import io

import pytest
from helpers import gray, photo, written
from PIL import Image

from lbic.codecs.jpegquality import QUALITIES, estimate
from lbic.picture.load import from_pillow, load


def quality(data: bytes) -> int:
    table = load(data).luma_table
    assert table is not None
    return estimate(table)


@pytest.mark.parametrize("wanted", QUALITIES)
def test_libjpegs_files_are_exact(wanted: int) -> None:
    assert quality(written(photo(8, 8), "JPEG", quality=wanted)) == wanted


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": "4:4:4"}, {"optimize": True}])
@pytest.mark.parametrize("picture", [photo, gray, lambda *size: photo(*size).convert("CMYK")])
def test_the_kind_of_jpeg_does_not_matter(options: dict[str, object], picture: object) -> None:
    assert callable(picture)
    assert quality(written(picture(24, 16), "JPEG", quality=42, **options)) == 42


def test_a_phones_mpo_is_a_jpeg() -> None:
    assert quality(written(photo(32, 24), "MPO", quality=33, save_all=True, append_images=[photo(16, 12)])) == 33


def standard(wanted: int) -> list[int]:
    table = load(written(gray(8, 8), "JPEG", quality=wanted)).luma_table
    assert table is not None
    return list(table)


def test_the_luma_table_counts_not_the_chromas() -> None:
    tables = [standard(30), standard(80)]
    assert quality(written(photo(16, 16), "JPEG", qtables=tables)) == 30
    assert quality(written(photo(16, 16), "JPEG", qtables=tables[::-1])) == 80


def test_the_first_component_says_which_table_is_lumas() -> None:
    data = bytearray(written(photo(16, 16), "JPEG", qtables=[standard(30), standard(80)], subsampling="4:2:0"))
    luma, cb = (data.index(bytes([component, sampling])) + 2 for component, sampling in ((1, 0x22), (2, 0x11)))
    assert (data[luma], data[cb]) == (0, 1)
    data[luma], data[cb] = 1, 0
    assert quality(bytes(data)) == 80


def test_tables_of_16_bits() -> None:
    """Without the baseline limit, as in cjpeg's very low qualities, steps exceed 255."""
    table = standard(20)
    data = written(gray(8, 8), "JPEG", qtables=[table])
    start = data.index(b"\xff\xdb")
    steps = data[start + 5 : start + 69]
    long = b"\xff\xdb\x00\x83\x10" + b"".join(step.to_bytes(2, "big") for step in steps)
    assert quality(data[:start] + long + data[start + 69 :]) == 20
    assert estimate([4 * step if step == 255 else step for step in standard(5)]) == 5


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_slightly_different_table_keeps_its_quality(shift: int) -> None:
    assert estimate([step + shift * (index % 9 == 0) for index, step in enumerate(standard(50))]) == 50


def test_coarser_tables_are_of_lower_quality() -> None:
    flat = [estimate([step] * 64) for step in (1, 2, 5, 20, 80, 255, 60_000)]
    assert flat == sorted(flat, reverse=True)
    assert (flat[0], flat[-1]) == (100, 1)
    presets = [quality(written(photo(8, 8), "JPEG", quality=name)) for name in ("web_low", "web_high", "maximum")]
    assert presets == sorted(set(presets))


def test_steps_of_0_are_no_trap() -> None:
    assert estimate([0] * 64) == 100


@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP", "JPEG2000"])
def test_other_files_have_no_table(name: str) -> None:
    assert load(written(photo(16, 16), name)).luma_table is None


def test_an_image_that_was_changed_is_no_jpeg_any_more() -> None:
    source = Image.open(io.BytesIO(written(photo(16, 16), "JPEG", quality=60)))
    assert from_pillow(source).luma_table == tuple(standard(60))
    assert from_pillow(source.resize((8, 8))).luma_table is None
