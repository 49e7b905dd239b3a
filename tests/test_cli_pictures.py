"""lbic compress: unusual pictures work, and notes name what is lost (docs/pictures.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_helpers import SIZE, header, lbic, records, save
from helpers import gray, photo, png16, ramp
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from lbic import pipeline
from lbic.enhance.types import NONE
from lbic.errors import ExitCode
from lbic.format import container
from lbic.picture.load import load, with_alpha
from lbic.pipeline import DecompressSettings

JPEG = ("compress", "--codec", "jpeg")


def decoded(path: Path) -> Image.Image:
    """Return the codec's picture, without enhancement."""
    return pipeline.decompress(path.read_bytes(), DecompressSettings(NONE)).image


def noted(tmp_path: Path, source: Path, note: str | None, *options: object) -> Image.Image:
    """Compress, find the note on stderr and in the JSON object, return the decoded picture."""
    result = lbic(*JPEG, "-q", 90, *options, source)
    assert ("lbic: note: " in result.stderr) == (note is not None), result.stderr
    assert note is None or f"lbic: note: {source}: {note}" in result.stderr
    (record,) = records(lbic(*JPEG, "--json", "-f", "-q", 90, *options, source))
    assert note is None or any(text.startswith(note) for text in record["notes"])
    return decoded(tmp_path / "a.lbic")


def test_16_bit_gray(tmp_path: Path) -> None:
    levels = np.linspace(0, 65535, SIZE[0] * SIZE[1]).reshape(SIZE[::-1]).astype(np.uint16)
    source = save(tmp_path / "a.png", Image.fromarray(levels))
    result = noted(tmp_path, source, "samples of more than 8 bits reduced to 8")
    assert result.mode == "L"
    assert np.abs(np.asarray(result, int) - levels // 257).max() < 12


@pytest.mark.parametrize("suffix", [".png", ".ppm"])
def test_16_bit_rgb(tmp_path: Path, suffix: str) -> None:
    levels = np.asarray(photo(*SIZE), np.uint16) * 257
    source = tmp_path / f"a{suffix}"
    source.write_bytes(png16(*SIZE) if suffix == ".png" else ppm16(levels))
    assert noted(tmp_path, source, "samples of more than 8 bits reduced to 8").mode == "RGB"


def ppm16(levels: NDArray[np.uint16]) -> bytes:
    return b"P6 %d %d 65535\n" % SIZE + levels.astype(">u2").tobytes()


def test_cmyk(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", photo(*SIZE).convert("CMYK"))
    assert noted(tmp_path, source, "CMYK converted to RGB").mode == "RGB"


def test_alpha_is_kept_without_loss(tmp_path: Path) -> None:
    alpha = ramp(*SIZE)
    result = noted(tmp_path, save(tmp_path / "a.png", with_alpha(photo(*SIZE), alpha)), None)
    assert result.mode == "RGBA"
    assert np.array_equal(np.asarray(result.getchannel("A")), alpha)


def test_gray_stays_gray(tmp_path: Path) -> None:
    assert noted(tmp_path, save(tmp_path / "a.png", gray(*SIZE)), None).mode == "L"


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = save(tmp_path / "a.jpg", photo(*SIZE), exif=exif, quality=95)
    assert noted(tmp_path, source, None).size == SIZE[::-1]


def test_icc_profiles_are_converted_or_kept(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    source = save(tmp_path / "a.png", icc_profile=profile)
    noted(tmp_path, source, "the ICC profile cannot be used and was ignored")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = save(tmp_path / "a.png", icc_profile=srgb)
    noted(tmp_path, source, None, "-f")
    assert container.ICC not in header(tmp_path / "a.lbic").metadata
    noted(tmp_path, source, None, "-f", "--keep", "icc")
    assert pipeline.decompress((tmp_path / "a.lbic").read_bytes()).icc == srgb


def test_flatten_is_the_only_way_to_lose_alpha(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png", with_alpha(photo(*SIZE), ramp(*SIZE)))
    for options, stored in (
        ((), {container.ALPHA}),
        (("--flatten", "white"), set()),
        (("--flatten", "#102030"), set()),
    ):
        result = lbic(*JPEG, "-f", *options, source)
        assert set(header(tmp_path / "a.lbic").metadata) == stored
        assert ("note: " in result.stderr) == bool(options)


@pytest.mark.parametrize("colour", ["no colour", "#12", "#10203040", "1,2,3"])
def test_a_background_is_an_opaque_colour(tmp_path: Path, colour: str) -> None:
    result = lbic(*JPEG, "--flatten", colour, save(tmp_path / "a.png"), code=ExitCode.USAGE)
    assert "such as white or #102030" in result.stderr or "is not opaque" in result.stderr


def test_keep_stores_only_what_is_asked_for(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    xmp = PngImagePlugin.PngInfo()
    xmp.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    source = save(tmp_path / "a.png", exif=exif, pnginfo=xmp)
    for keep, stored in (("", set()), ("exif", {container.EXIF}), ("exif,xmp", {container.EXIF, container.XMP})):
        lbic(*JPEG, "-f", "--keep", keep, source)
        assert set(header(tmp_path / "a.lbic").metadata) == stored


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp", ".ppm", ".gif", ".avif", ".jp2"])
def test_formats_that_are_read(tmp_path: Path, suffix: str) -> None:
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    lbic(*JPEG, save(tmp_path / f"a{suffix}", **options))
    assert load((tmp_path / f"a{suffix}").read_bytes()).image.size == SIZE
    assert header(tmp_path / "a.lbic").width == SIZE[0]
