"""The pipeline, there and back: sizes, scales, alpha, metadata, hostile files."""

from __future__ import annotations

import tracemalloc
import zlib
from dataclasses import replace

import numpy as np
import pytest
from conftest import GOLDEN
from helpers import gray, largest_difference, photo, profile, psnr, ramp, wide_profile
from PIL import Image

from lbic import color, limits, pipeline
from lbic.codecs.table import CODECS
from lbic.enhance.pictures import EnhanceSettings
from lbic.enhance.types import TYPES
from lbic.errors import CodecError, FormatError, ImageError, LbicError, MissingError, UsageError
from lbic.format import container, metadata
from lbic.format.container import Header
from lbic.picture.load import Picture, from_pillow, with_alpha
from lbic.pipeline import (
    CompressSettings,
    DecompressSettings,
    compress,
    decode_planes,
    decompress,
    extract,
    verify,
)

pytestmark = pytest.mark.usefixtures("write_models")  # an empty catalog

GOOD = {"vvc": 27, "vtm": 27, "jpeg": 90, "webp": 90, "avif": 90, "jpeg2000": 50}
PLAIN = DecompressSettings(type=TYPES[0])
JPEG = CompressSettings("jpeg", 60, type=TYPES[0])


def only_scaled(image: Image.Image, sixteenths: int) -> Image.Image:
    """Downsample and enlarge a picture without a codec: the best that a scale allows."""
    width, height = image.size
    low = image.resize(
        (container.scaled(width, sixteenths), container.scaled(height, sixteenths)), Image.Resampling.BICUBIC
    )
    return low.resize(image.size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize("scale", [16, 24, 32, 48, 64])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (33, 21)], ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("picture", [photo, gray], ids=["colour", "gray"])
def test_every_codec_takes_every_scale(codec: str, scale: int, size: tuple[int, int], picture: object) -> None:
    assert callable(picture)
    image = picture(*size)
    result = compress(image, CompressSettings(codec, GOOD[codec], scale, effort=0, type=TYPES[0]))
    back = decompress(result.data, PLAIN)
    assert (back.image.size, back.image.mode) == (image.size, image.mode)
    assert (back.header, back.type.id, back.type_recorded, back.models) == (result.header, 0, 0, ())
    if min(size) > 5:
        assert psnr(back.image.convert("L"), only_scaled(image, scale).convert("L")) > 29


def test_the_header_costs_at_most_24_bytes(codec: str) -> None:
    data = compress(photo(20, 12), CompressSettings(codec, effort=0)).data
    _, payload = container.unpack(data)
    assert len(data) - len(payload) <= 24


