"""VVC streams: bit-exact against a second decoder, gray, and streams refused undecoded."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from conftest import GOLDEN
from helpers import gray, noise, photo
from PIL import Image

from lbic import color
from lbic.codecs import encoders, vvc
from lbic.codecs.base import Geometry
from lbic.codecs.table import CODECS
from lbic.color import Planes
from lbic.errors import CodecError

STREAMS = GOLDEN / "streams"


def stream(name: str) -> bytes:
    return (STREAMS / f"{name}.266").read_bytes()


def second_decoder(data: bytes, folder: Path) -> bytes:
    """Return the raw samples from imageio-ffmpeg's program, decoded with one thread."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    source = folder / "in.266"
    source.write_bytes(data)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", "1", "-f", "vvc", "-i", str(source)]
    done = subprocess.run([*command, "-f", "rawvideo", "pipe:1"], capture_output=True, check=True, timeout=60)
    return done.stdout


def agree(data: bytes, folder: Path) -> bool:
    ours = b"".join(plane.astype("<u2").tobytes() for plane in vvc.decode_levels(data))
    return ours == second_decoder(data, folder)


@pytest.mark.usefixtures("needs_vvc")
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (65, 33), (129, 70), (300, 20)], ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("quality", [22, 37])
def test_two_decoders_agree_on_every_sample(size: tuple[int, int], quality: int, tmp_path: Path) -> None:
    planes = color.rgb_to_planes(np.asarray(photo(*size)))
    assert agree(CODECS["vvc"].encode(planes, quality, 0), tmp_path)


@pytest.mark.parametrize("name", ["vvenc-color", "vvenc-gray", "vtm-color", "vtm-gray"])
def test_two_decoders_agree_on_streams_of_other_encoders(name: str, tmp_path: Path) -> None:
    assert agree(stream(name), tmp_path)


def test_one_thread_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    # With more threads, pictures one CTU wide decode differently from run to run.
    made: list[Any] = []
    create = av.CodecContext.create

    def watch(*arguments: Any) -> Any:
        made.append(create(*arguments))
        return made[-1]

    monkeypatch.setattr(av, "CodecContext", SimpleNamespace(create=watch))
    vvc.decode_levels(stream("vvenc-color"))
    assert [context.thread_count for context in made] == [1]


@pytest.mark.slow
@pytest.mark.usefixtures("needs_vvc")
def test_two_decoders_agree_on_real_photos(pictures: Path, tmp_path: Path) -> None:
    for path in sorted((pictures / "kodak").glob("*.png"))[::6]:
        with Image.open(path) as image:
            planes = color.rgb_to_planes(np.asarray(image))
        assert agree(CODECS["vvc"].encode(planes, 37, 0), tmp_path), path.name


@pytest.mark.parametrize("name", ["vvenc-gray", "vtm-gray"])
def test_true_gray_streams_decode_to_one_plane(name: str) -> None:
    planes = vvc.decode(stream(name), Geometry(71, 60, gray=True))
    assert planes.gray and planes.y.shape == (60, 71)
    expected = color.from_levels(np.asarray(gray(72, 64)), 255)[:60, :71]
    assert np.abs(planes.y - expected).mean() * 255 < 12


@pytest.mark.usefixtures("needs_vvc")
def test_gray_coded_with_neutral_chroma_comes_back_gray() -> None:
    planes = Planes(color.from_levels(np.asarray(gray(33, 21)), 255))
    raw, size = vvc.to_raw(planes, neutral_chroma=True)
    assert size == (64, 64) and len(raw) == 64 * 64 * 3
    data = CODECS["vvc"].encode(planes, 30, 0)
    assert vvc.decode(data, Geometry(33, 21, gray=True)).gray


def test_raw_samples_are_padded_by_repeating_the_edge() -> None:
    planes = Planes(np.array([[0.0, 1.0], [0.5, 0.25]], np.float32))
    raw, size = vvc.to_raw(planes, neutral_chroma=False)
    levels = np.frombuffer(raw, "<u2").reshape(size[1], size[0])
    assert size == (64, 64)
    assert levels[:2, :2].tolist() == [[0, 1023], [512, 256]]
    assert (levels[0, 1:] == 1023).all() and (levels[1:, 0] == 512).all() and (levels[1:, 1:] == 256).all()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("vtm-8bit", "8 bits per sample, not 10"),
        ("vtm-422", "the VVC stream is 4:2:2, the header says 4:2:0"),
        ("vtm-444", "the VVC stream is 4:4:4, the header says 4:2:0"),
        ("vtm-cropped", "the VVC stream is 62x62, the header's 64x64 needs 64x64"),
        ("vtm-twoframes", "2 sequence parameter sets instead of one"),
    ],
)
def test_standard_streams_that_lbic_never_writes_are_refused_undecoded(
    name: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_: bytes) -> None:
        raise AssertionError("the stream was decoded")

    monkeypatch.setattr(vvc, "decode_levels", unreachable)
    with pytest.raises(CodecError, match=sentence):
        vvc.decode(stream(name), Geometry(64, 64, gray=False))


def test_a_second_picture_hidden_behind_the_first_is_refused() -> None:
    one = stream("vvenc-color")
    with pytest.raises(CodecError, match="2 sequence parameter sets"):
        vvc.decode(one + stream("vvenc-gray"), Geometry(64, 64, gray=False))
    picture = one[one.rindex(b"\0\0\1") :]
    with pytest.raises(CodecError, match="the VVC stream is damaged"):
        vvc.decode(one + picture, Geometry(64, 64, gray=False))


def test_what_the_decoder_returns_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    planes = vvc.decode_levels(stream("vvenc-color"))
    monkeypatch.setattr(vvc, "decode_levels", lambda _: [plane[:32] for plane in planes])
    with pytest.raises(CodecError, match="decoded to 64x32, not 64x64"):
        vvc.decode(stream("vvenc-color"), Geometry(64, 64, gray=False))
    monkeypatch.setattr(vvc, "decode_levels", lambda _: planes[:1])
    with pytest.raises(CodecError, match="gray, the header says colour"):
        vvc.decode(stream("vvenc-color"), Geometry(64, 64, gray=False))


@pytest.mark.usefixtures("needs_vvc")
def test_noise_that_overflows_ffmpegs_buffer_is_explained() -> None:
    if encoders.require().kind != "ffmpeg":
        pytest.skip("the encoder here is vvencapp, which has no such limit")
    planes = color.rgb_to_planes(np.asarray(noise(64, 64)))
    with pytest.raises(CodecError, match="one byte per pixel, too little for noise at a low QP"):
        CODECS["vvc"].encode(planes, 0, 0)


def test_no_memory_is_not_a_damaged_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(*_: object) -> None:
        raise av.error.MemoryError(12, "Cannot allocate memory")

    context = SimpleNamespace(decode=create)
    monkeypatch.setattr(av.CodecContext, "create", lambda *_: context)
    with pytest.raises(MemoryError):
        vvc.decode_levels(b"stream")
