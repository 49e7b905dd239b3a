"""Picture formats: those that lbic reads and writes, and the errors for all others."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from helpers import gray, largest_difference, photo, png16, profile, psnr, ramp, wide_profile, written
from PIL import Image, PngImagePlugin

from lbic.errors import ExitCode, ImageError, NoAlphaError, UsageError
from lbic.picture import save
from lbic.picture.load import FORMATS, Picture, load, with_alpha

MAKE = 0x010F


def camera() -> bytes:
    """Return an EXIF block like a camera's: a sub-directory, sizes of its own, an odd tag."""
    exif = Image.Exif()
    exif[MAKE] = "camera"
    exif[0x0100], exif[0x0106], exif[0x0112] = 4000, 6, 1
    exif.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    return exif.tobytes()


@pytest.mark.parametrize("suffix", [".tif", ".tiff"])
def test_a_tiff_takes_the_words_of_exif_and_keeps_its_own_structure(suffix: str) -> None:
    notes: list[str] = []
    image = photo(12, 8)
    back = Image.open(io.BytesIO(save.encode(image, suffix, exif=camera(), xmp=b"<x/>", notes=notes)))
    assert np.array_equal(np.asarray(back), np.asarray(image))
    assert back.getexif()[MAKE] == "camera"
    assert notes == ["only the text of exif was kept: .tif files have their own structure"]


@pytest.mark.parametrize("what", ["exif", "xmp"])
def test_metadata_too_long_for_a_jpeg_does_not_cost_the_picture(what: str) -> None:
    notes: list[str] = []
    for length, count in ((65_504, 0), (65_505, 1)):
        metadata = {what: b"Exif\0\0".ljust(length, b"x")}
        data = save.encode(photo(4, 3), ".jpg", notes=notes, **metadata)
        assert Image.open(io.BytesIO(data)).size == (4, 3)
        assert len(notes) == count
    assert notes == [f"{what} was left out: it has more than the 65,504 bytes that a JPEG file can store"]


def test_a_damaged_exif_block_does_not_cost_a_tiff() -> None:
    notes: list[str] = []
    data = save.encode(photo(4, 3), ".tif", exif=b"nonsense", xmp=b"<x/>", notes=notes)
    assert Image.open(io.BytesIO(data)).size == (4, 3)
    assert "the EXIF block is damaged and was left out" in notes[0]


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_several_frames_are_refused_by_name(name: str) -> None:
    frames = [photo(16, 16, seed) for seed in (1, 2, 3)]
    data = written(frames[0], name, save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match=rf"{name}.*3 (frames|pages); lbic compresses single pictures") as caught:
        load(data)
    assert caught.value.exit_code == ExitCode.DAMAGED


def test_the_first_picture_of_a_phones_mpo_is_the_photo() -> None:
    data = written(photo(32, 24), "MPO", save_all=True, append_images=[photo(16, 12)])
    assert load(data).image.size == (32, 24)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM", "GIF", "AVIF", "JPEG2000"])
