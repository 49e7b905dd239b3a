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
DNG_VERSION, SUBFILE, OLD_SUBFILE, PHOTOMETRIC = 50_706, 254, 255, 262


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


# --- pages ---------------------------------------------------------------------------------------


def pages(*tags: dict[int, int]) -> bytes:
    """Return a TIFF file of a page for each dict of tags: page i has the size 16 + i, 8."""
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for number, page in enumerate(tags):
            kind = page.pop(SUBFILE, 0)
            samples = np.asarray(photo(16 + number, 8)) if kind != 4 else np.ones((8, 16), bool)
            extra = [(tag, 3 if tag == OLD_SUBFILE else 1, 1, value, True) for tag, value in page.items()]
            writer.write(samples, photometric=4 if kind == 4 else 2, subfiletype=kind, extratags=extra, metadata=None)
    return out.getvalue()


def test_a_thumbnail_behind_the_picture() -> None:
    picture = load((FILES / "tiff-page2-is-thumbnail.tif").read_bytes())
    assert picture.image.size == (96, 64) and picture.notes == ()


@pytest.mark.parametrize(
    ("tags", "index", "notes"),
    [
        (({}, {SUBFILE: 1}), 0, ()),
        (({SUBFILE: 1}, {}), 1, ()),
        (({SUBFILE: 1}, {SUBFILE: 1}, {}), 2, ()),
        (({}, {OLD_SUBFILE: 2}), 0, ()),
        (({OLD_SUBFILE: 2}, {OLD_SUBFILE: 1}), 1, ()),
        (({SUBFILE: 1},), 0, ()),
        (({}, {SUBFILE: 4}), 0, ("the transparency mask in the file was left out",)),
    ],
)
def test_the_page_that_is_the_picture(tags: tuple[dict[int, int], ...], index: int, notes: tuple[str, ...]) -> None:
    picture = load(pages(*(dict(page) for page in tags)))
    assert picture.image.tobytes() == photo(16 + index, 8).tobytes()
    assert picture.notes == notes


def test_a_deep_picture_behind_a_thumbnail() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(np.asarray(photo(4, 4)), photometric="rgb", subfiletype=1, metadata=None)
        writer.write(stored(3, "u2"), photometric="rgb", metadata=None)
    assert np.abs(np.asarray(load(out.getvalue()).image) / 255 - shares(3)).max() < 1 / 255


def test_several_pages_and_only_previews_are_refused() -> None:
    with pytest.raises(ImageError, match="the TIFF file has 2 pages; lbic compresses single pictures"):
        load(pages({}, {}, {SUBFILE: 1}))
    with pytest.raises(ImageError, match="the TIFF file has 2 pages"):
        load(pages({SUBFILE: 2}, {SUBFILE: 2}))
    with pytest.raises(ImageError, match=r"^a TIFF file of previews only$"):
        load(pages({SUBFILE: 1}, {SUBFILE: 1}))


def raw(maker: str = "", **options: Any) -> bytes:
    """Return a file as cameras write: a preview, and the picture of a sensor below it."""
    out = io.BytesIO()
    extra = [(271, 2, None, maker, True)] if maker else []
    with tifffile.TiffWriter(out) as writer:
        writer.write(
            np.asarray(photo(8, 6)), photometric="rgb", subfiletype=1, subifds=1, extratags=extra, metadata=None
        )
        writer.write(np.zeros((60, 80), np.uint16), photometric="cfa", metadata=None, **options)
    return out.getvalue()


def test_raw_files_are_not_taken_for_their_previews() -> None:
    with pytest.raises(ImageError, match=r"^a raw file of a camera \(NIKON\); develop it to TIFF, PNG or JPEG first$"):
        load(raw("NIKON"))
    with pytest.raises(ImageError, match=r"^a DNG raw file; develop it to TIFF, PNG or JPEG first$"):
        load(pages({DNG_VERSION: 1}))
    cr2 = b"II*\0\x10\0\0\0CR\2\0" + bytes(4) + pages({})[8:]
    with pytest.raises(ImageError, match=r"^a raw file of a camera; |damaged"):
        load(cr2)


def test_damaged_directories_are_left_to_pillow() -> None:
    data = pages({})
    assert find_page(data) is not None
    assert find_page(data[:40]) is None
    circle = bytearray(written(Image.new("L", (4, 4)), "TIFF"))
    offset = int.from_bytes(circle[4:8], "little")
    count = int.from_bytes(circle[offset : offset + 2], "little")
    circle[offset + 2 + 12 * count :][:4] = circle[4:8]
    end = offset + 2 + 12 * count
    circle[end : end + 4] = circle[4:8]
    page = find_page(bytes(circle))
    assert page is not None and page.index == 0, "a circle of pages is one page"


def test_the_api_takes_what_pillow_opens(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(stored(3, "u2")))
    with Image.open(path) as image:
        assert np.abs(np.asarray(from_pillow(image).image) / 255 - shares(3)).max() < 1.1 / 255
