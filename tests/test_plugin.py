"""The Pillow plugin: Pillow opens and saves .lbic files after ``import lbic``."""

from __future__ import annotations

import copy
import io
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import gray, photo, psnr, ramp, wide_profile, written
from PIL import Image, UnidentifiedImageError

import lbic
from lbic import pipeline
from lbic.enhance.types import NONE
from lbic.format import container
from lbic.picture.load import load, with_alpha

MAKE = 0x010F

pytestmark = pytest.mark.usefixtures("write_models")  # an empty catalog


def file_of(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "LBIC", codec="jpeg", **{"q": 80, "type": 0} | options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["LBIC"])


def test_saving_is_compressing() -> None:
    assert file_of(photo(20, 12), q=33, scale=2, type="ar") == lbic.compress(
        photo(20, 12), codec="jpeg", q=33, scale=2, type="ar"
    )


def test_saving_takes_a_target_and_a_goal() -> None:
    options: dict[str, Any] = {"codec": "jpeg", "target_size": 500, "goal": "perceptual", "effort": 0}
    out = io.BytesIO()
    photo(60, 50).save(out, "LBIC", **options)
    assert 400 < len(out.getvalue()) <= 500
    assert out.getvalue() == lbic.compress(photo(60, 50), **options)


def test_the_suffix_chooses_the_format(tmp_path: Path) -> None:
    path = tmp_path / "a.lbic"
    photo(20, 12).save(path, codec="jpeg", q=80, type=0)
    with Image.open(path) as image:
        assert (image.format, image.size, image.mode) == ("LBIC", (20, 12), "RGB")
        assert psnr(image.convert("RGB"), photo(20, 12)) > 24
        assert Image.MIME["LBIC"] == "image/x-lbic"


@pytest.mark.parametrize(
    "source",
    [photo(9, 7), gray(9, 7), with_alpha(photo(9, 7), ramp(9, 7)), with_alpha(gray(9, 7), ramp(9, 7))],
    ids=lambda image: str(image.mode),
)
def test_opening_reads_the_header_only(source: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_of(source)
    with monkeypatch.context() as patch:
        patch.setattr("lbic.codecs.jpeg.JpegCodec.decode", None)
        patch.setattr("lbic.pipeline.decompress", None)
        image = opened(data)
        assert (image.size, image.mode) == ((9, 7), source.mode)
        assert image.info == {"codec": "jpeg", "quality": 80, "scale": 1.0, "type": 0}
    assert np.array_equal(np.asarray(image), np.asarray(lbic.decompress(data)))


@pytest.mark.parametrize("loaded", [False, True])
def test_copies_of_every_kind_are_pictures_of_their_own(loaded: bool) -> None:
    data = file_of(photo(20, 12))
    image = opened(data)
    if loaded:
        image.load()
    for other in (pickle.loads(pickle.dumps(image)), copy.copy(image), copy.deepcopy(image)):
        assert np.array_equal(np.asarray(other), np.asarray(lbic.decompress(data)))


def test_damaged_metadata_is_told_when_the_picture_is_decoded() -> None:
    data = file_of(photo(8, 8))
    header, payload = container.unpack(data)
    image = opened(container.pack(replace(header, metadata={container.EXIF: b"not deflated"}), payload))
    assert (image.size, "exif" in image.info) == ((8, 8), False)
    with pytest.raises(OSError, match="metadata item exif is damaged"):
        image.load()


def test_exif_is_there_before_the_picture_is_decoded() -> None:
    exif = Image.Exif()
    exif[MAKE] = "camera"
    source = load(written(photo(8, 8), "JPEG", exif=exif))
    data = pipeline.compress(source, pipeline.CompressSettings("jpeg", keep=frozenset({"exif"}))).data
    image = opened(data)
    assert image.getexif()[MAKE] == "camera"
    image.load()
    assert image.getexif()[MAKE] == "camera"


def test_the_picture_behaves_like_any_other() -> None:
    data = file_of(photo(20, 12))
    image = opened(data)
    image.seek(0)
    assert image.tell() == 0
    with pytest.raises(EOFError):
        image.seek(1)
    assert image.resize((5, 4)).size == (5, 4)
    image.load()
    image.load()
    assert image.copy().getpixel((0, 0)) == image.getpixel((0, 0))
    assert opened(data) == opened(data)
    assert pickle.loads(pickle.dumps(opened(data))).size == (20, 12)
    opened(data).verify()


def test_files_are_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.lbic"
    path.write_bytes(file_of(photo(9, 7)))
    image = Image.open(path)
    image.load()
    path.unlink()  # a ResourceWarning would fail the test


def test_metadata_that_were_kept_come_along() -> None:
    exif = Image.Exif()
    exif[0x010F] = "camera"
    source = load(written(photo(9, 7), "PNG", icc_profile=wide_profile(), exif=exif), keep_icc=True)
    data = pipeline.compress(source, pipeline.CompressSettings("jpeg", type=NONE, keep=frozenset({"icc", "exif"}))).data
    for image in (lbic.decompress(data), opened(data)):
        with load_as_png(image) as back:
            assert back.info["icc_profile"] == wide_profile()
        assert image.getexif()[0x010F] == "camera"


def load_as_png(image: Image.Image) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "PNG")
    return Image.open(out)