def test_the_codec_gets_exactly_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int, float]] = []
    encode = CODECS["jpeg"].encode

    def watch(planes: color.Planes, quality: int, effort: int, lambda_scale: float) -> bytes:
        seen.append((quality, effort, lambda_scale))
        return encode(planes, quality, effort)

    monkeypatch.setattr(CODECS["jpeg"], "encode", watch)
    result = compress(photo(8, 8), CompressSettings("jpeg", 33, effort=4, lambda_scale=0.9))
    assert seen == [(33, 4, 0.9)]
    assert result.header.quality == 33


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (CompressSettings("gif"), "unknown codec 'gif'; known: vvc, vtm, jpeg"),
        (CompressSettings("jpeg", 96), r"quality 96 is not in jpeg's range 1\.\.95 \(higher is better\)"),
        (CompressSettings("vvc", 64), r"quality 64 is not in vvc's range 0\.\.63 \(lower is better\)"),
        (CompressSettings("jpeg", effort=5), r"effort 5 is not in 0\.\.4"),
        (CompressSettings("jpeg", scale=8), "scale 0.5 is not within"),
        (CompressSettings("jpeg", keep=frozenset({"gps"})), "cannot keep gps; known: icc, exif, xmp"),
    ],
)
def test_settings_out_of_range_are_usage_errors(settings: CompressSettings, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        compress(photo(8, 8), settings)


def test_a_picture_no_file_can_hold_is_refused_before_it_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> bytes:
        raise AssertionError("encoded in vain")

    monkeypatch.setattr(CODECS["jpeg"], "encode", unreachable)
    with pytest.raises(UsageError, match="70000x1; sides must be"):
        compress(Image.new("L", (70_000, 1)), JPEG)


def test_a_side_that_only_jpeg_cannot_take_is_a_sentence() -> None:
    with pytest.raises(CodecError, match="65535x1: a JPEG's sides may be at most 65500 pixels"):
        compress(Image.new("L", (65_535, 1)), JPEG)


@pytest.mark.parametrize("base", [photo(21, 13), gray(21, 13)], ids=["colour", "gray"])
@pytest.mark.parametrize("scale", [16, 32])
def test_alpha_is_lossless(base: Image.Image, scale: int) -> None:
    source = with_alpha(base, ramp(21, 13))
    back = decompress(compress(source, replace(JPEG, scale=scale)).data, PLAIN).image
    assert back.mode == source.mode
    assert largest_difference(back.getchannel("A"), source.getchannel("A")) == 0


def test_random_alpha_is_lossless() -> None:
    alpha = np.random.default_rng(1).integers(0, 256, (40, 31), np.uint8)
    assert np.array_equal(metadata.unpack_alpha(metadata.pack_alpha(alpha), 31, 40), alpha)


def test_metadata_is_kept_only_when_asked_for() -> None:
    exif = Image.Exif()
    exif[0x010F] = "camera"
    kept = {"icc": profile("sRGB"), "exif": exif.tobytes(), "xmp": b"<xmp/>" * 30}
    source = Picture(photo(9, 9), icc=kept["icc"], exif=kept["exif"], xmp=kept["xmp"])
    bare = decompress(compress(source, JPEG).data, PLAIN)
    assert (bare.icc, bare.exif, bare.xmp) == (None, None, None)
    full = decompress(compress(source, replace(JPEG, keep=frozenset(kept))).data, PLAIN)
    assert {"icc": full.icc, "exif": full.exif, "xmp": full.xmp} == kept


@pytest.mark.parametrize("name", metadata.KEEPABLE)
def test_each_metadata_item_can_be_kept_alone(name: str) -> None:
    source = Picture(photo(9, 9), icc=b"i", exif=b"e", xmp=b"x")
    full = decompress(compress(source, replace(JPEG, keep=frozenset({name}))).data, PLAIN)
    assert {key for key in metadata.KEEPABLE if getattr(full, key)} == {name}


@pytest.mark.parametrize("name", ["exif", "xmp"])
def test_metadata_that_no_decoder_accepts_is_not_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_METADATA", 1000)
    for length, stored in ((1000, True), (1001, False)):
        source = Picture(photo(9, 9), notes=("first",), **{name: bytes(length)})  # type: ignore[arg-type]
        result = compress(source, replace(JPEG, keep=frozenset({name})))
        assert (getattr(decompress(result.data, PLAIN), name) == bytes(length)) == stored
        assert verify(result.data) == result.header
        assert result.notes == (
            "first",
            *(() if stored else (f"{name} has 1,001 bytes; the limit is 1,000, so it was left out",)),
        )


def test_a_profile_that_no_decoder_accepts_is_applied_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    source = photo(9, 9)
    source.info["icc_profile"] = wide_profile()
    monkeypatch.setattr(limits, "MAX_METADATA", 100)
    picture = from_pillow(source, keep_icc=True)
    assert (picture.icc, picture.image.tobytes()) == (None, from_pillow(source).image.tobytes())
    assert picture.notes == (f"icc has {len(wide_profile()):,} bytes; the limit is 100, so it was left out",)
    with pytest.raises(ImageError, match=r"icc has 101 bytes; the limit is 100$"):
        compress(Picture(source, icc=bytes(101)), replace(JPEG, keep=frozenset({"icc"})))


def test_a_file_longer_than_lbic_reads_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    length = len(compress(photo(9, 9), JPEG).data)
    monkeypatch.setattr(limits, "MAX_FILE", length)
    assert len(compress(photo(9, 9), JPEG).data) == length
    monkeypatch.setattr(limits, "MAX_FILE", length - 1)
    with pytest.raises(UsageError, match=rf"the file would have {length} bytes; the limit is {length - 1}$"):
        compress(photo(9, 9), JPEG)


def jpeg_file(items: dict[int, bytes]) -> bytes:
    header = Header("jpeg", 50, 16, 16, gray=True, metadata=items)
    payload = CODECS["jpeg"].encode(color.Planes(np.zeros((16, 16), np.float32)), 50, 0)
    return container.pack(header, payload)


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ({container.ALPHA: b""}, "item alpha is damaged"),
        ({container.ALPHA: b"garbage"}, "item alpha is damaged"),
        ({container.ALPHA: zlib.compress(bytes(256))[:-3]}, "item alpha is damaged"),
        ({container.ALPHA: zlib.compress(bytes(256)) + b"more"}, "item alpha is damaged"),
        ({container.ALPHA: zlib.compress(bytes(255))}, "alpha plane has 255 samples, the picture 16x16"),
        ({container.ALPHA: zlib.compress(bytes(257))}, "item alpha is damaged or larger than 256 bytes"),
        ({container.ALPHA: zlib.compress(bytes(50_000_000), 9)}, "item alpha is damaged or larger than 256 bytes"),
        ({container.ICC: b"x"}, "item icc is damaged"),
        ({container.EXIF: zlib.compress(bytes(70 << 20))}, "item exif is damaged or larger than 67,108,864 bytes"),
        ({container.XMP: b""}, "item xmp is damaged"),
    ],
)
def test_damaged_and_exploding_metadata_is_refused(items: dict[int, bytes], sentence: str) -> None:
    data = jpeg_file(items)
    for read in (decompress, verify):
        with pytest.raises(FormatError, match=sentence):
            read(data)


