"""Payload forms: streams are shortened and rebuilt bit for bit; lbic extract."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import compressed, lbic, names, records, save
from conftest import GOLDEN
from helpers import gray, noise, photo
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lbic import color, pipeline
from lbic.cli.docs import JSON_KEYS
from lbic.codecs import encoders, payload_jpeg, payload_vvc
from lbic.codecs.base import EFFORTS, Geometry
from lbic.codecs.bitstream import sequence_facts, split
from lbic.codecs.table import CODECS
from lbic.enhance.choice import PERCEPTUAL
from lbic.errors import ExitCode, FormatError
from lbic.evaluate.peers import PEERS
from lbic.format import container
from lbic.format.container import PAYLOAD_JPEG, PAYLOAD_STREAM, PAYLOAD_VVC
from lbic.pipeline import CompressSettings

WAYS: list[dict[str, bool]] = [{}, {"optimize": True}, {"progressive": True}]
SIZES = [(1, 1), (17, 9), (64, 64), (150, 40)]


def jpeg(image: Image.Image, quality: int, **options: bool | str) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, **{"subsampling": "4:2:0", **options})
    return out.getvalue()


@pytest.mark.parametrize("way", WAYS, ids=["standard", "optimised", "progressive"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [1, 25, 50, 95])
@pytest.mark.parametrize("make", [photo, gray, noise])
def test_what_libjpeg_writes_comes_back_bit_for_bit(
    make: Callable[[int, int], Image.Image], size: tuple[int, int], quality: int, way: dict[str, bool]
) -> None:
    stream = jpeg(make(*size), quality, **way)
    geometry = Geometry(*size, make is gray)
    payload = payload_jpeg.shorten(stream, geometry, quality)
    assert payload is not None
    assert len(payload) < len(stream) - 100
    assert payload_jpeg.restore(payload, geometry, quality) == stream


def test_a_jpeg_of_another_kind_is_stored_whole() -> None:
    image, geometry = photo(40, 40), Geometry(40, 40, gray=False)
    others = (
        jpeg(image, 30, subsampling="4:4:4"),
        jpeg(image, 31),
        jpeg(photo(48, 40), 30),
        jpeg(image, 30) + b"x",
        jpeg(image, 30)[:-9],
        jpeg(image, 30)[:200],
        b"",
    )
    for stream in others:
        assert CODECS["jpeg"].shorten(stream, geometry, 30) == (PAYLOAD_STREAM, stream)
        assert CODECS["jpeg"].restore(PAYLOAD_STREAM, stream, geometry, 30) == stream


def test_the_jpeg_codec_takes_the_smallest_way() -> None:
    kinds = set()
    for image, quality in ((photo(16, 16), 10), (photo(200, 200), 20), (photo(256, 256), 95)):
        header, payload = container.unpack(pipeline.compress(image, CompressSettings("jpeg", quality)).data)
        geometry = Geometry(*image.size, gray=False)
        ways = [payload_jpeg.shorten(pipeline.extract(container.pack(header, payload))[1], geometry, quality)]
        assert header.form == PAYLOAD_JPEG and ways == [payload]
        kinds.add(payload[0])
    assert kinds == {payload_jpeg.STANDARD, payload_jpeg.BASELINE, payload_jpeg.PROGRESSIVE}


@given(st.binary(max_size=80), st.integers(0, 255), st.booleans())
def test_any_payload_is_a_jpeg_stream_or_a_format_error(payload: bytes, quality: int, is_gray: bool) -> None:
    try:
        assert payload_jpeg.restore(payload, Geometry(8, 8, is_gray), quality).startswith(b"\xff\xd8\xff\xe0")
    except FormatError as error:
        assert str(error)


@given(st.binary(max_size=80), st.integers(0, 255))
def test_any_payload_is_a_vvc_stream_or_a_format_error(payload: bytes, quality: int) -> None:
    try:
        stream = payload_vvc.restore(payload, 128, 72, quality)
    except FormatError as error:
        assert str(error)
    else:
        units = list(split(stream))
        facts = sequence_facts(b"\0\0\1" + units[0])
        assert (facts.coded_width, facts.coded_height, facts.bit_depth) == (128, 72, 10)


@pytest.mark.usefixtures("needs_vvc")
@pytest.mark.parametrize("effort", EFFORTS)
def test_the_installed_encoders_parameter_sets_are_known(effort: int) -> None:
    """If a new libvvenc writes other sets: add a row to payload_vvc.KNOWN, never change one."""
    for image in (photo(64, 64), photo(200, 70), noise(136, 72), gray(72, 64)):
        result = pipeline.compress(image, CompressSettings("vvc", 20, effort=effort))
        assert result.header.form == PAYLOAD_VVC, f"{encoders.require().path} has new parameter sets"
        _, stream = pipeline.extract(result.data)
        assert stream == CODECS["vvc"].encode(color.levels_to_planes(np.asarray(image), *image.size), 20, effort)
        units = [unit for unit in split(stream) if unit[1] >> 3 in (8, 17)]
        # Start codes and parameter sets become a number; adaptation sets keep only their lengths.
        assert len(result.data) <= sum(map(len, units)) + 24


@pytest.mark.usefixtures("needs_vvc")
@pytest.mark.parametrize("effort", EFFORTS)
def test_the_parameter_sets_of_the_perceptual_mode_are_known(effort: int) -> None:
    settings = CompressSettings("vvc", 30, effort=effort, goal=PERCEPTUAL)
    for image in (photo(64, 64), photo(200, 70), noise(136, 72)):
        result = pipeline.compress(image, settings)
        assert (result.header.form, result.header.quality) == (PAYLOAD_VVC, 30)
        assert container.unpack(result.data)[1][0] >> 2 == 18 + effort
        assert pipeline.decompress(result.data).image.size == image.size


@pytest.mark.parametrize(
    ("name", "width", "number"),
    [("vvenc-color", 64, 7), ("vvenc-gray", 72, 12), ("vtm-color", 64, 16), ("vtm-gray", 72, 17)],
)
def test_streams_of_known_encoders_lose_their_parameter_sets(name: str, width: int, number: int) -> None:
    stream = golden_stream(name)
    geometry = Geometry(width, 64, gray=name.endswith("gray"))
    units = [unit for unit in split(stream) if unit[1] >> 3 in (8, 17)]
    for codec in (CODECS["vvc"], CODECS["vtm"]):
        form, payload = codec.shorten(stream, geometry, 37)
        assert (form, payload[0] >> 2) == (PAYLOAD_VVC, number)
        assert len(payload) <= sum(map(len, units))
        assert codec.restore(form, payload, geometry, 37) == stream


@pytest.mark.parametrize("name", ["vtm-twoframes", "vtm-8bit", "vtm-422", "vtm-cropped"])
def test_streams_of_another_kind_are_stored_whole(name: str) -> None:
    stored_whole(golden_stream(name), Geometry(64, 64, gray=False), 37)


def test_a_known_encoders_stream_of_another_size_or_quality_is_stored_whole() -> None:
    stored_whole(golden_stream("vtm-color"), Geometry(72, 64, gray=False), 37)
    # VTM's sets have QP 37.
    stored_whole(golden_stream("vtm-color"), Geometry(64, 64, gray=False), 36)


def stored_whole(stream: bytes, geometry: Geometry, quality: int) -> None:
    for codec in (CODECS["vvc"], CODECS["vtm"]):
        assert codec.shorten(stream, geometry, quality) == (PAYLOAD_STREAM, stream)
        assert codec.restore(PAYLOAD_STREAM, stream, geometry, quality) == stream


def golden_stream(name: str) -> bytes:
    return (GOLDEN / "streams" / f"{name}.266").read_bytes()


def test_rows_of_parameter_sets_are_for_ever() -> None:
    """Their numbers are in users' files, so the page lists all of them in this order."""
    first = golden_stream("vvenc-color")
    sps, pps = (unit.removesuffix(b"\0") for unit in list(split(first))[:2])
    assert payload_vvc.KNOWN[7] == (sps, pps, False), "preset medium without chroma offsets"
    assert payload_vvc.shorten(first, 64, 64, 30) == bytes([7 << 2]) + list(split(first))[2][2:]
    page = Path(__file__).parents[1].joinpath("docs", "format.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\d+) \| `(0079[0-9a-f]+)` \| `(0081[0-9a-f]+)` \|$", page, re.MULTILINE)
    assert listed == [(str(n), row.sps.hex(), row.pps.hex()) for n, row in enumerate(payload_vvc.KNOWN)]


