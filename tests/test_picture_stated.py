"""Colours stated in AVIF, EXIF, TIFF, BMP and JPEG 2000 files: the pixels are the standards'."""

from __future__ import annotations

import io
import struct
from typing import Any

import formulas
import numpy as np
import pytest
from formulas import ADOBE, D65, P3, converted, srgb_decoded, tone_mapped
from helpers import photo, profile, wide_profile, written
from numpy.typing import NDArray
from PIL import Image
from test_picture_colours import COLOURS, assert_levels
from test_pictures import FILES

from lbic.picture.load import from_pillow, load


def avif(primaries: int, transfer: int, **options: object) -> bytes:
    """Return a lossless AVIF file of the colours with an nclx of these numbers."""
    data = written(Image.fromarray(COLOURS[None].repeat(2, 0)), "AVIF", quality=100, subsampling="4:4:4", **options)
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def decoded(data: bytes) -> NDArray[np.floating[Any]]:
    """Return the samples of a file as Pillow reads them, 0..1, row 0."""
    with Image.open(io.BytesIO(data)) as image:
        samples: NDArray[np.floating[Any]] = np.asarray(image.convert("RGB"), np.float64)[0] / 255
        return samples


def test_avifs_nclx() -> None:
    data = avif(12, 13)
    picture = load(data)
    assert picture.notes == ("converted from Display P3 to sRGB",)
    assert_levels(picture, lambda c: converted(c, P3, srgb_decoded), decoded(data))
    assert load(avif(1, 13)).notes == ()
    assert load(avif(1, 13, icc_profile=profile("sRGB"))).notes == ()


def test_the_av1_stream_speaks_where_no_box_does() -> None:
    for name, note in (
        ("avif-nclx-p3.avif", "converted from Display P3 to sRGB"),
        ("avif-nclx-pq-10bit.avif", "tone-mapped from BT.2020 PQ to sRGB (BT.2408)"),
    ):
        data = (FILES / name).read_bytes()
        assert data.count(b"colr") == 1
        bare = load(data.replace(b"colr", b"free"))
        assert bare.notes[-1] == note
        assert bare.image.tobytes() == load(data).image.tobytes()


def test_ten_bits_of_pq_in_an_avif_are_tone_mapped_before_they_are_reduced() -> None:
    name = "avif-nclx-pq-10bit.avif"
    picture = load((FILES / name).read_bytes())
    assert picture.notes == (
        "samples of more than 8 bits reduced to 8",
        "tone-mapped from BT.2020 PQ to sRGB (BT.2408)",
    )
    with Image.open(FILES / name) as image:
        eight = np.asarray(image)[::7, ::7].reshape(-1, 3)
    expected = np.array([tone_mapped([formulas.pq_light(v / 255) for v in colour]) for colour in eight])
    levels = np.asarray(picture.image, int)[::7, ::7].reshape(-1, 3)
    difference = np.abs(levels - expected)
    assert difference.mean() < 2.5, "Pillow's 8 bits of PQ have steps of several levels"


