"""Peers: the formats that lbic is compared with write real files and decode them."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from helpers import gray, noise, photo, profile, psnr
from PIL import Image

from lbic import pipeline
from lbic.codecs import encoders
from lbic.codecs.base import Geometry
from lbic.errors import CodecError, LbicError, MissingError
from lbic.evaluate import ffmpeg
from lbic.evaluate.peers import PEERS, PREFIX, Peer, quality_table

BETTER = {"file:jp2": (20, 60), "file:hevc": (27, 40), "file:vvc": (27, 40), "file:vtm": (27, 40)}
"""Two qualities of a peer, the better one first; 80 and 30 for the others."""
HEADS = {
    "file:jpeg": b"\xff\xd8\xff",
    "file:webp": b"RIFF",
    "file:avif": b"\x00\x00\x00",
    "file:jp2": b"\xff\x4f\xff\x51",
    "file:jxl": b"\xff\x0a",
}
"""The first bytes of a file; other peers begin with the start code of a video codec."""


@pytest.fixture(params=list(PEERS))
def peer(request: pytest.FixtureRequest) -> Peer:
    """Each peer that works on this machine."""
    row = PEERS[request.param]
    if sentence := row.availability():
        pytest.skip(sentence)
    return row


def through(peer: Peer, picture: Image.Image, quality: int) -> tuple[bytes, Image.Image]:
    data = peer.encode(picture, quality, 0)
    return data, peer.decode(data, Geometry(*picture.size, gray=picture.mode == "L"))


def test_facts(peer: Peer) -> None:
    low, high = peer.quality_range
    assert low <= peer.default_quality <= high
    assert peer.name.startswith(PREFIX)
    assert f"{peer.name} {low}..{high}" in quality_table()


@pytest.mark.parametrize("make", [photo, gray])
def test_files_are_real_and_better_ones_are_larger(peer: Peer, make: Callable[..., Image.Image]) -> None:
    picture = make(130, 67)
    (large, good), (small, bad) = (through(peer, picture, q) for q in BETTER.get(peer.name, (80, 30)))
    assert large.startswith(HEADS.get(peer.name, b"\x00\x00"))
    assert len(large) > len(small)
    assert good.size == bad.size == picture.size
    quality, worse = (psnr(picture, decoded.convert(picture.mode)) for decoded in (good, bad))
    assert quality > worse > 20
    assert quality > 27


@pytest.mark.parametrize("size", [(1, 1), (17, 5)])
def test_small_pictures(peer: Peer, size: tuple[int, int]) -> None:
    assert through(peer, noise(*size), peer.default_quality)[1].size == size


def test_nothing_but_the_picture_is_stored(peer: Peer) -> None:
    picture = photo(40, 40)
    data = peer.encode(picture, peer.default_quality, 0)
    picture.info = {"icc_profile": profile("sRGB"), "comment": b"x" * 500}
    assert peer.encode(picture, peer.default_quality, 0) == data
    assert "icc_profile" in picture.info, "the caller's picture is unchanged"


def test_damaged_files_are_errors(peer: Peer) -> None:
    with pytest.raises(LbicError):
        peer.decode(b"damaged", Geometry(40, 40, gray=False))


def test_a_jpeg_is_progressive_with_half_the_chroma() -> None:
    with Image.open(io.BytesIO(PEERS["file:jpeg"].encode(photo(40, 40), 20, 0))) as image:
        assert image.info["progressive"]
        assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]  # type: ignore[attr-defined]


def test_jpeg_2000_codes_colours_by_the_irreversible_transform() -> None:
    data = PEERS["file:jp2"].encode(photo(40, 40), 40, 0)
    # Marker COD: length, Scod, progression, layers, then the transform (T.800, A.6.1).
    style = data.index(b"\xff\x52")
    assert data[style + 8] == 1


@pytest.mark.usefixtures("needs_vvc")
def test_a_bare_stream_is_the_codecs() -> None:
    picture = photo(72, 64)
    file = pipeline.compress(picture, pipeline.CompressSettings("vvc", 37, effort=1)).data
    assert PEERS["file:vvc"].encode(picture, 37, 1) == pipeline.extract(file)[1]


@pytest.mark.parametrize(("quality", "distance"), [(100, 0.1), (90, 1.0), (30, 6.4), (11, 14.488)])
def test_jpeg_xl_qualities_are_cjxls(quality: int, distance: float) -> None:
    assert ffmpeg.jxl_distance(quality) == pytest.approx(distance, abs=1e-3)


def test_the_range_of_jpeg_xl_is_what_ffmpeg_takes() -> None:
    low, high = PEERS["file:jxl"].quality_range
    assert ffmpeg.jxl_distance(low) <= 15 < ffmpeg.jxl_distance(low - 1)
    assert ffmpeg.jxl_distance(high) > 0


@pytest.mark.parametrize("name", ["file:jxl", "file:hevc"])
def test_a_missing_program_is_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "ffmpeg_with", lambda _: None)
    peer = PEERS[name]
    assert "install imageio-ffmpeg" in str(peer.availability())
    with pytest.raises(MissingError, match="no ffmpeg with lib"):
        peer.encode(photo(16, 16), peer.default_quality, 0)


def test_a_picture_too_large_for_a_format_is_an_error_of_the_codec() -> None:
    with pytest.raises(CodecError, match="Pillow cannot write the picture as WEBP"):
        PEERS["file:webp"].encode(Image.new("RGB", (16384, 1)), 20, 0)
