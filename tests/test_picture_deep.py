"""Pictures deeper than 8 bits: colours and transparency are dealt with before bits are dropped."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, Literal

import formulas
import numpy as np
import pytest
from filemaker import LINEAR, icc, para, tiff
from helpers import png16, png_of, profile, wide_profile, written
from numpy.typing import NDArray
from PIL import Image
from test_picture_stated import jp2
from test_pictures import FILES

from lbic.errors import ImageError
from lbic.picture import boxes, deep, depth, ffmpeg
from lbic.picture.icc import deep_space
from lbic.picture.load import from_pillow, load

REDUCED = "samples of more than 8 bits reduced to 8"
RNG = np.random.default_rng(5)
RAMP = np.repeat(np.arange(0, 64 * 200, 200).astype(np.uint16)[None, :, None], 3, axis=2)
"""64 dark levels of 16 bits: all but a few are apart in 8 bits of sRGB if they are linear."""


def levels(samples: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return 16-bit samples rounded to 8 bits."""
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


# --- profiles ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "TIFF", "gray"])
def test_a_linear_ramp_keeps_its_dark_levels(form: str) -> None:
    if form == "gray":
        image = Image.fromarray(RAMP[..., 0])
        picture = load(written(image, "PNG", icc_profile=icc(LINEAR, space=b"GRAY")))
    elif form == "TIFF":
        picture = load(tiff(RAMP, profile=icc(LINEAR)))
    else:
        compressed = written(Image.new("RGB", (1, 1)), "PNG", icc_profile=icc(LINEAR))
        start = compressed.index(b"iCCP") - 4
        chunk = compressed[start : start + 12 + int.from_bytes(compressed[start : start + 4], "big")]
        data = png_of(RAMP)
        picture = load(data[:33] + chunk + data[33:])
    assert picture.notes == (REDUCED, "converted from A profile to sRGB")
    expected = [formulas.srgb_level(v / 65_535) for v in RAMP[0, :, 0]]
    row = np.asarray(picture.image.convert("L"), int)[0]
    assert np.abs(row - expected).max() <= 1
    assert len(set(row)) >= 60


@pytest.mark.parametrize(
    ("curve", "function"),
    [
        (LINEAR, lambda v: v),
        (b"curv" + bytes(4) + struct.pack(">IH", 1, round(1.8 * 256)), lambda v: v ** (461 / 256)),
        (b"curv" + bytes(4) + struct.pack(">I3H", 3, 0, 16_384, 65_535), lambda v: v / 2 if v < 0.5 else 1.5 * v - 0.5),
        (para(0, 2.0), lambda v: v**2),
        (para(1, 2.0, 1.25, -0.25), lambda v: max(1.25 * v - 0.25, 0) ** 2),
        (para(2, 2.0, 0.75, 0.0, 0.25), lambda v: (0.75 * v) ** 2 + 0.25),
        (para(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), formulas.srgb_decoded),
        (para(4, 2.0, 0.5, 0.5, 0.25, 0.5, 0.0, 0.125), lambda v: (0.5 * v + 0.5) ** 2 if v >= 0.5 else v / 4 + 0.125),
    ],
)
def test_every_kind_of_curve_in_a_profile(curve: bytes, function: Any) -> None:
    """The same pixels as by the definitions of ICC.1, 10.6 and 10.18."""
    values = np.linspace(0, 65_535, 40).astype(np.uint16)
    picture = load(tiff(np.stack([values] * 3, axis=-1)[None], profile=icc(curve)))
    expected = [formulas.srgb_level(function(float(v) / 65_535)) for v in values]
    assert np.abs(np.asarray(picture.image, int)[0, :, 1] - expected).max() <= 1


def test_deep_and_shallow_conversions_agree() -> None:
    """LittleCMS converts the same picture in 8 bits to the same colours."""
    samples = RNG.integers(0, 256, (5, 40, 3), np.uint8)
    deep = load(tiff(samples.astype(np.uint16) * 257, profile=wide_profile()))
    shallow = load(written(Image.fromarray(samples), "PNG", icc_profile=wide_profile()))
    assert np.abs(np.asarray(deep.image, int) - np.asarray(shallow.image, int)).max() <= 1


def test_a_kept_profile_is_not_applied() -> None:
    samples = RNG.integers(0, 65_536, (4, 5, 3), np.uint16)
    picture = load(tiff(samples, profile=icc(LINEAR)), keep_icc=True)
    assert picture.icc == icc(LINEAR) and picture.notes == (REDUCED,)
    assert np.array_equal(np.asarray(picture.image), levels(samples))