@pytest.mark.parametrize(
    ("tags", "adobe"),
    [
        ({0xA001: 65_535, "index": "R03"}, True),
        ({0xA001: 2}, True),
        ({"index": "R03"}, True),
        ({0xA001: 1, "index": "R03"}, False),
        ({0xA001: 1, "index": "R98"}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG"])
def test_exifs_adobe_rgb(tags: dict[Any, Any], adobe: bool, form: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "camera"
    details = exif.get_ifd(0x8769)
    details[0x9000] = b"0232"
    for tag, value in tags.items():
        if tag == "index":
            details[0xA005] = {1: value, 2: b"0100"}
        else:
            details[tag] = value
    source = Image.fromarray(COLOURS[None].repeat(8, 0).repeat(8, 1))
    data = written(source, form, exif=exif, lossless=True, quality=100)
    picture = load(data)
    assert picture.notes == (("converted from Adobe RGB to sRGB",) if adobe else ())
    if adobe:
        with Image.open(io.BytesIO(data)) as image:
            samples = np.asarray(image)[0, 4::8] / 255
        expected = np.array([converted(colour, ADOBE, lambda v: v ** (563 / 256)) for colour in samples])
        assert np.abs(np.asarray(picture.image, int)[0, 4::8] - expected).max() <= 1


@pytest.mark.parametrize("icc", [False, True])
def test_kept_exif_says_srgb_after_the_conversion(icc: bool) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x013E], exif[0x013F] = "camera", D65, tuple(v for point in ADOBE for v in point)
    details = exif.get_ifd(0x8769)
    details[0x9000], details[0xA001], details[0xA500] = b"0232", 65_535, 2.2
    details[0xA005] = {1: "R03", 2: b"0100"}
    options = {"icc_profile": wide_profile()} if icc else {}
    data = written(photo(16, 8), "JPEG", exif=exif, **options)
    kept = Image.Exif()
    block = load(data).exif
    assert block is not None
    kept.load(block)
    assert kept.get_ifd(0x8769)[0xA001] == 1 and kept.get_ifd(0xA005) == {1: "R98", 2: b"0100"}
    assert kept[0x010F] == "camera" and kept.get_ifd(0x8769)[0x9000] == b"0232"
    assert not {0x013E, 0x013F} & set(kept) and 0xA500 not in kept.get_ifd(0x8769)
    again = written(photo(16, 8), "JPEG", exif=block)
    assert load(again).notes == (), "reading it again converts nothing"
    if icc:
        with_profile = load(data, keep_icc=True).exif
        assert with_profile is not None
        kept.load(with_profile)
        assert kept.get_ifd(0x8769)[0xA001] == 65_535, "the samples stay those of the profile"


def test_uncalibrated_exif_without_a_profile_is_noted() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 65_535
    note = "EXIF calls the colours uncalibrated and there is no profile; read as sRGB"
    assert load(written(photo(8, 8), "JPEG", exif=exif)).notes == (note,)
    assert load(written(photo(8, 8), "JPEG", exif=exif, icc_profile=profile("sRGB"))).notes == ()


@pytest.mark.parametrize("table", [False, True])
def test_a_tiff_files_primaries(table: bool) -> None:
    tags: dict[int, object] = {318: D65, 319: tuple(v for point in P3 for v in point)}
    if table:
        tags[301] = tuple(round(65_535 * (v / 255) ** 3) for v in range(256)) * 3
    picture = load(written(Image.fromarray(COLOURS[None]), "TIFF", tiffinfo=tags))
    assert picture.notes == (f"converted from Display P3, {'its own curve' if table else 'gamma 2.2'} to sRGB",)
    assert_levels(picture, lambda c: converted(c, P3, lambda v: v ** (3 if table else 2.2)))


def bmp(space: int, extra: bytes = b"", gamma: float = 0.0, primaries: tuple[tuple[float, float], ...] = ()) -> bytes:
    """Return a BMP file, version 5, of the colours; ``extra`` is its profile."""
    rows = COLOURS[:, ::-1].tobytes() + b"\0\0"
    head = struct.pack("<IiiHHIIiiII", 124, len(COLOURS), 1, 1, 24, 0, len(rows), 0, 0, 0, 0) + bytes(16)
    ends = formulas.to_xyz(primaries).T.ravel() if primaries else [0.0] * 9
    head += struct.pack("<I9i3I", space, *(round(v * (1 << 30)) for v in ends), *[round(gamma * 65_536)] * 3)
    head += struct.pack("<IIII", 0, 124 + len(rows), len(extra), 0)
    return b"BM" + struct.pack("<IHHI", 14 + 124 + len(rows) + len(extra), 0, 0, 138) + head + rows + extra


def test_a_bmps_profile_and_primaries() -> None:
    swapped = load(bmp(0x4D424544, wide_profile()))
    assert swapped.image.tobytes() == from_pillow(with_profile(wide_profile())).image.tobytes()
    calibrated = load(bmp(0, gamma=1.8, primaries=P3))
    assert calibrated.notes == ("converted from Display P3, gamma 1.8 to sRGB",)
    assert_levels(calibrated, lambda c: converted(c, P3, lambda v: v**1.8))
    linked = load(bmp(0x4C494E4B, b"C:\\profile.icc\0"))
    assert linked.notes == ("the ICC profile is in another file and was ignored",)
    for plain in (bmp(0), bmp(0x73524742), bmp(0x57696E20)):
        assert load(plain).notes == () and np.array_equal(np.asarray(load(plain).image)[0], COLOURS)


def with_profile(icc: bytes) -> Image.Image:
    image = Image.fromarray(COLOURS[None])
    image.info["icc_profile"] = icc
    return image


def jp2(colr: bytes) -> bytes:
    """Return a lossless JPEG 2000 file of the colours with another colr box."""
    data = written(Image.fromarray(COLOURS[None].repeat(6, 0)), "JPEG2000", irreversible=False)
    start = data.index(b"colr") - 4
    size, header = int.from_bytes(data[start : start + 4], "big"), data.index(b"jp2h") - 4
    length = int.from_bytes(data[header : header + 4], "big") + 8 + len(colr) - size
    box = (8 + len(colr)).to_bytes(4, "big") + b"colr" + colr
    return data[:header] + length.to_bytes(4, "big") + data[header + 4 : start] + box + data[start + size :]


def test_a_jp2s_profile_and_code_points() -> None:
    swapped = load(jp2(b"\2\0\0" + wide_profile()))
    assert swapped.image.tobytes()[:18] == from_pillow(with_profile(wide_profile())).image.tobytes()
    wide = load(jp2(b"\5\0\0" + bytes([0, 12, 0, 13, 0, 0, 128])))
    assert wide.notes == ("converted from Display P3 to sRGB",)
    assert_levels(wide, lambda c: converted(c, P3, srgb_decoded))
    romm = load(jp2(b"\1\0\0" + (21).to_bytes(4, "big")))
    assert romm.notes == ("converted from ProPhoto RGB, gamma 1.8 to sRGB",)
    other = load(jp2(b"\1\0\0" + (20).to_bytes(4, "big")))
    assert other.notes == ("the file states JPEG 2000's colour space 20, unknown to lbic; read as sRGB",)
    assert load(jp2(b"\1\0\0" + (16).to_bytes(4, "big"))).notes == ()
