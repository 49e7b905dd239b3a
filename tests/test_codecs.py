"""Every codec of the table: its fields, and round trips of pictures of any size."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import GOLDEN
from helpers import gray, noise, photo, planes_equal
from numpy.typing import NDArray
from PIL import Image

from lbic import color, limits
from lbic.codecs import raster
from lbic.codecs.base import EFFORTS, Geometry, pad_to
from lbic.codecs.table import CODECS, DEFAULT_CODEC, check_quality, get
from lbic.color import Plane, Planes
from lbic.errors import CodecError, ExitCode, UsageError
from lbic.format.container import CODEC_IDS

SIZES = [(1, 1), (2, 3), (5, 7), (17, 64), (65, 33), (1, 500)]
QUICK = 0
GOOD = {"vvc": 27, "vtm": 27, "jpeg": 90, "webp": 90, "avif": 90, "jpeg2000": 50}
"""Return a quality at which the decoded picture is close to the original."""


def planes_of(image: Image.Image) -> Planes:
    levels = np.asarray(image)
    return Planes(color.from_levels(levels, 255)) if image.mode == "L" else color.rgb_to_planes(levels)


def geometry_of(planes: Planes) -> Geometry:
    return Geometry(planes.width, planes.height, planes.gray)


def error_in_levels(a: Plane, b: NDArray[np.float32]) -> float:
    """Return the root mean square error in 8-bit levels."""
    assert a.shape == b.shape
    return float(np.sqrt(np.mean((a - b) ** 2)) * 255)


def test_the_table_has_the_formats_numbers() -> None:
    assert {name: codec.id for name, codec in CODECS.items()} == CODEC_IDS
    assert all(codec.name == name for name, codec in CODECS.items())
    assert DEFAULT_CODEC in CODECS


def test_the_format_page_has_the_tables_rows() -> None:
    page = Path(__file__).parents[1].joinpath("docs", "format.md").read_text(encoding="utf-8")
    section = page.split("## Codecs")[1].split("##")[0]
    rows = {name: int(number) for number, name in re.findall(r"^\| (\d+) \| (\w+) \|", section, re.MULTILINE)}
    assert rows == CODEC_IDS
    for name in rows:
        low, high = CODECS[name].quality_range
        line = re.search(rf"\| {name} \|.*", section)
        assert line is not None
        if f"{low}.." in line[0]:
            assert f"{low}..{high}" in line[0]
            assert ("lower" if CODECS[name].lower_is_better else "higher") in line[0]


@pytest.mark.parametrize("name", list(CODECS))
def test_every_row_is_complete(name: str) -> None:
    row = get(name)
    low, high = row.quality_range
    assert 0 <= low <= row.default_quality <= high <= 255
    assert row.summary and row.quality_symbol


def test_an_unknown_codec_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"unknown codec 'gif'; known: vvc, vtm, jpeg, webp, avif, jpeg2000"):
        get("gif")


@pytest.mark.parametrize("name", list(CODECS))
def test_a_quality_out_of_range_names_the_range(name: str) -> None:
    low, high = CODECS[name].quality_range
    for quality in (low, high):
        assert check_quality(CODECS[name], quality) == quality
    better = "lower" if CODECS[name].lower_is_better else "higher"
    for quality in (low - 1, high + 1):
        with pytest.raises(UsageError, match=rf"quality {quality} is not in {name}'s range {low}\.\.{high} \({better}"):
            check_quality(CODECS[name], quality)


@pytest.mark.parametrize("size", [(2, 1), (1, 3), (2, 2)])
def test_jpeg_2000_of_a_few_pixels_is_close(size: tuple[int, int]) -> None:
    planes = planes_of(noise(*size).convert("L"))
    back = CODECS["jpeg2000"].decode(CODECS["jpeg2000"].encode(planes, 60, QUICK), geometry_of(planes))
    assert error_in_levels(back.y, planes.y) < 1


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("picture", [photo, gray], ids=["colour", "gray"])
def test_any_size_comes_back_close(
    codec: str, size: tuple[int, int], picture: Callable[[int, int], Image.Image]
) -> None:
    planes = planes_of(picture(*size))
    data = CODECS[codec].encode(planes, GOOD[codec], QUICK)
    back = CODECS[codec].decode(data, geometry_of(planes))
    assert back.gray == planes.gray
    assert error_in_levels(back.y, planes.y) < 7
    if planes.cb is not None and planes.cr is not None and back.cb is not None and back.cr is not None:
        assert back.cb.shape == back.cr.shape
        whole = [color.resize_chroma(c, *size) for c in (planes.cb, planes.cr)]
        assert error_in_levels(color.resize_chroma(back.cb, *size), whole[0]) < 12
        assert error_in_levels(color.resize_chroma(back.cr, *size), whole[1]) < 12


EXTREMES = [(1, 5000), (5000, 1)]


@pytest.mark.parametrize("size", EXTREMES, ids=["tall", "wide"])
def test_long_pictures_come_back_close(codec: str, size: tuple[int, int]) -> None:
    if codec == "vtm":
        pytest.skip("takes minutes")
    planes = planes_of(photo(*size))
    back = CODECS[codec].decode(CODECS[codec].encode(planes, GOOD[codec], QUICK), geometry_of(planes))
    assert error_in_levels(back.y, planes.y) < 7


MOST = {"vvc": 16_888, "jpeg": 65_500, "webp": 16_383, "avif": 32_768, "jpeg2000": 65_535}
"""The limits are those of the installed encoder and decoder."""


@pytest.mark.parametrize("tall", [False, True], ids=["wide", "tall"])
def test_the_longest_side_is_coded_and_a_longer_one_refused_by_name(codec: str, tall: bool) -> None:
    if codec == "vtm":
        pytest.skip("takes minutes")
    most = MOST[codec]
    flat = planes_of(Image.new("L", (1, most) if tall else (most, 1), 90))
    back = CODECS[codec].decode(CODECS[codec].encode(flat, GOOD[codec], QUICK), geometry_of(flat))
    assert error_in_levels(back.y, flat.y) < 2
    longer = (1, most + 1) if tall else (most + 1, 1)
    if most < limits.MAX_SIDE:
        with pytest.raises(CodecError, match=rf"{longer[0]}x{longer[1]}: .* sides may be at most {most} pixels"):
            CODECS[codec].encode(planes_of(Image.new("L", longer)), GOOD[codec], QUICK)


@pytest.mark.parametrize("quality", [93, 94, 95])
def test_jpeg_codes_what_pillow_has_no_room_for_in_every_way(quality: int) -> None:
    hard = planes_of(Image.fromarray(np.random.default_rng(1).integers(0, 2, (256, 256, 3), np.uint8) * 255))
    stream = CODECS["jpeg"].encode(hard, quality, 0)
    assert len(stream) > 256 * 256
    assert error_in_levels(CODECS["jpeg"].decode(stream, geometry_of(hard)).y, hard.y) < 20


def test_avifs_pixels_stop_where_its_decoder_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert raster.AVIF.max_pixels == 16_384**2
    monkeypatch.setattr(raster.AVIF, "max_pixels", 99)
    with pytest.raises(CodecError, match="10x10: avif's pictures may have at most 99 pixels"):
        raster.AVIF.encode(planes_of(Image.new("L", (10, 10))), 30, QUICK)


def test_a_flat_picture_has_the_colour_it_had(codec: str) -> None:
    planes = planes_of(Image.new("RGB", (33, 31), (180, 60, 120)))
    back = CODECS[codec].decode(CODECS[codec].encode(planes, GOOD[codec], QUICK), geometry_of(planes))
    assert np.abs(color.planes_to_uint8(back).astype(int) - (180, 60, 120)).max() <= 3


def test_equal_pictures_give_equal_bytes(codec: str) -> None:
    planes = planes_of(photo(21, 15))
    first, second = (CODECS[codec].encode(planes, CODECS[codec].default_quality, QUICK) for _ in range(2))
    assert first == second
    one, two = (CODECS[codec].decode(first, geometry_of(planes)) for _ in range(2))
    assert planes_equal(one, two)


def test_better_quality_costs_more_and_is_closer(codec: str) -> None:
    row = CODECS[codec]
    planes = planes_of(photo(40, 24))
    ordered = sorted((20, 45, 60), reverse=row.lower_is_better)
    streams = [row.encode(planes, quality, QUICK) for quality in ordered]
    assert [len(stream) for stream in streams] == sorted(len(stream) for stream in streams)
    errors = [error_in_levels(row.decode(stream, geometry_of(planes)).y, planes.y) for stream in streams]
    assert errors == sorted(errors, reverse=True)


def test_the_worst_and_the_best_quality_take_noise_of_any_size(codec: str) -> None:
    for size in ((1, 1), (10, 6), (24, 24)):
        planes = planes_of(noise(*size))
        for quality in CODECS[codec].quality_range:
            data = CODECS[codec].encode(planes, quality, QUICK)
            assert CODECS[codec].decode(data, geometry_of(planes)).y.shape == planes.y.shape


def test_effort_never_changes_what_the_decoder_needs(codec: str) -> None:
    planes = planes_of(photo(8, 8))
    for effort in EFFORTS if codec != "vtm" else (2,):
        data = CODECS[codec].encode(planes, CODECS[codec].default_quality, effort)
        assert CODECS[codec].decode(data, geometry_of(planes)).y.shape == (8, 8)


@pytest.mark.parametrize(
    "wrong",
    [
        Geometry(73, 64, gray=False),
        Geometry(72, 65, gray=False),
        Geometry(720, 640, gray=False),
        Geometry(64, 72, gray=False),
        Geometry(60_000, 6_000, gray=False),
    ],
)
def test_a_stream_of_another_size_is_refused_before_it_is_decoded(
    codec: str, wrong: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = stream_of(codec, 72, 64)
    monkeypatch.setattr("lbic.codecs.vvc.decode_levels", unreachable)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", unreachable)
    with pytest.raises(CodecError, match=r"stream is \d+x\d+, the header"):
        CODECS[codec].decode(data, wrong)


def test_gray_as_colour_is_refused(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if codec in ("webp", "avif"):
        pytest.skip("these streams know no gray")
    # ffmpeg codes a gray picture with neutral chroma, so vvc's own stream would be colour.
    golden = {"vvc": "vvenc-gray", "vtm": "vtm-gray"}
    data = golden_stream(golden[codec]) if codec in golden else stream_of(codec, 72, 64, gray=True)
    monkeypatch.setattr("lbic.codecs.vvc.decode_levels", unreachable)
    with pytest.raises(CodecError, match="gray"):
        CODECS[codec].decode(data, Geometry(72, 64, gray=False))


@pytest.mark.parametrize("data", [b"", b"\0", b"not a stream at all", bytes(500), b"\0\0\1\0\x79" + bytes(60)])
def test_foreign_payloads_are_refused(codec: str, data: bytes) -> None:
    with pytest.raises(CodecError) as caught:
        CODECS[codec].decode(data, Geometry(64, 40, gray=False))
    assert caught.value.exit_code == ExitCode.DAMAGED


def test_a_payload_of_another_codec_is_refused(codec: str) -> None:
    other = "vvc" if codec == "jpeg" else "jpeg"
    data = stream_of("jpeg", 64, 64) if other == "jpeg" else golden_stream("vvenc-color")
    with pytest.raises(CodecError):
        CODECS[codec].decode(data, Geometry(64, 64, gray=False))


def test_damaged_streams_end_in_a_picture_or_a_codec_error(codec: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = stream_of(codec, 64, 40)
    rng = np.random.default_rng(5)
    ends = {"picture": 0, "error": 0}
    for _ in range(120):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), rng.integers(1, 6)):
            damaged[at] = rng.integers(256)
        if rng.random() < 0.2:
            del damaged[int(rng.integers(1, len(data))) :]
        try:
            planes = CODECS[codec].decode(bytes(damaged), Geometry(64, 40, gray=False))
        except CodecError as error:
            assert str(error)
            ends["error"] += 1
        else:
            assert (planes.width, planes.height) == (64, 40)
            ends["picture"] += 1
    assert ends["error"] > 10
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("side", "padded"), [(1, 64), (63, 64), (64, 64), (65, 72), (72, 72), (500, 504)])
def test_padding(side: int, padded: int) -> None:
    assert pad_to(side, 8, 64) == padded


@cache
def stream_of(codec: str, width: int, height: int, *, gray: bool = False) -> bytes:
    planes = planes_of(photo(width, height).convert("L" if gray else "RGB"))
    return CODECS[codec].encode(planes, CODECS[codec].default_quality, QUICK)


def golden_stream(name: str) -> bytes:
    return (GOLDEN / "streams" / f"{name}.266").read_bytes()


def unreachable(*_: object, **__: object) -> None:
    raise AssertionError("the stream was decoded")
