"""Picture files read in a worker process: the same pictures, and one bad file is one error line.

test_isolation_payloads.py has the tests of the worker processes themselves.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_helpers import lbic, records
from conftest import GOLDEN
from faults import gone, posix, processes
from helpers import gray, photo, profile, ramp, written
from PIL import Image, TiffImagePlugin, TiffTags
from test_pictures import MAKERS, swapped
from toy_worker import FILE

from lbic import compressor, limits
from lbic.errors import ExitCode, ImageError, MissingError
from lbic.isolation import pictures, process, protocol, worker
from lbic.isolation.process import BadReplyError, ReaderError, Worker
from lbic.picture import save
from lbic.picture.load import Picture, load, with_alpha
from lbic.rate.request import CompressRequest

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")


def outcome(load: Callable[..., Picture], data: bytes, **options: object) -> tuple[object, ...]:
    """Return all parts of a picture, or the class and message of the error."""
    try:
        picture = load(data, **options)
    except ImageError as error:
        return type(error), str(error)
    samples, alpha = picture.image, picture.alpha
    plane = None if alpha is None else (alpha.dtype, alpha.shape, alpha.tobytes())
    seen = (samples.mode, samples.size, samples.tobytes(), plane)
    return *seen, picture.icc, picture.exif, picture.xmp, picture.notes, picture.luma_table


def order(words: str) -> bytes:
    return FILE + words.encode()


# --- the same pictures ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_every_kind_of_picture_is_the_same(name: str) -> None:
    data = MAKERS[name]()
    for options in ({}, {"keep_icc": True}, {"max_pixels": 255}):
        assert outcome(pictures.load, data, **options) == outcome(load, data, **options)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_metadata_is_the_same(suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    items: dict[str, Any] = {"icc": profile("sRGB"), "exif": exif.tobytes(), "xmp": b"<x:xmpmeta/>"}
    source = photo(24, 16) if suffix == ".jpg" else with_alpha(photo(24, 16), ramp(24, 16))
    if suffix == ".avif":
        data = written(source, "AVIF", icc_profile=items["icc"], exif=items["exif"], xmp=items["xmp"])
    else:
        data = save.encode(source, suffix, **items)
    kept = pictures.load(data, keep_icc=True)
    assert (kept.icc, kept.xmp) == (items["icc"], items["xmp"])
    assert (kept.exif is None) == (suffix == ".tif"), "a TIFF's tags are its structure"
    assert (kept.alpha is None) == (suffix == ".jpg") == (kept.luma_table is not None)
    for keep_icc in (True, False):
        assert outcome(pictures.load, data, keep_icc=keep_icc) == outcome(load, data, keep_icc=keep_icc)


@pytest.mark.parametrize("size", [(500, 401), (30_000, 3), (1, 65_535)])
@pytest.mark.parametrize("make", [photo, gray, lambda *size: with_alpha(photo(*size), ramp(*size))])
def test_pictures_of_several_bands(make: Callable[..., Image.Image], size: tuple[int, int]) -> None:
    data = written(make(*size), "PNG", compress_level=1)
    assert outcome(pictures.load, data) == outcome(load, data)


def test_a_note_of_any_letters_is_the_same() -> None:
    data = swapped().replace("Swap".encode("utf-16-be"), "\xdc\u6f22\xe9\u5b57".encode("utf-16-be"))
    data = written(photo(8, 8), "PNG", icc_profile=data)
    assert "\xdc\u6f22\xe9\u5b57" in pictures.load(data).notes[0]
    assert outcome(pictures.load, data) == outcome(load, data)


@pytest.mark.parametrize("load", [load, pictures.load])
def test_a_tiff_whose_xmp_is_a_number_has_none(load: Callable[..., Picture]) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[700], tags.tagtype[700] = 7, TiffTags.LONG
    tags[0x0112] = 1  # otherwise Pillow looks for an orientation in the XMP
    assert load(written(photo(8, 8), "TIFF", tiffinfo=tags)).xmp is None


def test_files_are_the_same(tmp_path: Path) -> None:
    data = written(with_alpha(photo(40, 30), ramp(40, 30)), "PNG", icc_profile=profile("sRGB"))
    request = CompressRequest("jpeg", keep=frozenset({"icc"}))
    wanted = compressor.Compressor(request)(data).data
    assert compressor.Compressor(request, apart=True)(data).data == wanted
    source = tmp_path / "a.png"
    source.write_bytes(data)
    lbic("compress", "--codec", "jpeg", "--keep", "icc", source)
    assert (tmp_path / "a.lbic").read_bytes() == wanted


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["", "opened "], ids=["unopened", "opened"])
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param("crash", r"crashed \(signal 11, Segmentation fault\)", marks=posix),
        ("leave", r"ended without a picture \(exit code 3\)"),
        ("raise", "failed: ZeroDivisionError: of a decoder"),
        pytest.param("swell", "needs more memory than a picture of this size may take", marks=linux),
    ],
)
def test_a_reader_that_fails_is_an_error_and_the_next_picture_goes_on(
    toy: None, when: str, words: str, sentence: str
) -> None:
    with pytest.raises(ReaderError, match=f"^the picture reader {sentence}$") as caught:
        pictures.load(order(when + words))
    assert isinstance(caught.value, ImageError)
    assert (caught.value.code, caught.value.exit_code) == ("image", ExitCode.DAMAGED)
    assert caught.value.unforeseen == (words == "raise")
    assert processes() == [], "it is not used again"
    assert pictures.load(written(photo(16, 8), "PNG")).image.size == (16, 8)


@pytest.mark.parametrize("words", ["opened other", "opened other mode", "opened long", "opened too large", "read"])
def test_an_answer_that_is_no_picture_of_that_size(toy: None, words: str) -> None:
    """No memory is allocated for it, and the worker is not used again."""
    with pytest.raises(ReaderError, match=r"^the picture reader sent a malformed reply$"):
        pictures.load(order(words), max_pixels=99 * 99 - 1)
    assert processes() == []


def test_an_answer_that_breaks_off(toy: None) -> None:
    with pytest.raises(ReaderError, match=r"^the picture reader ended without a picture \(exit code 1\)$"):
        pictures.load(order("opened break"))


GOOD: dict[str, Any] = {
    "mode": "L",
    "size": [8, 16],
    "notes": [],
    "luma_table": None,
    "alpha": False,
    "icc": None,
    "exif": 9,
    "xmp": 0,
}
WRONG: tuple[dict[str, Any], ...] = (
    *({"exif": -1}, {"exif": 1.5}, {"xmp": 10_000}, {"icc": "1"}),
    *({"size": 16}, {"size": [8.0, 16]}, {"size": [16, 9]}, {"mode": 1}),
)


@pytest.mark.parametrize("facts", [b"{", b"\xff", b"[]", b"7", *({**GOOD, **wrong} for wrong in WRONG), {"mode": "L"}])
def test_facts_that_make_no_sense(facts: bytes | dict[str, Any]) -> None:
    class Reader(Worker):
        def __init__(self, reply: bytes | dict[str, Any]) -> None:
            self.reply = reply if isinstance(reply, bytes) else json.dumps(reply).encode()

        def expect(self, outcome: int) -> int:
            return len(self.reply)

        def read(self, size: int) -> bytes:
            return self.reply

    max_length = 1000
    assert pictures._read_facts(Reader(GOOD), (16, 8), max_length) == GOOD
    with pytest.raises(BadReplyError):
        pictures._read_facts(Reader(facts), (16, 8), max_length)
    with pytest.raises(BadReplyError):
        pictures._read_facts(Reader(GOOD), (16, 8), len(Reader(GOOD).reply) - 1)


@pytest.mark.parametrize("when", ["", "opened "], ids=["unopened", "opened"])
def test_a_reader_that_hangs_is_stopped(toy: None, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    assert pictures.load(order("opened read")).image.size == (16, 8)
    (pid,) = processes()
    monkeypatch.setattr(protocol, "TIMEOUT", 0.2)
    with pytest.raises(ReaderError, match="the picture reader did not finish within 0 s and was stopped"):
        pictures.load(order(when + "hang"))
    assert gone(pid)


def test_time_grows_with_the_file_and_then_with_the_picture(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "TIMEOUT", 0)
    monkeypatch.setattr(protocol, "TIMEOUT_PER_MEGABYTE", 1e8)
    with pytest.raises(ReaderError, match="did not finish within 0 s"):
        pictures.load(order("opened hang"))
    monkeypatch.setattr(protocol, "TIMEOUT_PER_MEGAPIXEL", 1e6)
    assert pictures.load(order("opened read")).image.size == (16, 8)


def test_a_refusal_keeps_the_process(toy: None) -> None:
    for data, sentence in (
        (order("refuse"), "the stream is damaged"),
        (b"no picture", "not a picture that lbic reads"),
    ):
        with pytest.raises(ImageError, match=sentence) as caught:
            pictures.load(data)
        assert type(caught.value) is ImageError
    assert len(processes()) == 1


def test_a_reader_that_does_not_start_is_not_the_pictures_fault(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MODULE", "no.such.module")
    with pytest.raises(MissingError, match=r"the worker process ended at its start \(1\)"):
        pictures.load(order("read"))


@posix
def test_a_reader_that_hangs_ends_by_itself_when_nobody_waits_any_more() -> None:
    """It ends itself; its time is set again once the picture's size is known."""
    data = order("opened hang")
    fields = protocol.FILE.pack(limits.MAX_PIXELS, 0)
    request = protocol.REQUEST.pack(protocol.READ, 0, len(data)) + fields + data
    command, place = [sys.executable, "-m", "toy_worker"], Path(__file__).parent
    done = subprocess.run(command, input=request, capture_output=True, timeout=30, cwd=place, check=False)
    ready, size = protocol.REPLY.pack(protocol.READY, 0), protocol.SIZE.pack(16, 8)
    assert done.stdout == ready + protocol.REPLY.pack(protocol.OPENED, len(size)) + size
    assert done.returncode == worker._ABANDONED


