"""HEIC pictures: orientation, depth, colours, alpha and metadata are those of other formats."""

from __future__ import annotations

import io
import sys
from typing import Any

import formulas
import numpy as np
import pytest
from formulas import P3, converted, srgb_decoded, tone_mapped
from helpers import gray, photo, ramp, wide_profile
from numpy.typing import NDArray
from PIL import Image

from lbic.errors import ImageError
from lbic.isolation import pictures
from lbic.picture import heif
from lbic.picture.load import from_pillow, load, with_alpha

pillow_heif = pytest.importorskip("pillow_heif")

LOSSLESS = {"quality": -1, "chroma": 444, "matrix_coefficients": 0, "full_range_flag": 1}
REDUCED = "samples of more than 8 bits reduced to 8"


def heic(image: Image.Image, **options: Any) -> bytes:
    """Return an 8-bit HEIC file, without loss for RGB."""
    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, **(LOSSLESS | options))
    return out.getvalue()


def deep(samples: NDArray[Any], mode: str = "RGB;16", **options: Any) -> bytes:
    """Return a 10-bit HEIC file of 16-bit samples."""
    out = io.BytesIO()
    size = samples.shape[1], samples.shape[0]
    file = pillow_heif.from_bytes(mode=mode, size=size, data=samples.astype("<u2").tobytes())
    file.save(out, **(LOSSLESS | options))
    return out.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_samples_are_those_of_the_picture(mode: str) -> None:
    image = {"RGB": photo(40, 24), "L": gray(40, 24), "RGBA": with_alpha(photo(40, 24), ramp(40, 24))}[mode]
    picture = load(heic(image, **({"matrix_coefficients": 1} if mode == "L" else {})))
    assert picture.notes == ()
    assert np.abs(np.asarray(picture.joined().convert(mode), int) - np.asarray(image, int)).max() <= 1
    if mode == "RGBA":
        assert picture.alpha is not None and np.array_equal(picture.alpha, ramp(40, 24))


