"""Reading pictures: all of Pillow's modes, orientations and profiles become upright 8-bit sRGB."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from helpers import gray, largest_difference, photo, png, png16, psnr, ramp, written
from PIL import Image, ImageCms

from lbic.errors import ImageError
from lbic.picture.load import Picture, from_pillow, load, with_alpha


@pytest.mark.parametrize(
    ("mode", "result"),
    [
        ("1", "L"),
        ("L", "L"),
        ("LA", "L"),
        ("La", "L"),
        ("PA", "RGB"),
        ("P", "RGB"),
        ("RGB", "RGB"),
        ("RGBA", "RGB"),
        ("RGBa", "RGB"),
        ("RGBX", "RGB"),
        ("CMYK", "RGB"),
        ("YCbCr", "RGB"),
        ("LAB", "RGB"),
        ("HSV", "RGB"),
    ],
)
def test_every_mode_becomes_gray_or_rgb_with_about_the_same_look(mode: str, result: str) -> None:
    source = photo(24, 17)
    if mode == "LAB":
        to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        made = ImageCms.applyTransform(source, to_lab)
        assert made is not None
    else:
        steps = {"La": ["LA", "La"], "PA": ["P", "PA"], "RGBa": ["RGBA", "RGBa"]}
        made = source
        for step in steps.get(mode, [mode]):
            made = made.convert(step)
    picture = from_pillow(made)
    assert picture.image.mode == result
    assert picture.image.size == source.size
    assert picture.alpha is None
    assert psnr(picture.image.convert("RGB"), source.convert("1" if mode == "1" else result).convert("RGB")) > 22
    notes = {"CMYK": ("CMYK converted to RGB",), "LAB": ("converted from Lab identity built-in to sRGB",)}
    assert picture.notes == notes.get(mode, ())


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I"])
def test_16_bit_gray_is_reduced_with_a_note(mode: str) -> None:
    levels = np.asarray(gray(9, 7))
    deep = Image.fromarray(levels.astype(np.uint16) * 257)
    assert deep.mode == "I;16"
    picture = from_pillow(deep if mode == "I;16" else deep.convert("I").convert(mode))
    assert np.array_equal(np.asarray(picture.image), levels)
    assert picture.notes == ("samples of more than 8 bits reduced to 8",)


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_float_gray_is_reduced_with_a_note(top: float) -> None:
    levels = np.asarray(gray(9, 7))
    picture = from_pillow(Image.fromarray((levels / 255 * top).astype(np.float32)))
    assert np.array_equal(np.asarray(picture.image), levels)
    assert picture.notes == (f"float samples, read as 0..{top:g}, reduced to 8 bits",)


def test_float_gray_may_hold_anything() -> None:
    strange = np.array([[np.nan, np.inf, -np.inf, -1, 0.5]], np.float32)
    assert np.asarray(from_pillow(Image.fromarray(strange)).image).tolist() == [[0, 255, 0, 0, 128]]
    overshot = np.array([[0, 0.5, 1.01]], np.float32)
    assert np.asarray(from_pillow(Image.fromarray(overshot)).image).tolist() == [[0, 128, 255]]
    assert np.asarray(from_pillow(Image.fromarray(strange[:, 3:])).image).tolist() == [[0, 128]]


def test_16_bit_colour_png_is_noted_though_pillow_says_nothing() -> None:
    picture = load(png16(5, 4))
    assert picture.notes == ("samples of more than 8 bits reduced to 8",)
    assert picture.image.getpixel((0, 0)) == (200, 200, 200)


def test_12_bit_gray_tiff_is_not_dark() -> None:
    samples = b"12345678"
    data = written(Image.frombytes("I;16", (4, 1), samples), "TIFF")
    bits = struct.Struct("<HHIHH").pack
    packed = bytes([0x00, 0x07, 0xFF, 0xFF, 0xF8, 0x00]).ljust(len(samples))
    for old, new in ((bits(258, 3, 1, 16, 0), bits(258, 3, 1, 12, 0)), (samples, packed)):
        assert data.count(old) == 1
        data = data.replace(old, new)
    picture = load(data)
    assert np.asarray(picture.image).tolist() == [[0, 127, 255, 128]]
    assert picture.notes == ("samples of more than 8 bits reduced to 8",)


def test_a_deep_tiff_whose_white_is_zero_is_no_negative() -> None:
    data = written(Image.fromarray(np.array([[0, 257, 65_535]], np.uint16)), "TIFF")
    tag = struct.Struct("<HHIHH").pack
    assert data.count(tag(262, 3, 1, 1, 0)) == 1
    picture = load(data.replace(tag(262, 3, 1, 1, 0), tag(262, 3, 1, 0, 0)))
    assert np.asarray(picture.image).tolist() == [[255, 254, 0]]


def test_five_bits_a_sample_are_not_called_more_than_eight() -> None:
    head = bytearray(written(photo(2, 1), "BMP")[:54])
    head[28] = 16
    data = bytes(head) + (0xFFFF).to_bytes(2, "little") * 2
    picture = load(data[:2] + len(data).to_bytes(4, "little") + data[6:])
    assert picture.notes == ()
    assert picture.image.getpixel((0, 0)) == (248, 248, 248) or picture.image.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("samples", [[-1, 0], [0, 65_536]])
def test_whole_numbers_that_are_no_16_bit_samples_are_refused(samples: list[int]) -> None:
    with pytest.raises(ImageError, match=r"lbic reads integers from 0 to 65535"):
        from_pillow(Image.fromarray(np.array([samples], np.int32)))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_clear_gray_level_is_one_of_the_files_bits(bits: int) -> None:
    row = bytes([(2**bits - 1) << (8 - bits)]) if bits < 8 else bytes([255, 0])
    picture = load(png(2, 1, bits, 0, row, clear=(2**bits - 1).to_bytes(2, "big")))
    assert picture.alpha is not None and picture.alpha.tolist() == [[0, 255]]
    assert np.asarray(picture.image).tolist() == [[255, 0]]


def test_a_clear_colour_of_16_bits_is_found_by_its_high_bytes() -> None:
    picture = load(png16(1, 1, clear=bytes([200, 99] * 3)))
    assert picture.alpha is not None and picture.alpha.tolist() == [[0]]
    assert load(png16(1, 1, clear=bytes([99, 200] * 3))).alpha is None
    loaded = Image.open(io.BytesIO(png16(1, 1, clear=bytes([200, 99] * 3))))
    loaded.load()
    assert from_pillow(loaded).alpha is not None
    assert loaded.info["transparency"] == (51_299, 51_299, 51_299), "a caller's image is left alone"


def test_16_bit_gray_png_is_noted_once_and_keeps_its_clear_level() -> None:
    deep = np.array([[0, 1000, 65535]], np.uint16)
    picture = load(written(Image.fromarray(deep), "PNG", transparency=1000))
    assert picture.notes == ("samples of more than 8 bits reduced to 8",)
    assert np.asarray(picture.image).tolist() == [[0, 4, 255]]
    assert picture.alpha is not None and picture.alpha.tolist() == [[255, 0, 255]]


@pytest.mark.parametrize("mode", ["LA", "RGBA", "La", "RGBa"])
def test_alpha_is_kept_apart_and_exactly(mode: str) -> None:
    base = gray(16, 9) if mode[0] == "L" else photo(16, 9)
    joined = with_alpha(base, ramp(16, 9))
    picture = from_pillow(joined.convert(mode) if mode != joined.mode else joined)
    assert picture.image.mode == base.mode
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, ramp(16, 9))
    if mode in ("LA", "RGBA"):
        assert largest_difference(picture.image, base) == 0
        assert picture.joined().mode == mode


def test_flattening_puts_a_picture_on_a_colour() -> None:
    alpha = np.array([[0, 128, 255]], np.uint8)
    flat = Picture(Image.new("RGB", (3, 1), (200, 100, 0)), alpha).flattened((0, 100, 250))
    assert flat.alpha is None and flat.notes == ("alpha flattened on #0064fa",)
    assert np.asarray(flat.image).tolist() == [[[0, 100, 250], [100, 100, 125], [200, 100, 0]]]
    opaque = Picture(photo(4, 3))
    assert opaque.flattened((1, 2, 3)) is opaque


def test_a_gray_picture_stays_gray_on_gray_and_takes_a_colour() -> None:
    clear = Picture(gray(4, 3), np.zeros((3, 4), np.uint8), icc=b"a gray profile")
    on_gray, on_colour = clear.flattened((9, 9, 9)), clear.flattened((9, 9, 8))
    assert (on_gray.image.mode, on_gray.image.getpixel((0, 0)), on_gray.icc) == ("L", 9, b"a gray profile")
    assert (on_colour.image.mode, on_colour.image.getpixel((0, 0)), on_colour.icc) == ("RGB", (9, 9, 8), None)
    assert on_colour.notes[-1] == "the ICC profile is for gray pictures and was ignored"


def test_opaque_alpha_is_dropped() -> None:
    assert from_pillow(photo(4, 3).convert("RGBA")).alpha is None


def test_palettes_with_a_clear_colour() -> None:
    palette = photo(16, 9).quantize(8)
    picture = load(written(palette, "PNG", transparency=3))
    assert picture.image.mode == "RGB"
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha == 0, np.asarray(palette) == 3)
    grades = load(written(palette, "PNG", transparency=bytes([0, 50, 255])))
    assert grades.alpha is not None and set(np.unique(grades.alpha)) <= {0, 50, 255}


@pytest.mark.parametrize(("mode", "clear"), [("L", 7), ("RGB", (1, 2, 3))])
def test_one_clear_colour_without_a_palette(mode: str, clear: int | tuple[int, ...]) -> None:
    base = Image.new(mode, (3, 2), 200)
    base.putpixel((1, 1), clear)
    picture = load(written(base, "PNG", transparency=clear))
    assert picture.image.mode == mode
    assert picture.alpha is not None
    assert np.argwhere(picture.alpha == 0).tolist() == [[1, 1]]