# --- commands ------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("command", ["compress --codec jpeg", "enhance --type 0"])
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_crash_is_one_error_line_of_a_batch(tmp_path: Path, toy: None, command: str, jobs: int) -> None:
    files = {"a": written(photo(16, 8), "PNG"), "bad": order("crash"), "c": written(photo(16, 8), "TIFF")}
    files |= {"hungry": order("opened leave"), "odd": order("raise"), "z": written(photo(16, 8), "JPEG")}
    paths = []
    for name, data in files.items():
        paths.append(tmp_path / f"{name}.png")
        paths[-1].write_bytes(data)
    result = lbic(*command.split(), "-j", jobs, *paths, code=ExitCode.FAILED)
    lines = result.stderr.splitlines()
    assert [line for line in lines if line.startswith("lbic: error")] == [
        f"lbic: error: {tmp_path}/bad.png: the picture reader crashed (signal 11, Segmentation fault)",
        f"lbic: error: {tmp_path}/hungry.png: the picture reader ended without a picture (exit code 3)",
        f"lbic: error: {tmp_path}/odd.png: the picture reader failed: ZeroDivisionError: of a decoder",
    ]
    assert f"3 {command.split()[0]}".removesuffix("e") in lines[-1] and "3 failed" in lines[-1]
    assert len({*tmp_path.iterdir()} - {*paths}) == 3
    (record,) = records(lbic(*command.split(), "-f", "--json", paths[1], code=ExitCode.DAMAGED))
    assert record["error"]["code"] == "image"