@pytest.mark.parametrize("tag", [b"rTRC", b"rXYZ"])
def test_profiles_that_only_littlecms_can_apply(tag: bytes) -> None:
    assert deep_space(icc(LINEAR).replace(tag, b"xxxx"), []) is None
    assert deep_space(icc(LINEAR).replace(b"wtpt", b"A2B0"), []) is None
    assert deep_space(profile("LAB"), []) is None
    assert deep_space(icc(b"curv" + bytes(4) + b"\xff" * 4), []) is None
    with_tables = load(tiff(RAMP, profile=icc(LINEAR).replace(b"wtpt", b"A2B0")))
    assert with_tables.notes[0] == REDUCED and len(with_tables.notes) == 2


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_a_profile_for_high_dynamic_range_is_tone_mapped(transfer: int, name: str) -> None:
    """Such a profile has code points in a tag of its own, and tables for a brighter display."""
    marked = icc(b"cicp" + bytes(4) + bytes([9, transfer, 0, 1])).replace(b"rTRC", b"cicp", 1)
    data = tiff(RAMP * 5, profile=marked)
    plain = png_of(RAMP * 5, [(b"cICP", bytes([9, transfer, 0, 1]))])
    for keep in (False, True):
        picture = load(data, keep_icc=keep)
        assert picture.notes == (REDUCED, f"tone-mapped from BT.2020 {name} to sRGB (BT.2408)")
        assert picture.icc is None
        assert picture.image.tobytes() == load(plain).image.tobytes()
    eight = Image.new("RGB", (4, 4), (150, 100, 50))
    eight.info["icc_profile"] = marked
    assert from_pillow(eight).notes == (f"tone-mapped from BT.2020 {name} to sRGB (BT.2408)",)
    assert eight.info["icc_profile"] == marked, "a caller's image is left alone"


def test_a_gray_picture_with_a_colour_profile() -> None:
    data = written(Image.fromarray(RAMP[..., 0]), "PNG", icc_profile=icc(LINEAR))
    assert load(data).image.mode == "L"
    assert np.array_equal(np.asarray(load(data).image), np.asarray(load(tiff(RAMP, profile=icc(LINEAR))).image)[..., 0])


# --- samples and transparency --------------------------------------------------------------------


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bits_of_a_png_are_rounded(channels: int) -> None:
    samples = RNG.integers(0, 65_536, (6, 7, channels), np.uint16)
    picture = load(png_of(samples))
    joined = np.asarray(picture.joined())
    assert joined.shape == samples.shape and picture.notes == (REDUCED,)
    assert np.array_equal(joined, levels(samples))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("extra", [None, 0, 1, 2])
def test_16_bits_of_a_tiff_are_rounded(order: Literal["<", ">"], extra: int | None) -> None:
    samples = RNG.integers(0, 65_536, (6, 7, 3 if extra is None else 4), np.uint16)
    stored = samples.copy()
    if extra == 1:  # alpha is multiplied with the colour
        stored[..., :3] = np.rint(samples[..., :3] * (samples[..., 3:] / 65_535))
    picture = load(tiff(stored, order, extra))
    assert picture.notes == (REDUCED,)
    joined, expected = np.asarray(picture.joined(), int), levels(samples).astype(int)
    assert joined.shape[-1] == (4 if extra else 3)
    thick = expected[..., -1] > 100 if extra == 1 else np.ones((6, 7), bool)
    assert np.abs(joined - expected[..., : joined.shape[-1]])[thick].max() <= (1 if extra == 1 else 0)


def test_a_compressed_tiff_of_16_bits() -> None:
    image = Image.open(io.BytesIO(tiff(RAMP * 30)))
    assert image.mode == "RGB"
    data = (FILES / "png-16bit-rgb-trns.png").read_bytes()
    assert load(data).notes == (REDUCED,)


def test_a_clear_colour_is_compared_in_all_16_bits() -> None:
    samples = np.full((1, 3, 3), 0x7701, np.uint16)
    samples[0, 1] = 0x7702
    samples[0, 2, 2] = 0x7801
    picture = load(png_of(samples, [(b"tRNS", b"\x77\x01" * 3)]))
    assert picture.alpha is not None and picture.alpha.tolist() == [[0, 255, 255]]
    assert load(png16(2, 2, clear=bytes([200, 98] * 3))).alpha is None
    other = load((FILES / "png-16bit-rgb-trns.png").read_bytes()).alpha
    assert other is not None and (other == [0] * 8 + [255] * 8).all(), "0x7701 left, 0x7702 right"


