"""Decoders in worker processes: crashes, hangs, memory limits, and the life of the workers."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import lbic, records
from conftest import GOLDEN
from faults import gone, posix, processes
from helpers import planes_equal

from lbic import pipeline
from lbic.codecs.base import Geometry
from lbic.codecs.table import CODECS
from lbic.color import Planes
from lbic.errors import LONGEST_WORDS, CodecError, ExitCode, MissingError
from lbic.format import container
from lbic.format.container import Header
from lbic.isolation import payloads, process, protocol, worker
from lbic.isolation.process import DecoderError
from lbic.pipeline import DecompressSettings
from lbic.system import cores

SMALL = Geometry(16, 8, gray=True)
GRAY = Planes(np.full((8, 16), 0.5, np.float32))


def ask(order: str, geometry: Geometry = SMALL) -> Planes:
    return payloads.decode(CODECS["jpeg"], order.encode(), geometry)


def file_of(order: str) -> bytes:
    return container.pack(Header("jpeg", 50, 16, 8, gray=True), order.encode())


# --- the same pictures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["vvc-colour", "vvencapp-gray", "vvc-odd-half", "jpeg-alpha-icc", "webp-gray", "avif-colour"]
)
def test_planes_are_those_of_the_codec(name: str) -> None:
    header, stream = pipeline.extract((GOLDEN / f"{name}.lbic").read_bytes())
    codec, geometry = CODECS[header.codec], Geometry(*header.coded_size, header.gray)
    assert planes_equal(payloads.decode(codec, stream, geometry), codec.decode(stream, geometry))


def test_pictures_are_those_of_the_pipeline() -> None:
    data = (GOLDEN / "jpeg-alpha-icc.lbic").read_bytes()
    apart = pipeline.decompress(data, DecompressSettings(apart=True))
    assert np.array_equal(np.asarray(apart.image), np.asarray(pipeline.decompress(data).image))


def test_a_refused_stream_is_refused_in_the_same_words() -> None:
    data = container.pack(Header("jpeg", 50, 16, 16), b"no JPEG")
    for apart in (False, True):
        with pytest.raises(CodecError, match="the JPEG stream is damaged: its first bytes are wrong") as caught:
            pipeline.verify(data, apart=apart)
        assert type(caught.value) is CodecError


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        pytest.param("crash", r"the jpeg decoder crashed \(signal 11, Segmentation fault\)", marks=posix),
        ("leave", r"the jpeg decoder ended without a picture \(exit code 3\)"),
        ("raise", "the jpeg decoder failed: ZeroDivisionError: of a decoder"),
        ("other", "the jpeg decoder sent a malformed reply"),
        pytest.param(
            "swell",
            "the jpeg decoder needs more memory than a picture of this size may take",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory"),
        ),
    ],
)
def test_a_decoder_that_fails_is_an_error_and_the_next_picture_goes_on(toy: None, order: str, sentence: str) -> None:
    with pytest.raises(DecoderError, match=sentence) as caught:
        ask(order)
    assert caught.value.exit_code == ExitCode.DAMAGED
    assert caught.value.unforeseen == (order == "raise")
    assert processes() == [], "it is not used again"
    assert planes_equal(ask("decode"), GRAY)


def test_a_decoder_that_hangs_is_stopped(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("decode")
    (pid,) = processes()
    monkeypatch.setattr(protocol, "TIMEOUT", 0.2)
    with pytest.raises(DecoderError, match="the jpeg decoder did not finish within 0 s and was stopped"):
        ask("hang")
    assert gone(pid)


def test_the_time_limit_grows_with_the_picture(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "TIMEOUT", 0)
    monkeypatch.setattr(protocol, "TIMEOUT_PER_MEGAPIXEL", 60)
    assert ask("decode", Geometry(1000, 1000, gray=True)).height == 1000


def test_what_a_library_prints_is_no_answer(toy: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert planes_equal(ask("babble"), GRAY)
    assert capfd.readouterr() == ("", "")


def test_sentences_have_an_end(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CodecError, match="xxx") as caught:
        ask("ramble")
    assert len(str(caught.value)) == LONGEST_WORDS
    monkeypatch.setattr(process, "LONGEST", protocol.LONGEST - 1)
    with pytest.raises(DecoderError, match="sent a malformed reply"):
        ask("ramble")


def test_a_refusal_keeps_the_process(toy: None) -> None:
    ask("decode")
    before = processes()
    with pytest.raises(CodecError, match="the stream is damaged"):
        ask("refuse")
    assert processes() == before


@posix
def test_a_process_that_died_while_it_waited_is_replaced(toy: None) -> None:
    ask("decode")
    (pid,) = processes()
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    assert planes_equal(ask("decode"), GRAY)
    assert processes() != [pid]


def test_a_process_that_does_not_start_is_not_the_pictures_fault(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MODULE", "no.such.module")
    with pytest.raises(MissingError, match=r"process ended at its start \(1\); 'python -m no.such.module' shows why"):
        ask("decode")
    monkeypatch.setattr(process, "MODULE", "http.server")  # which never sends READY
    monkeypatch.setattr(process, "START_TIMEOUT", 0.1)
    with pytest.raises(MissingError, match="did not start within 0 s"):
        ask("decode")
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(MissingError, match="cannot start a worker process: No such file"):
        ask("decode")
    process.prepare(protocol.DECODE)
    assert processes() == []


# --- many pictures -------------------------------------------------------------------------------


def test_pictures_share_one_process(toy: None) -> None:
    ask("decode")
    before = processes()
    for _ in range(5):
        ask("decode")
    assert processes() == before
    process.prepare(protocol.DECODE)
    assert processes() == before


def test_threads_decode_at_the_same_time(toy: None) -> None:
    with ThreadPoolExecutor(3) as pool:
        for planes in pool.map(ask, ["decode"] * 30):
            assert planes_equal(planes, GRAY)
    assert 1 <= len(processes()) <= 3


def test_a_worker_is_lent_to_one_thread_at_a_time(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "cores", lambda: 2)
    with process.borrow() as first, process.borrow() as second:
        assert first is not second
    assert processes() == [second.pid, first.pid]
    with process.borrow() as third:
        assert third is first, "an idle worker comes before a new one"


@pytest.mark.parametrize(("jobs", "count", "kept"), [(1, 2, 2), (3, 2, 3), (1, 1, 1)])
def test_no_more_idle_workers_are_kept_than_can_be_useful(
    toy: None, monkeypatch: pytest.MonkeyPatch, jobs: int, count: int, kept: int
) -> None:
    monkeypatch.setattr(cores, "cores", lambda: count)
    with cores.shared_by(jobs), process.borrow() as one, process.borrow() as two, process.borrow() as three:
        pids = [worker.pid for worker in (three, two, one)]
    assert processes() == pids[:kept]
    assert all(gone(pid) for pid in pids[kept:])


def test_a_crash_is_one_error_line_of_a_batch(tmp_path: Path, toy: None) -> None:
    names = ["a", "bad", "c", "worse", "e"]
    for name, order in zip(names, ["decode", "crash", "decode", "leave", "decode"], strict=True):
        (tmp_path / f"{name}.lbic").write_bytes(file_of(order))
    for jobs in (1, 3):
        paths = [tmp_path / f"{name}.lbic" for name in names]
        command = ("decompress", "-f", "--type", "0", "-j", jobs)
        result = lbic(*command, *paths, code=ExitCode.FAILED)
        lines = result.stderr.splitlines()
        assert [line for line in lines if line.startswith("lbic: error")] == [
            f"lbic: error: {tmp_path}/bad.lbic: the jpeg decoder crashed (signal 11, Segmentation fault)",
            f"lbic: error: {tmp_path}/worse.lbic: the jpeg decoder ended without a picture (exit code 3)",
        ]
        assert lines[-1].startswith("3 decompressed, 2 failed  ")
    (record,) = records(lbic("verify", "--json", paths[1], code=ExitCode.DAMAGED))
    assert record["error"]["code"] == "codec"


# --- ends ----------------------------------------------------------------------------------------


def command(*arguments: object) -> subprocess.Popen[bytes]:
    """Start the command line with toy workers."""
    script = "from lbic.isolation import process\nprocess.MODULE = 'toy_worker'\nfrom lbic.cli.main import main\nmain()"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    line = [sys.executable, "-c", script, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, stdin=pipe, stderr=pipe, start_new_session=True, env=environment)


def wait_for(path: Path) -> int:
    """Return the id of the worker that hangs, once it has written it to ``path``."""
    deadline = time.monotonic() + 30
    while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(path.read_text())


@posix
@pytest.mark.parametrize("signalled", [os.killpg, os.kill], ids=["terminal", "lbic alone"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_the_decoders(tmp_path: Path, jobs: int, signalled: Callable[[int, int], None]) -> None:
    files = [tmp_path / "a.lbic", tmp_path / "b.lbic"]
    for file in files:
        file.write_bytes(file_of(f"hang {file}.pid"))
    with command("verify", "-j", jobs, *files) as running:
        pids = [wait_for(Path(f"{file}.pid")) for file in files[:jobs]]
        signalled(running.pid, signal.SIGINT)
        _, stderr = running.communicate(timeout=20)
    assert running.returncode == ExitCode.INTERRUPTED, stderr
    assert stderr.decode().splitlines()[-1] == "lbic: error: interrupted"
    assert all(gone(pid) for pid in pids)


@posix
def test_a_decoder_ends_with_a_command_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "a.lbic"
    file.write_bytes(file_of(f"decode {file}.pid"))
    with command("verify", file, "-") as running:  # it waits for the second file
        pid = wait_for(Path(f"{file}.pid"))
        running.kill()
    assert gone(pid)


@posix
def test_a_decoder_that_hangs_ends_by_itself_when_nobody_waits_any_more() -> None:
    """The worker ends itself: nobody can send requests any more, and its time is over."""
    fields = protocol.STREAM.pack(b"jpeg", True, 16, 8)
    request = protocol.REQUEST.pack(protocol.DECODE, 0, len(b"hang")) + fields + b"hang"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-m", "toy_worker"],
        input=request,
        capture_output=True,
        timeout=30,
        env=environment,
        check=False,
    )
    assert done.returncode == worker._ABANDONED


@posix
def test_a_decoder_that_computes_for_ever_ends_by_itself(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its alarm counts processor time and ends it, even if the parent does not."""
    ask("decode")
    monkeypatch.setattr(protocol, "TIMEOUT", 0)
    monkeypatch.setattr(process.Worker, "set_time_limit", lambda *_: None)
    with pytest.raises(DecoderError, match=r"did not finish within .* and was stopped"):
        ask("burn")


# --- the process itself --------------------------------------------------------------------------


def test_a_request_that_is_cut_off_ends_it() -> None:
    whole = protocol.REQUEST.pack(protocol.READ, 5, 0)
    for requests in (b"", b"\x03", whole[:-1], whole, whole + protocol.FILE.pack(1, True)[:-1]):
        replies = io.BytesIO()
        worker.serve(io.BytesIO(requests), replies)
        assert replies.getvalue() == protocol.REPLY.pack(protocol.READY, 0)