def test_commands_that_read_start_a_process_before_their_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[int] = []
    monkeypatch.setattr(process, "prepare", requests.append)
    for command in ("compress", "enhance", "info"):
        lbic(command, "-h")
    assert requests == [protocol.READ, protocol.READ]


def test_functions_read_in_process(toy: None) -> None:
    """The library starts no process unless the caller wants it."""
    compressor.Compressor(CompressRequest("jpeg"))(written(photo(16, 8), "PNG"))
    assert processes() == []


def test_reading_a_photo_needs_neither_numpy_nor_codecs() -> None:
    """Without these imports a worker starts in half the time."""
    data = (GOLDEN / "jpeg-standard.png").read_bytes()
    fields = protocol.FILE.pack(limits.MAX_PIXELS, 0)
    request = protocol.REQUEST.pack(protocol.READ, 9, len(data)) + fields + data
    command = [sys.executable, "-X", "importtime", "-m", process.MODULE, str(protocol.READ)]
    done = subprocess.run(command, input=request, capture_output=True, timeout=60, check=False)
    with Image.open(GOLDEN / "jpeg-standard.png") as picture:
        assert done.stdout.endswith(picture.tobytes())
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.decode().splitlines()}
    assert "lbic.picture.load" in loaded
    assert not loaded & {"numpy", "lbic.codecs.table"}
