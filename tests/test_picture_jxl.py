"""JPEG XL pictures: samples, colours and metadata are those of other formats."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import formulas
import numpy as np
import pytest
from helpers import gray, photo, ramp, written
from PIL import Image

from lbic.errors import ImageError
from lbic.isolation import pictures
from lbic.picture import jxl
from lbic.picture.load import load, with_alpha

pytest.importorskip("pillow_jxl")

REDUCED = "samples of more than 8 bits reduced to 8"


def lossless(image: Image.Image, **options: Any) -> bytes:
    return written(image, "JXL", lossless=True, **options)


@pytest.mark.parametrize("size", [(40, 24), (64, 64), (300, 200), (17, 1), (1, 600)], ids=str)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("container", [False, True])
def test_samples_are_those_of_the_picture(mode: str, size: tuple[int, int], container: bool) -> None:
    image = photo(*size).convert(mode[:-1] if mode.endswith("A") else mode)
    if mode.endswith("A"):
        image = with_alpha(image, ramp(*size) // 2)
    data = lossless(image, use_container=container)
    picture = load(data)
    assert picture.notes == ()
    assert picture.joined().mode == mode and picture.joined().tobytes() == image.tobytes()
    assert jxl.read_header(data).size == size


def test_the_worker_process_reads_the_same() -> None:
    data = lossless(with_alpha(photo(40, 24), ramp(40, 24)), use_container=True, xmp=b"<x/>")
    here, there = load(data), pictures.load(data)
    assert here.image.tobytes() == there.image.tobytes()
    assert (here.exif, here.xmp, here.notes) == (there.exif, there.xmp, there.notes)


def test_linear_gray_of_16_bits_and_floats() -> None:
    """pillow-jxl-plugin writes such samples as linear light."""
    levels = np.linspace(0, 65_535, 40).astype(np.uint16)[None].repeat(9, 0)
    expected = np.array([formulas.srgb_level(v / 65_535) for v in levels[0]])
    deep = load(lossless(Image.fromarray(levels)))
    assert deep.notes == (REDUCED, "converted from Gra_D65_Rel_Lin to sRGB")
    assert np.abs(np.asarray(deep.image, int)[0] - expected).max() <= 1
    floats = load(lossless(Image.fromarray((levels / 65_535).astype(np.float32))))
    assert floats.notes[0] == "float samples, read as 0..1, reduced to 8 bits"
    assert np.abs(np.asarray(floats.image, int)[0] - expected).max() <= 1


def test_metadata_does_not_turn_the_picture_again() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    picture = load(lossless(photo(40, 24), exif=exif.tobytes(), xmp=b'<x tiff:Orientation="6"/>', use_container=True))
    assert picture.image.size == (40, 24) and picture.xmp == b"<x/>"
    kept = Image.Exif()
    assert picture.exif is not None
    kept.load(picture.exif)
    assert dict(kept) == {0x010F: "camera"}


def test_an_exif_box_begins_with_an_offset() -> None:
    block = b"II*\0" + bytes(8)
    for content in (block, bytes(4) + block, b"\0\0\0\2xx" + block):
        assert jxl._exif(content) == b"Exif\0\0" + block


def test_a_gain_map_is_noted() -> None:
    data = lossless(photo(40, 24), use_container=True)
    box = b"\0\0\0\x0cjhgmdata"
    assert load(data + box).notes == ("the HDR gain map in the file was left out",)


def test_a_jpeg_in_the_file_is_that_jpeg(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    photo(40, 24).save(path, quality=80, exif=exif)
    with Image.open(path) as image:
        data = written(image, "JXL", lossless_jpeg=True)
    original, picture = load(path.read_bytes()), load(data)
    assert picture.image.tobytes() == original.image.tobytes()
    assert picture.luma_table == original.luma_table is not None


class Fields:
    """Writes a codestream's header bit by bit."""

    def __init__(self) -> None:
        self.bits: list[int] = []

    def put(self, value: int, count: int) -> Fields:
        self.bits += [value >> index & 1 for index in range(count)]
        return self

    def data(self) -> bytes:
        value = sum(bit << index for index, bit in enumerate(self.bits))
        return b"\xff\x0a" + value.to_bytes(40, "little")


def header(*fields: tuple[int, int]) -> jxl.Header:
    """Return what is read of a header of 24x16 pixels and these fields (value, bits)."""
    writer = Fields().put(1, 1).put(1, 5).put(0, 3).put(2, 5)
    for value, count in fields:
        writer.put(value, count)
    return jxl.read_header(writer.data())