def test_an_interlaced_png_of_16_bits() -> None:
    samples = RNG.integers(0, 65_536, (11, 13, 3), np.uint16)
    rows = b""
    for top, left, down, right in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2)):
        rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples[top::down, left::right])
    for top, left, down, right in ((0, 1, 2, 2), (1, 0, 2, 1)):
        rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples[top::down, left::right])
    data = png_of(samples)
    start, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    head = b"IHDR" + data[16:28] + b"\1"  # Adam7
    image_data = b"IDAT" + zlib.compress(rows)
    chunks = [
        len(part[4:]).to_bytes(4, "big") + part + zlib.crc32(part).to_bytes(4, "big") for part in (head, image_data)
    ]
    assert start == 33
    picture = load(data[:8] + b"".join(chunks) + data[end:])
    assert np.array_equal(np.asarray(picture.image), levels(samples))


def test_deep_pictures_with_alpha_come_from_pillow() -> None:
    data = (FILES / "avif-nclx-pq-10bit.avif").read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        assert deep.read(image, data, needed=True) is not None
        assert deep.read(image, data, needed=False) is None
        image._mode = "RGBA"
        assert deep.read(image, data, needed=True) is None


def test_orientation_of_a_deep_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    samples = RNG.integers(0, 65_536, (3, 5, 3), np.uint16)
    data = png_of(samples, [(b"eXIf", exif.tobytes()[6:])])
    assert np.array_equal(np.asarray(load(data).image), np.rot90(levels(samples), -1))


def test_a_jpeg_2000_file_of_16_bits_is_converted_in_16_bits() -> None:
    data = (FILES / "16-bit.jp2").read_bytes()
    deep = ffmpeg.jpeg2000(data)
    assert deep is not None and deep.samples.shape == (16, 16, 3)
    assert deep.samples[0, 0].tolist() == [50_888, 25_700, 10_021]
    assert ffmpeg.jpeg2000(jp2(b"\1\0\0\0\0\0\x10")) is None, "8 bits are Pillow's"
    assert ffmpeg.jpeg2000(data[:200]) is None


def test_an_avif_is_the_same_by_ffmpeg_and_by_pillow() -> None:
    data = (FILES / "avif-nclx-pq-10bit.avif").read_bytes()
    deep = ffmpeg.avif(data)
    assert deep is not None
    with Image.open(io.BytesIO(data)) as image:
        difference = levels(deep.samples).astype(int) - np.asarray(image, int)
    assert np.abs(difference).max() <= 3 and np.abs(difference).mean() < 1, "libavif's 8 bits are rounded twice"
    assert ffmpeg.avif(data[:-40]) is None or ffmpeg.avif(b"") is None
    item = boxes.primary_item(data)
    assert item is not None and item in data
    assert ffmpeg.avif(data.replace(item[:30], bytes(30))) is None, "a damaged stream is left to Pillow"


# --- floats --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("highest", "top"), [(0.02, 1), (1, 1), (1.9, 1), (150, 255), (255, 255), (40_000, 65_535), (65_535, 65_535)]
)
def test_white_of_float_samples(highest: float, top: float) -> None:
    assert depth.float_top(highest) == top
    picture = from_pillow(Image.fromarray(np.array([[0, highest / 2, highest]], np.float32)))
    assert picture.notes == (f"float samples, read as 0..{top:g}, reduced to 8 bits",)
    assert picture.image.getpixel((2, 0)) == min(round(255 * highest / top), 255)


@pytest.mark.parametrize("highest", [2.5, 17.3, 90, 1000, 1e6])
def test_floats_of_high_dynamic_range_are_refused(highest: float) -> None:
    sentence = rf"the float samples reach {highest:.4g}; lbic reads 0 to 1, 0 to 255 and 0 to 65535".replace("+", r"\+")
    with pytest.raises(ImageError, match=sentence):
        load(written(Image.fromarray(np.array([[0, 1, highest]], np.float32)), "TIFF"))


def test_a_linear_profile_on_float_samples() -> None:
    values = np.linspace(0, 1, 30, dtype=np.float32)[None]
    data = written(Image.fromarray(values), "TIFF", icc_profile=icc(LINEAR, space=b"GRAY"))
    expected = [formulas.srgb_level(float(v)) for v in values[0]]
    assert np.abs(np.asarray(load(data).image, int)[0] - expected).max() <= 1
