"""TIFF files: every kind of samples is read rightly or refused by name; previews are no pages."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import formulas
import numpy as np
import pytest
from filemaker import LINEAR, icc
from helpers import photo, wide_profile, written
from numpy.typing import NDArray
from PIL import Image
from test_pictures import FILES

from lbic.errors import ImageError
from lbic.picture.load import from_pillow, load
from lbic.picture.tiff import find_page

tifffile = pytest.importorskip("tifffile")

SHAPE = (19, 26)


def shares(channels: int) -> NDArray[np.float64]:
    """Return a picture of samples 0..1."""
    rng = np.random.default_rng(3)
    values: NDArray[np.float64] = rng.random((*SHAPE, channels)) * 0.5 + np.linspace(0, 0.5, SHAPE[1])[:, None]
    return values


def tiff(samples: NDArray[Any], **options: Any) -> bytes:
    """Return samples, (height, width, channels), as a TIFF file by tifffile."""
    planar = options.pop("planar", False)
    channels = samples.shape[-1]
    if channels > 1:
        options["planarconfig"] = "separate" if planar else "contig"
        samples = np.moveaxis(samples, -1, 0) if planar else samples
    if channels in (2, 4) and "extrasamples" not in options:
        options["extrasamples"] = ["unassalpha"]
    out = io.BytesIO()
    kind = options.pop("photometric", "rgb" if channels > 2 else "minisblack")
    tifffile.imwrite(out, samples[..., 0] if channels == 1 else samples, photometric=kind, **options)
    return out.getvalue()


def stored(channels: int, dtype: str) -> NDArray[Any]:
    kind = np.dtype(dtype)
    values = shares(channels)
    return values.astype(kind) if kind.kind == "f" else np.rint(values * np.iinfo(kind).max).astype(kind)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4", "f8"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("planar", [False, True], ids=["chunky", "planar"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}], ids=["plain", "zlib", "tiles"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_all_samples_are_the_same_in_every_layout(
    dtype: str, channels: int, planar: bool, options: dict[str, Any], order: str
) -> None:
    picture = load(tiff(stored(channels, dtype), planar=planar, byteorder=order, **options))
    joined = np.asarray(picture.joined()).reshape(*SHAPE, channels)
    assert np.abs(joined / 255 - shares(channels)).max() < 1 / 255
    assert len(picture.notes) == (dtype != "u1")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (tiff(stored(1, "i1")), "a gray TIFF of signed 8-bit samples"),
        (tiff(stored(3, "i1")), "an RGB TIFF of signed 8-bit samples"),
        (tiff(stored(1, "i2")), "a gray TIFF of signed 16-bit samples"),
        (tiff(stored(1, "i4")), "a gray TIFF of signed 32-bit samples"),
        (tiff(stored(1, "u4")), "a gray TIFF of unsigned 32-bit samples"),
        (tiff(stored(3, "u4"), planar=True), "an RGB TIFF of unsigned 32-bit samples"),
        (tiff(np.zeros((*SHAPE, 1), np.complex64)), "a gray TIFF of complex 64-bit samples"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_samples_that_are_refused_by_name(data: bytes, name: str) -> None:
    with pytest.raises(ImageError, match=rf"^{name}; lbic reads floats, and unsigned ones up to 16 bits$"):
        load(data)


def test_a_signed_file_of_another_tool() -> None:
    with pytest.raises(ImageError, match="a gray TIFF of signed 8-bit samples"):
        load((FILES / "tiff-int8-signed.tif").read_bytes())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (tiff(stored(3, "f4")), "a float RGB TIFF"),
        (tiff(stored(1, "f2")), "a float gray TIFF"),
        (tiff(stored(3, "u2"), planar=True), "an RGB TIFF of 16 bits with separate planes"),
        (tiff(stored(2, "u2")), "a gray TIFF of 16 bits with alpha"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_without_tifffile_the_kind_is_named(data: bytes, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(ImageError, match=rf"^{name}; reading it needs the package tifffile \(lbic's extra tiff\)$"):
        load(data)
    assert load(tiff(stored(3, "u2"))).image.size == SHAPE[::-1], "Pillow reads it"


def test_cmyk_in_separate_planes_is_refused() -> None:
    data = tiff(np.zeros((*SHAPE, 4), np.uint8), planar=True, photometric="separated", extrasamples=[])
    with pytest.raises(ImageError, match=r"^a TIFF of separate planes that are no RGB$"):
        load(data)


def test_what_tifffile_cannot_read_is_refused_by_name() -> None:
    data = bytearray(tiff(stored(3, "f4"), compression="zlib"))
    page = find_page(bytes(data))
    assert page is not None and page.problem == "a float RGB TIFF"
    at = data.index((259).to_bytes(2, "little") + b"\3\0\1\0\0\0") + 8
    data[at : at + 2] = (34_712).to_bytes(2, "little")  # JPEG 2000, which needs another package
    with pytest.raises(ImageError, match=r"^a float RGB TIFF; tifffile cannot read it: "):
        load(bytes(data))
    with pytest.raises(ImageError, match=r"^a float RGB TIFF; tifffile cannot read it: |damaged"):
        load(tiff(stored(3, "f4"))[:-500])


def test_limits_hold_for_what_tifffile_reads() -> None:
    sizes: list[tuple[int, int]] = []
    data = tiff(stored(3, "f4"))
    load(data, max_pixels=26 * 19, opened=lambda *size: sizes.append(size))
    assert sizes == [(26, 19)]
    with pytest.raises(ImageError, match="26x19, 494 pixels; the limit is 493"):
        load(data, max_pixels=493, opened=lambda *size: sizes.append(size))
    assert len(sizes) == 1


@pytest.mark.parametrize("dtype", ["f4", "u2"])
def test_profile_orientation_and_xmp(dtype: str) -> None:
    """The same as of a picture that Pillow reads."""
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'
    wide = wide_profile()
    tags = [(34_675, 7, None, wide, True), (274, 3, 1, 6, True), (700, 1, None, xmp, True)]
    odd = load(tiff(stored(3, dtype), planar=True, extratags=tags))
    plain = load(tiff(stored(3, "u1"), extratags=tags))
    assert odd.image.size == plain.image.size == SHAPE
    assert np.abs(np.asarray(odd.image, int) - np.asarray(plain.image, int)).max() <= 2
    assert odd.xmp == b"<x:xmpmeta><rdf:Description/></x:xmpmeta>"
    assert plain.xmp == odd.xmp.replace(b"/><", b" /><")
    kept = load(tiff(stored(3, dtype), planar=True, extratags=tags), keep_icc=True)
    assert kept.icc == wide


def test_a_linear_float_picture_with_a_profile() -> None:
    data = tiff(stored(3, "f4"), extratags=[(34_675, 7, None, icc(LINEAR), True)])
    expected = [[formulas.srgb_level(float(v)) for v in pixel] for pixel in shares(3)[0]]
    picture = load(data)
    assert np.abs(np.asarray(picture.image, int)[0] - np.array(expected)).max() <= 1
    assert picture.notes == ("float samples, read as 0..1, reduced to 8 bits", "converted from A profile to sRGB")


def test_alpha_that_is_multiplied_with_the_colour() -> None:
    values = np.full((*SHAPE, 4), 0.25, np.float32)
    values[..., 3] = 0.5
    picture = load(tiff(values, extrasamples=["assocalpha"]))
    assert picture.image.getpixel((0, 0)) == (128, 128, 128)
    assert picture.alpha is not None and (picture.alpha == 128).all()


def test_floats_whose_white_is_zero_and_floats_of_high_dynamic_range() -> None:
    values = np.array([0.0, 0.25, 1.0, np.nan, np.inf], np.float32).reshape(1, 5, 1)
    assert np.asarray(load(tiff(values.astype("f2"), photometric="miniswhite")).image).tolist() == [
        [255, 191, 0, 255, 0]
    ]
    with pytest.raises(ImageError, match="the float samples reach 30; lbic reads 0 to 1"):
        load(tiff(stored(3, "f4") * 30 / shares(3).max()))


@pytest.mark.parametrize("order", ["<", ">"])
def test_deep_gray_whose_white_is_zero(order: str) -> None:
    data = tiff(stored(1, "u2"), photometric="miniswhite", byteorder=order)
    joined = np.asarray(load(data).image) / 255
    assert np.abs(joined - (1 - shares(1)[..., 0])).max() < 1 / 255


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (tiff(stored(3, "u2"), planar=True), "an RGB TIFF of 16 bits with separate planes, which Pillow reads wrongly"),
        (tiff(stored(1, "f4"), byteorder=">", compression="zlib"), "a float gray TIFF, which Pillow reads wrongly"),
        (tiff(stored(1, "i1")), "a gray TIFF of signed 8-bit samples; lbic reads floats"),
        (written(photo(8, 8), "TIFF", tiffinfo={50_706: b"\1\4\0\0"}), "a raw file of a camera; develop it"),
    ],
    ids=["planar", "swapped", "signed", "raw"],
)
def test_the_api_refuses_what_pillow_reads_wrongly(data: bytes, sentence: str) -> None:
    with Image.open(io.BytesIO(data)) as image, pytest.raises(ImageError, match=f"^{sentence}"):
        from_pillow(image)


def test_missing_samples_are_an_error_and_not_black(capfd: pytest.CaptureFixture[str]) -> None:
    data = tiff(stored(3, "f4"), rowsperstrip=4, compression="zlib")
    at = data.index((278).to_bytes(2, "little") + b"\4\0\1\0\0\0") + 8
    with pytest.raises(ImageError, match="a float RGB TIFF; tifffile cannot read it"):
        load(data[:at] + b"\2\0" + data[at + 2 :])  # more strips than there are
    assert capfd.readouterr() == ("", "")


def test_the_api_takes_what_pillow_opens(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(stored(3, "u2")))
    with Image.open(path) as image:
        assert np.abs(np.asarray(from_pillow(image).image) / 255 - shares(3)).max() < 1.1 / 255