def test_the_header_as_the_standard_defines_it() -> None:
    plain = jxl.Header((24, 16), 8, is_float=False, is_animated=False)
    assert header((1, 1)) == plain
    assert header((0, 1), (0, 1), (0, 1), (0, 2)) == plain
    assert header((0, 1), (0, 1), (0, 1), (3, 2), (15, 6)).bits == 16
    assert header((0, 1), (0, 1), (1, 1)).is_float
    extra = ((0, 1), (1, 1), (5, 3))
    assert header(*extra, (0, 1), (0, 1), (1, 1)).is_animated
    intrinsic = ((1, 1), (1, 1), (3, 5), (1, 3))
    assert not header(*extra, *intrinsic, (0, 1), (0, 1), (0, 1), (1, 2)).is_animated
    assert header(*extra, *intrinsic, (0, 1), (0, 1), (0, 1), (1, 2)).bits == 10
    preview = ((1, 1), (1, 1), (0, 2), (1, 3))
    assert header(*extra, (0, 1), *preview, (0, 1), (0, 1), (2, 2)).bits == 12
    large = ((1, 1), (0, 1), (1, 2), (7, 8), (0, 3), (0, 2), (9, 6))
    assert header(*extra, (0, 1), *large, (1, 1)).is_animated
    sizes = {1: (1000, 1000), 2: (1200, 1000), 3: (1333, 1000), 4: (1500, 1000), 5: (1777, 1000), 7: (2000, 1000)}
    for ratio, size in sizes.items():
        assert jxl.read_header(Fields().put(0, 1).put(1, 2).put(999, 13).put(ratio, 3).put(1, 1).data()).size == size
    free = Fields().put(0, 1).put(3, 2).put(69_999, 30).put(0, 3).put(0, 2).put(4, 9).put(1, 1)
    assert jxl.read_header(free.data()).size == (5, 70_000)


def test_animations_and_sizes_are_refused_before_decoding() -> None:
    animated = Fields().put(1, 1).put(1, 5).put(1, 3).put(0, 1).put(1, 1).put(0, 3).put(0, 1).put(0, 1).put(1, 1)
    with pytest.raises(ImageError, match=r"^animated JPEG XL; lbic compresses single pictures$"):
        load(animated.data())
    sizes: list[tuple[int, int]] = []
    with pytest.raises(ImageError, match="40x24, 960 pixels; the limit is 959"):
        load(lossless(photo(40, 24)), max_pixels=959, opened=lambda *size: sizes.append(size))
    assert sizes == []


def test_a_small_file_that_claims_to_be_huge_is_refused() -> None:
    huge = Fields().put(0, 1).put(3, 2).put(59_999, 30).put(1, 3).put(1, 1)
    with pytest.raises(ImageError, match=r"60000x60000, 3,600,000,000 pixels; the limit is 400,000,000"):
        load(huge.data())


class Stub:
    """Stands in for pillow-jxl-plugin's decoder."""

    mode, width, height = "RGB", 24, 16
    samples = b""

    def __init__(self, num_threads: int) -> None:
        assert num_threads == 0

    def __call__(self, data: bytes) -> tuple[bool, Stub, bytes, None, list[object]]:
        return False, self, self.samples, None, []


@pytest.mark.parametrize(
    ("fields", "mode", "sentence"),
    [
        (((1, 1),), "RGB", "a float RGB picture in JPEG XL, which lbic does not read"),
        (((0, 1), (3, 2), (15, 6)), "LA", "a gray JPEG XL picture of 16 bits with alpha, which lbic does not read"),
    ],
)
def test_samples_that_the_plugin_garbles_are_refused(
    fields: tuple[tuple[int, int], ...], mode: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Fields().put(1, 1).put(1, 5).put(0, 3).put(2, 5).put(0, 1).put(0, 1)
    for value, count in fields:
        writer.put(value, count)
    monkeypatch.setattr("pillow_jxl.Decoder", type("Decoder", (Stub,), {"mode": mode}))
    with pytest.raises(ImageError, match=f"^{sentence}$"):
        load(writer.data())


def test_deep_colour_is_noted_and_another_size_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Fields().put(1, 1).put(1, 5).put(0, 3).put(2, 5).put(0, 1).put(0, 1).put(0, 1).put(1, 2)
    monkeypatch.setattr("pillow_jxl.Decoder", type("Decoder", (Stub,), {"samples": bytes(24 * 16 * 3)}))
    assert load(writer.data()).notes == (REDUCED,)
    monkeypatch.setattr("pillow_jxl.Decoder", type("Decoder", (Stub,), {"width": 25}))
    with pytest.raises(ImageError, match=r"25x16 in a file of 24x16"):
        load(writer.data())


def test_damaged_files_are_refused() -> None:
    for data in (lossless(photo(40, 24)), lossless(gray(40, 24), use_container=True)):
        for length in (13, 40, len(data) // 2):
            with pytest.raises(ImageError, match="damaged"):
                load(data[:length])


def test_without_the_package_a_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = lossless(photo(16, 8))
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(ImageError, match=r"^a JPEG XL picture; .* package pillow-jxl-plugin \(lbic's extra jxl\)$"):
        load(data)
    assert jxl.is_jxl(data) and not jxl.is_jxl(io.BytesIO(b"\xff\xd8\xff").getvalue())