@pytest.mark.usefixtures("needs_vtm")
@pytest.mark.parametrize("size", [(64, 64), (17, 90), (200, 72)])
@pytest.mark.parametrize("make", [photo, gray])
def test_vtms_parameter_sets_are_known(make: Callable[[int, int], Image.Image], size: tuple[int, int]) -> None:
    for quality in (22, 37, 51):
        result = pipeline.compress(make(*size), CompressSettings("vtm", quality))
        assert result.header.form == PAYLOAD_VVC, "this VTM has new parameter sets"
        _, stream = pipeline.extract(result.data)
        assert len(result.data) <= sum(len(unit) for unit in split(stream) if unit[1] >> 3 in (8, 17)) + 24


@pytest.mark.parametrize("payload", [b"", bytes([63 << 2]), bytes([0]), bytes([1, 200, 1, 0]), bytes([1, 2, 0, 0])])
def test_damaged_vvc_payloads(payload: bytes) -> None:
    with pytest.raises(FormatError):
        payload_vvc.restore(payload, 64, 64, 37)


def test_a_quality_that_is_no_qp_makes_no_stream() -> None:
    payload = bytes([16 << 2, 1, 2, 3])
    assert payload_vvc.restore(payload, 64, 64, 63) != payload_vvc.restore(payload, 64, 64, 62)
    with pytest.raises(FormatError, match="quality 64 is not a QP"):
        payload_vvc.restore(payload, 64, 64, 64)