@pytest.mark.parametrize("length", [0, 4, 10, 15])
def test_a_truncated_header_is_not_identified(length: int) -> None:
    with pytest.raises(UnidentifiedImageError):
        opened(file_of(photo(9, 7))[:length])


@pytest.mark.parametrize("cut", [1, 100, 300])
def test_a_truncated_stream_is_an_os_error(cut: int) -> None:
    image = opened(file_of(photo(80, 70))[:-cut])
    with pytest.raises(OSError, match="checksum mismatch"):
        image.load()


def test_a_bomb_is_stopped_by_pillows_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_of(photo(30, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(Image.DecompressionBombError):
        opened(data)


def test_options_that_make_no_sense_are_os_errors_and_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.lbic"
    with pytest.raises(OSError, match=r"quality 99 is not in jpeg's range"):
        photo(9, 7).save(path, codec="jpeg", q=99)
    assert not path.exists()


def test_pillows_quality_is_the_codecs_own() -> None:
    plain = lbic.compress(photo(20, 12), codec="jpeg", q=90, type=0)
    out = io.BytesIO()
    photo(20, 12).save(out, "LBIC", codec="jpeg", quality=90, type=0)
    assert out.getvalue() == plain
    with pytest.raises(OSError, match=r"quality 90 is not in vvc's range 0\.\.63 \(lower is better\)"):
        photo(20, 12).save(io.BytesIO(), "LBIC", quality=90)
    with pytest.raises(OSError, match="quality and q are one setting; both are given"):
        file_of(photo(20, 12), quality=90)
    with pytest.raises(OSError, match="quality 'keep' is not a whole number"):
        photo(20, 12).save(io.BytesIO(), "LBIC", codec="jpeg", quality="keep")


def test_metadata_that_the_caller_gives_are_stored() -> None:
    exif = Image.Exif()
    exif[MAKE] = "camera"
    options: list[dict[str, Any]] = [{"exif": exif}, {"exif": exif.tobytes()}]
    for option in options:
        data = file_of(photo(8, 8), icc_profile=wide_profile(), xmp=b"<x/>", **option)
        assert set(lbic.info(data).metadata) == {container.EXIF, container.ICC, container.XMP}
        image = opened(data)
        assert image.getexif()[MAKE] == "camera"
        assert (image.info["icc_profile"], image.info["xmp"]) == (wide_profile(), b"<x/>")
    plain = lbic.compress(photo(8, 8), codec="jpeg", q=80, type=0)
    header, payload = container.unpack(data)
    assert container.pack(replace(header, metadata={}), payload) == plain, "the samples are as they were"


def test_metadata_of_the_image_are_stored_only_when_the_caller_gives_them() -> None:
    exif = Image.Exif()
    exif[MAKE] = "camera"
    source = Image.open(io.BytesIO(written(photo(8, 8), "JPEG", exif=exif, icc_profile=wide_profile())))
    assert lbic.info(file_of(source)).metadata == {}
    assert lbic.info(file_of(source, exif=None, icc_profile=None)).metadata == {}
    assert set(lbic.info(file_of(source, exif=source.info["exif"])).metadata) == {container.EXIF}


def test_the_orientation_of_the_given_exif_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[MAKE] = 6, "camera"
    image = opened(file_of(photo(20, 12), exif=exif))
    assert image.size == (12, 20)
    assert dict(image.getexif()) == {MAKE: "camera"}
    turned = photo(20, 12).transpose(Image.Transpose.ROTATE_270)
    assert np.array_equal(
        np.asarray(image), np.asarray(lbic.decompress(lbic.compress(turned, codec="jpeg", q=80, type=0)))
    )


def test_the_tags_of_a_tiff_still_say_what_its_samples_mean() -> None:
    levels = np.linspace(0, 4095, 64, dtype=np.uint16).reshape(8, 8)
    source = Image.fromarray(levels)
    setattr(source, "format", "TIFF")  # noqa: B010
    setattr(source, "tag_v2", {0x0102: (12,)})  # noqa: B010
    exif = Image.Exif()
    exif[MAKE] = "camera"
    plain, described = (opened(data) for data in (file_of(source), file_of(source, exif=exif)))
    assert np.array_equal(np.asarray(plain), np.asarray(described))
    assert np.asarray(plain).max() > 240


@pytest.mark.parametrize(
    ("options", "because"),
    [
        ({"exif": "camera"}, r"exif is a str; it takes bytes or a PIL\.Image\.Exif"),
        ({"icc_profile": "sRGB"}, "icc_profile is a str; it takes bytes"),
        ({"xmp": 5}, "xmp is a int; it takes bytes"),
    ],
)
def test_metadata_of_another_type_are_refused(options: dict[str, Any], because: str) -> None:
    with pytest.raises(OSError, match=because):
        file_of(photo(8, 8), **options)


def test_options_that_lbic_does_not_know_are_ignored_as_in_pillows_other_formats() -> None:
    assert file_of(photo(8, 8), optimize=True, dpi=(72, 72), lossless=True) == file_of(photo(8, 8))
