"""Pictures come out upright and in sRGB, and keep EXIF, XMP and profiles where asked."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import gray, largest_difference, photo, profile, psnr, wide_profile, written
from PIL import Image, PngImagePlugin

from lbic.picture.load import from_pillow, load

ORIENTATION = 0x0112
MAKE = 0x010F


def test_gray_palettes_become_gray() -> None:
    assert from_pillow(gray(8, 8).quantize(16)).image.mode == "L"
    assert load(written(gray(8, 8), "GIF")).image.mode == "L"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_and_taken_out_of_exif(orientation: int, name: str) -> None:
    upright = Image.new("RGB", (32, 16), "white")
    upright.paste((255, 0, 0), (0, 0, 16, 8))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MAKE] = "camera"
    picture = load(written(stored, name, exif=exif))
    assert psnr(picture.image, upright) > 25
    if name != "TIFF":  # its tags are the file's structure, not an EXIF block
        assert picture.exif is not None
        kept = Image.Exif()
        kept.load(picture.exif)
        assert (kept.get(ORIENTATION), kept.get(MAKE)) == (None, "camera")


@pytest.mark.parametrize("form", [b'<x tiff:Orientation="6" y="1"/>', b"<x><tiff:Orientation>6</tiff:Orientation></x>"])
def test_kept_xmp_turns_no_picture_that_is_upright(form: bytes) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 1
    picture = load(written(photo(8, 4), "JPEG", exif=exif, xmp=form))
    assert picture.image.size == (8, 4), "the EXIF block goes first"
    assert picture.xmp in (b'<x y="1"/>', b"<x></x>")


def test_what_turns_no_picture_is_left_in_the_xmp() -> None:
    image = photo(8, 4)
    image.info |= {"exif": b"Exif\0\0nonsense", "xmp": b'<x tiff:Orientation="6"/>'}
    picture = from_pillow(image)
    assert picture.image.size == (8, 4)
    assert picture.xmp == image.info["xmp"]


def test_one_bad_tag_costs_the_exif_block_and_not_the_orientation() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[MAKE] = "camera"
    block = exif.tobytes()
    maker, resolution = b"\x01\x0f\x00\x02", b"\x01\x1a\x00\x02"
    assert block.count(maker) == 1
    image = photo(8, 4)
    image.info["exif"] = block.replace(maker, resolution)  # the tag's value is a number
    picture = from_pillow(image)
    assert picture.image.size == (4, 8)
    assert picture.exif is None
    assert "the EXIF block is damaged and was left out" in picture.notes[0]


def test_exif_in_a_png_text_chunk_is_kept() -> None:
    exif = Image.Exif()
    exif[MAKE] = "camera"
    block = exif.tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    picture = load(written(photo(8, 4), "PNG", pnginfo=text))
    assert picture.exif is not None and b"camera" in picture.exif


def test_kept_xmp_has_no_orientation_left() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="3" dc:x="y"/></x:xmpmeta>'
    picture = load(written(photo(8, 8), "JPEG", exif=exif, xmp=xmp))
    assert picture.xmp is not None
    assert b"dc:x" in picture.xmp and b"Orientation" not in picture.xmp


@pytest.mark.parametrize("block", [b"Exif\0\0" + b"II*\0\xff\xff\xff\x7f", b"Exif\0\0", b"Exif\0\0garbage", b"MM\0*"])
def test_a_damaged_exif_block_never_costs_the_picture(block: bytes) -> None:
    picture = load(written(photo(8, 8), "PNG", exif=block))
    assert picture.image.size == (8, 8)
    assert picture.exif is None or picture.notes == ()


def test_srgb_pictures_stay_as_they_are() -> None:
    source = photo(16, 9)
    picture = load(written(source, "PNG", icc_profile=profile("sRGB")))
    assert largest_difference(picture.image, source) <= 1
    assert picture.icc is None and picture.notes == ()


def test_another_profile_is_converted_to_srgb_with_a_note() -> None:
    source = Image.new("RGB", (4, 4), (250, 20, 20))
    data = wide_profile().replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))
    picture = load(written(source, "PNG", icc_profile=data))
    red, green, _ = np.asarray(picture.image)[0, 0]
    assert green > red  # the profile swaps them
    assert picture.icc is None
    assert len(picture.notes) == 1 and picture.notes[0].startswith("converted from Swap")


def test_a_profiles_name_says_nothing_to_a_terminal() -> None:
    data = wide_profile().replace("sRGB".encode("utf-16-be"), "\x1b[2J".encode("utf-16-be"))
    picture = load(written(photo(16, 9), "PNG", icc_profile=data))
    assert picture.notes[0].startswith("converted from [2J")
    assert picture.notes[0].isprintable()


def test_a_kept_profile_leaves_the_samples_alone() -> None:
    source = photo(16, 9)
    picture = load(written(source, "PNG", icc_profile=wide_profile()), keep_icc=True)
    assert picture.icc == wide_profile()
    assert largest_difference(picture.image, source) == 0


def test_a_profile_of_other_samples_is_never_kept() -> None:
    lab = load(written(photo(8, 8), "PNG", icc_profile=profile("LAB")), keep_icc=True)
    assert lab.icc is None
    assert lab.notes and "was ignored" in lab.notes[0]
    in_colour_file = load(written(gray(8, 8), "JPEG", icc_profile=profile("sRGB")), keep_icc=True)
    assert (in_colour_file.icc, in_colour_file.notes, in_colour_file.image.mode) == (None, (), "L")
    cmyk = from_pillow(cmyk_with_rgb_profile(), keep_icc=True)
    assert cmyk.icc is None and cmyk.image.mode == "RGB"


def cmyk_with_rgb_profile() -> Image.Image:
    made = photo(8, 8).convert("CMYK")
    made.info["icc_profile"] = profile("sRGB")
    return made


def linear_gray_profile() -> bytes:
    """Return the smallest valid gray profile: a white point and a linear curve."""
    tags = {
        b"wtpt": b"XYZ " + bytes(4) + bytes.fromhex("0000F6D6 00010000 0000D32D"),
        b"kTRC": b"curv" + bytes(8),
    }
    table, body = len(tags).to_bytes(4, "big"), b""
    for name, tag in tags.items():
        table += name + (128 + 4 + 12 * len(tags) + len(body)).to_bytes(4, "big") + len(tag).to_bytes(4, "big")
        body += tag
    head = bytearray(128)
    head[:4] = (128 + len(table) + len(body)).to_bytes(4, "big")
    head[8:24] = bytes.fromhex("02400000") + b"mntrGRAYXYZ "
    head[36:40] = b"acsp"
    head[68:80] = bytes.fromhex("0000F6D6 00010000 0000D32D")
    return bytes(head) + table + body


def test_gray_profiles_are_converted_to_srgbs_curve() -> None:
    data = written(Image.new("L", (2, 2), 128), "PNG", icc_profile=linear_gray_profile())
    picture = load(data)
    assert picture.image.mode == "L"
    # 255 * (1.055 * (128/255) ** (1/2.4) - .055)
    assert picture.image.getpixel((0, 0)) == pytest.approx(188, abs=1)
    assert picture.icc is None and len(picture.notes) == 1
    kept = load(data, keep_icc=True)
    assert kept.icc == linear_gray_profile() and kept.image.getpixel((0, 0)) == 128


@pytest.mark.parametrize("keep", [False, True])
def test_a_broken_profile_is_a_note(keep: bool) -> None:
    source = photo(8, 8)
    picture = load(written(source, "PNG", icc_profile=b"not a profile" * 20), keep_icc=keep)
    assert largest_difference(picture.image, source) == 0
    assert picture.icc is None
    assert len(picture.notes) == 1 and "cannot be used and was ignored" in picture.notes[0]