def test_the_worker_process_reads_the_same() -> None:
    data = heic(with_alpha(photo(40, 24), ramp(40, 24)), icc_profile=wide_profile(), xmp=b"<x/>")
    for options in ({}, {"keep_icc": True}):
        here, there = load(data, **options), pictures.load(data, **options)  # type: ignore[arg-type]
        assert here.image.tobytes() == there.image.tobytes()
        assert (here.icc, here.exif, here.xmp, here.notes) == (there.icc, there.exif, there.xmp, there.notes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_is_upright_once(orientation: int) -> None:
    """HEIF files turn by boxes of their own; EXIF repeats it and must not turn again."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "camera"
    picture = load(heic(photo(40, 24), exif=exif.tobytes(), xmp=f'<x tiff:Orientation="{orientation}"/>'.encode()))
    stored = photo(40, 24)
    stored.info["exif"] = exif.tobytes()
    upright = from_pillow(stored).image
    assert picture.image.size == upright.size
    assert np.abs(np.asarray(picture.image, int) - np.asarray(upright, int)).max() <= 1
    kept = Image.Exif()
    assert picture.exif is not None and picture.xmp == b"<x/>"
    kept.load(picture.exif)
    assert dict(kept) == {0x010F: "camera"}


def test_profiles_and_nclx() -> None:
    image = photo(40, 24)
    image.info["icc_profile"] = wide_profile()
    expected = from_pillow(image).image
    picture = load(heic(image, icc_profile=image.info["icc_profile"]))
    assert np.abs(np.asarray(picture.image, int) - np.asarray(expected, int)).max() <= 2
    kept = load(heic(photo(40, 24), icc_profile=image.info["icc_profile"]), keep_icc=True)
    assert kept.icc == image.info["icc_profile"]
    data = heic(photo(40, 24), color_primaries=12, transfer_characteristics=13)
    wide = load(data)
    assert wide.notes == ("converted from Display P3 to sRGB",)
    colour = np.asarray(photo(40, 24))[3, 5] / 255
    assert np.abs(np.asarray(wide.image, int)[3, 5] - converted(list(colour), P3, srgb_decoded)).max() <= 2


def test_what_pillow_heifs_plugin_opens_is_converted_too() -> None:
    data = heic(photo(40, 24), color_primaries=12, transfer_characteristics=13)
    image = pillow_heif.open_heif(data).to_pillow()
    picture = from_pillow(image)
    assert picture.notes == ("converted from Display P3 to sRGB",)
    assert picture.image.tobytes() == load(data).image.tobytes()


def test_ten_bits_are_tone_mapped_before_they_are_reduced() -> None:
    light = [(0, 0, 0), (3, 2, 1), (50, 40, 60), (203, 203, 203), (900, 700, 600)]
    signals = np.array([[round(1023 * formulas.pq_signal(v)) for v in each] for each in light])
    samples = np.repeat(np.repeat((signals << 6).astype(np.uint16)[None], 8, axis=1), 16, axis=0)
    picture = load(deep(samples, color_primaries=9, transfer_characteristics=16))
    assert picture.notes == (REDUCED, "tone-mapped from BT.2020 PQ to sRGB (BT.2408)")
    expected = [tone_mapped([formulas.pq_light(v / 1023) for v in each]) for each in signals]
    assert np.abs(np.asarray(picture.image, int)[4, 4::8] - np.array(expected)).max() <= 2


def test_ten_bits_of_srgb_are_rounded() -> None:
    samples = np.random.default_rng(1).integers(0, 1024, (16, 24, 4)).astype(np.uint16) << 6
    picture = load(deep(samples, "RGBA;16"))
    assert picture.notes == (REDUCED,)
    joined = np.asarray(picture.joined(), int)
    assert np.abs(joined - np.rint((samples >> 6) / 1023 * 255)).max() <= 1


def test_other_pictures_in_the_file_are_noted() -> None:
    file = pillow_heif.from_pillow(photo(16, 8))
    for size in (24, 32):
        file.add_from_pillow(photo(size, 8))
    out = io.BytesIO()
    file.save(out, quality=90)
    picture = load(out.getvalue())
    assert picture.notes == ("2 more pictures in the file left out",)


def test_brands() -> None:
    def ftyp(major: bytes, *others: bytes) -> bytes:
        return (16 + 4 * len(others)).to_bytes(4, "big") + b"ftyp" + major + bytes(4) + b"".join(others)

    assert heif.is_heif(ftyp(b"heic")) and heif.is_heif(ftyp(b"mif1", b"heic"))
    assert not heif.is_heif(ftyp(b"avif", b"mif1")) and not heif.is_heif(ftyp(b"mp42")) and not heif.is_heif(b"")


def test_limits_hold_before_the_picture_is_decoded() -> None:
    sizes: list[tuple[int, int]] = []
    with pytest.raises(ImageError, match="40x24, 960 pixels; the limit is 959"):
        load(heic(photo(40, 24)), max_pixels=959, opened=lambda *size: sizes.append(size))
    assert sizes == []


def test_a_small_file_that_claims_to_be_huge_is_refused() -> None:
    data = heic(photo(64, 64))
    at = data.index(b"ispe") + 8
    assert data[at : at + 8] == 2 * (64).to_bytes(4, "big")
    sizes: list[tuple[int, int]] = []
    with pytest.raises(ImageError, match=r"pixels; the limit is|damaged or truncated"):
        load(data[:at] + 2 * (60_000).to_bytes(4, "big") + data[at + 8 :], opened=lambda *size: sizes.append(size))
    assert sizes == []


def test_damaged_files_are_refused() -> None:
    data = heic(photo(40, 24))
    for length in (30, 100, len(data) // 2, len(data) - 10):
        with pytest.raises(ImageError, match="damaged or truncated"):
            load(data[:length])


def test_without_the_package_a_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heic(photo(16, 8))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"^a HEIC picture; .* package pillow-heif \(lbic's extra heif\)$"):
        load(data)