def test_extract_writes_the_standard_stream(tmp_path: Path) -> None:
    file = compressed(tmp_path, "a", "-q", "30")
    result = lbic("extract", file, "-o", tmp_path / "a.jpg")
    assert "a.jpg  jpeg q30" in result.stderr
    with Image.open(tmp_path / "a.jpg") as opened, Image.open(io.BytesIO(file.read_bytes())) as plain:
        assert opened.size == plain.size
        assert (tmp_path / "a.jpg").read_bytes().startswith(b"\xff\xd8\xff\xe0")
    (record,) = records(lbic("extract", "--json", file))
    assert list(record) == list(JSON_KEYS["extract"])
    assert names(tmp_path) == {"a.lbic", "a.jpg", "a.lbic.stream"}
    assert record["bytes"] == (tmp_path / "a.lbic.stream").stat().st_size == (tmp_path / "a.jpg").stat().st_size
    assert "exists; use -f" in lbic("extract", file, code=ExitCode.FAILED).stderr


def test_extract_says_what_it_leaves_behind(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png", photo(20, 20).convert("RGBA"))
    lbic("compress", "--codec", "jpeg", picture)
    transparent = photo(20, 20).convert("RGBA")
    transparent.putalpha(100)
    lbic("compress", "-f", "--codec", "jpeg", save(tmp_path / "a.png", transparent))
    assert "note: " in (said := lbic("extract", tmp_path / "a.lbic").stderr) and "alpha is left out" in said


@pytest.mark.usefixtures("needs_vvc")
def test_other_programs_decode_what_extract_writes(tmp_path: Path) -> None:
    """Decode with ffmpeg's program if it supports VVC, else with PyAV."""
    picture = save(tmp_path / "a.png", photo(72, 64))
    lbic("compress", "--effort", "0", picture)
    lbic("extract", tmp_path / "a.lbic", "-o", tmp_path / "a.266")
    stream = (tmp_path / "a.266").read_bytes()
    assert PEERS["file:vvc"].decode(stream, Geometry(72, 64, gray=False)).size == (72, 64)
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.266")) as opened:
        assert opened.streams.video[0].codec_context.name == "vvc"