def test_every_format_is_read_and_its_truncations_are_refused(name: str) -> None:
    assert name in FORMATS
    data = written(photo(40, 30), name)
    assert load(data).image.size == (40, 30)
    for length in (1, 10, len(data) // 2):
        with pytest.raises(ImageError) as caught:
            load(data[:length])
        assert caught.value.exit_code == ExitCode.DAMAGED


@pytest.mark.parametrize("data", [b"not a picture at all", b"#define x_width 1\n"])
def test_what_is_no_picture_says_what_is_read(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"not a picture that lbic reads \(PNG, JPEG"):
        load(data)


def test_an_empty_file_is_said_to_be_empty() -> None:
    with pytest.raises(ImageError, match="the file is empty"):
        load(b"")


def test_the_limit_on_pixels_is_lbics_own(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written(photo(20, 20), "PNG")
    with pytest.raises(ImageError, match="20x20, 400 pixels; the limit is 399"):
        load(data, max_pixels=399)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    assert load(data, max_pixels=400).image.size == (20, 20)
    assert Image.MAX_IMAGE_PIXELS == 50


def test_a_bomb_is_refused_before_its_pixels_are_allocated() -> None:
    width, height = 60_000, 60_000
    data = bytearray(png16(1, 1))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(ImageError, match=r"has more than 800,000,000 pixels; the limit is 400,000,000"):
        load(bytes(data))


def test_sides_beyond_the_format_are_refused() -> None:
    with pytest.raises(ImageError, match="65536x1; sides may be at most 65535"):
        load(written(Image.new("L", (65_536, 1)), "PNG"))


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".TIFF", ".bmp", ".ppm"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_lossless_formats_give_back_every_sample(suffix: str, mode: str) -> None:
    source = gray(13, 7) if mode == "L" else photo(13, 7)
    back = Image.open(io.BytesIO(save.encode(source, suffix)))
    assert largest_difference(back.convert(mode), source) == 0


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_lossless_formats_give_back_colour_under_clear_pixels(suffix: str, mode: str) -> None:
    source = with_alpha(gray(13, 7) if mode == "LA" else photo(13, 7), ramp(13, 7))
    back = Image.open(io.BytesIO(save.encode(source, suffix)))
    assert largest_difference(back.convert(mode), source) == 0


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG"])
def test_jpeg_is_near_lossless(suffix: str) -> None:
    back = Image.open(io.BytesIO(save.encode(photo(40, 30), suffix)))
    assert back.format == "JPEG"
    assert psnr(back, photo(40, 30)) > 35


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".ppm", ".bmp"])
def test_alpha_is_never_dropped_silently(suffix: str) -> None:
    with pytest.raises(NoAlphaError, match=rf"has alpha, which {suffix} files cannot store; .png, .webp and .tif can"):
        save.encode(photo(4, 3).convert("RGBA"), suffix)


@pytest.mark.parametrize("suffix", [".xyz", "", ".lbic"])
def test_an_unknown_suffix_lists_the_known(suffix: str) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*known: \.png"):
        save.encode(photo(4, 3), suffix)


def test_what_a_format_has_no_room_for_is_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"cannot be stored as a \.webp file: .*16383"):
        save.encode(Image.new("L", (16_384, 1)), ".webp")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_metadata_is_written(suffix: str) -> None:
    exif = Image.Exif()
    exif[MAKE] = "camera"
    data = save.encode(photo(8, 8), suffix, icc=profile("sRGB"), exif=exif.tobytes(), xmp=b"<x/>")
    with Image.open(io.BytesIO(data)) as back:
        assert back.info["icc_profile"] == profile("sRGB")
        assert back.getexif()[MAKE] == "camera"
        assert back.info["xmp"] == b"<x/>"


@pytest.mark.parametrize("suffix", [".bmp", ".ppm"])
def test_a_format_without_metadata_gets_srgb_and_says_what_it_lost(suffix: str) -> None:
    wide = load(written(photo(8, 8), "PNG", icc_profile=wide_profile()), keep_icc=True)
    notes: list[str] = []
    data = save.encode(wide.image, suffix, icc=wide.icc, exif=b"Exif", xmp=b"<x/>", notes=notes)
    converted = load(written(photo(8, 8), "PNG", icc_profile=wide_profile()))
    assert load(data).image.tobytes() == converted.image.tobytes() != wide.image.tobytes()
    left = [f"{what} was left out: {suffix} files have none" for what in ("exif", "xmp")]
    assert notes == [*converted.notes, *left]


def test_text_chunks_do_not_disturb() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "<x/>")
    assert load(written(photo(4, 4), "PNG", pnginfo=info)).xmp == b"<x/>"


def test_a_picture_joins_its_alpha() -> None:
    assert Picture(photo(4, 3)).joined().mode == "RGB"
    assert Picture(photo(4, 3), ramp(4, 3)).joined().mode == "RGBA"
    assert Picture(gray(4, 3), ramp(4, 3)).joined().mode == "LA"