def test_a_metadata_bomb_is_not_inflated() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            metadata.unpack_alpha(bomb, 16, 16)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_verify_returns_the_header_of_a_sound_file() -> None:
    result = compress(with_alpha(photo(9, 9), ramp(9, 9)), JPEG)
    assert verify(result.data) == result.header


@pytest.mark.parametrize("length", range(0, 400, 23))
def test_truncated_files_are_refused(length: int) -> None:
    data = compress(photo(50, 50), JPEG).data
    assert len(data) > 400
    with pytest.raises(FormatError):
        decompress(data[:length])


def test_a_payload_of_another_size_is_refused_whatever_the_checksum_says() -> None:
    header, payload = extract(compress(photo(20, 20), JPEG).data)
    # In this form the stream's size is its own, not the header's.
    header = replace(header, form=container.PAYLOAD_STREAM)
    for wrong in (replace(header, width=21), replace(header, scale=32), replace(header, gray=True)):
        with pytest.raises(CodecError, match="the JPEG stream is 20x20, the header says"):
            decompress(container.pack(wrong, payload))


def test_resealed_damage_ends_in_a_picture_or_an_error_of_ours() -> None:
    result = compress(with_alpha(photo(40, 30), ramp(40, 30)), replace(JPEG, scale=32))
    header, payload = container.unpack(result.data)
    rng = np.random.default_rng(11)
    pictures = 0
    for _ in range(150):
        damaged = bytearray(payload)
        damaged[int(rng.integers(len(payload)))] = int(rng.integers(256))
        alpha = bytearray(header.metadata[container.ALPHA])
        if rng.random() < 0.3:
            alpha[int(rng.integers(len(alpha)))] ^= 1 << int(rng.integers(8))
        hostile = replace(header, metadata={container.ALPHA: bytes(alpha)})
        try:
            image = decompress(container.pack(hostile, bytes(damaged)), PLAIN).image
        except LbicError as error:
            assert str(error)
        else:
            pictures += 1
            assert (image.size, image.mode) == ((40, 30), "RGBA")
    assert 0 < pictures < 150


def test_vtm_and_vvc_files_are_read_by_the_same_decoder() -> None:
    stream = (GOLDEN / "streams" / "vtm-color.266").read_bytes()
    planes = [decode_planes(container.pack(Header(name, 37, 64, 64), stream)) for name in ("vvc", "vtm")]
    assert np.array_equal(planes[0].y, planes[1].y)


def test_planes_for_measuring_are_those_of_the_picture() -> None:
    result = compress(photo(30, 20), replace(JPEG, scale=32))
    levels = color.planes_to_uint8(decode_planes(result.data))
    assert np.array_equal(levels, np.asarray(decompress(result.data, PLAIN).image))


def test_advice_from_the_future_is_a_note() -> None:
    header, payload = container.unpack(compress(photo(20, 20), JPEG).data)
    result = decompress(container.pack(replace(header, type=99), payload))
    assert (result.type.id, result.type_recorded) == (0, 99)
    assert result.notes == ("the file recommends enhancement type 99, unknown to this lbic; wrote the codec's picture",)


def test_an_encoder_that_is_missing_is_missing_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(CODECS["vvc"]), "availability", lambda _: "no encoder")
    with pytest.raises(MissingError, match="no encoder"):
        pipeline.compress(photo(8, 8), CompressSettings("vvc"))


@pytest.mark.parametrize("strength", [-0.01, 1.01, float("nan"), float("inf")])
@pytest.mark.parametrize("settings", [DecompressSettings, EnhanceSettings])
def test_strength_out_of_range_is_a_usage_error(settings: type[DecompressSettings], strength: float) -> None:
    with pytest.raises(UsageError, match=rf"strength {strength:g} is not in 0\.\.1"):
        settings(strength=strength)
