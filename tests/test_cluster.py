"""Compressing on a Ray cluster: a real one of two CPUs on this machine, shared by all tests."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cli_helpers import PROGRAM, lbic, names, program, records, save
from conftest import skip_or_fail
from helpers import photo

from lbic import cluster
from lbic.cluster import Cluster, compress_many
from lbic.compressor import Compressor
from lbic.errors import ClusterError, ExitCode, FormatError, LbicError, MissingError
from lbic.pipeline import Compressed
from lbic.rate.request import CompressRequest
from lbic.system import ray_client

JPEG = ("compress", "--codec", "jpeg")
JPEG_COMPRESSOR = Compressor(CompressRequest(codec="jpeg"))
ENVIRONMENT = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "f" * 32, "RAY_USAGE_STATS_ENABLED": "0"}
"""A token in the environment; otherwise Ray writes one to the user's home."""


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)  # before the import, which reads them
        try:
            module = pytest.importorskip("ray", "2.52", "pip install 'lbic[ray]'", exc_type=ImportError)
        except pytest.skip.Exception as skipped:
            skip_or_fail("ray", str(skipped))
        module.init(
            address="local", num_cpus=2, object_store_memory=80_000_000, include_dashboard=False, log_to_driver=False
        )
        ray_client._talk(False)
        yield module
        # Ray leaves its processes to the system, with a ResourceWarning for each.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            module.shutdown()
            gc.collect()
        ray_client._talk(True)


@pytest.fixture
def connected(ray: Any) -> Iterator[Cluster]:
    with cluster.connect("auto") as one:
        yield one


def failing(marker: Path, times: int, how: str) -> Callable[[bytes], Compressed]:
    """Return a compressor whose first ``times`` tasks crash or divide by zero.

    All of it is within one function, which is sent as code: the cluster cannot import this file.
    """

    def compress(data: bytes) -> Compressed:
        with marker.open("a") as file:
            file.write("x")
        if marker.stat().st_size <= times:
            if how == "crash":
                os._exit(1)
            raise ZeroDivisionError("by design")
        return Compressor(CompressRequest(codec="jpeg"))(data)

    return compress


def test_the_same_files_and_report_as_without(ray: Any, tmp_path: Path) -> None:
    for name in ("a.png", "x/b.png", "c.png"):
        save(tmp_path / "photos" / name)
    (tmp_path / "photos" / "d.png").write_bytes(b"not a picture")
    results = {}
    for name, more in (("here", ()), ("there", ("--ray", "auto"))):
        results[name] = lbic(
            *JPEG, "--json", *more, "-r", tmp_path / "photos", "-o", tmp_path / name, code=ExitCode.FAILED
        )
    assert names(tmp_path / "there") == names(tmp_path / "here") == {"a.lbic", "c.lbic", str(Path("x", "b.lbic"))}
    for name in names(tmp_path / "here"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()

    def untimed(said: str) -> list[str]:
        return re.sub(r"  [0-9.]+ s$", "", said, flags=re.MULTILINE).splitlines()

    def told(name: str) -> list[dict[str, Any]]:
        return [{**record, "output": None, "seconds": None} for record in records(results[name])]

    assert told("there") == told("here")
    *same, listed = untimed(results["there"].stderr)
    assert same == untimed(results["here"].stderr)
    assert listed.startswith(f"  failed: {tmp_path / 'photos' / 'd.png'}: not a picture")


def test_a_target_is_reached_there(ray: Any, tmp_path: Path) -> None:
    lbic(*JPEG, "--target-size", 900, "--ray", "auto", save(tmp_path / "a.png", photo(96, 64)))
    assert 600 < (tmp_path / "a.lbic").stat().st_size <= 900


def test_a_small_window_keeps_the_order(ray: Any, tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{number}.png") for number in range(5)]
    paths.insert(2, tmp_path / "missing.png")
    asked: list[int] = []

    def source() -> Iterator[Path]:
        for number, path in enumerate(paths):
            asked.append(number)
            yield path

    yielded = []
    for path, result in compress_many(source(), JPEG_COMPRESSOR, "auto", in_flight=2):
        yielded.append(path)
        assert isinstance(result, Compressed) != (path.name == "missing.png")
        assert len(asked) <= len(yielded) + 2, "no more than two are read ahead"
    assert yielded == paths


@pytest.mark.parametrize(
    ("how", "why"), [("crash", "the worker died unexpectedly"), ("divide", "ZeroDivisionError: by design")]
)
def test_a_lost_task_is_tried_once_more(
    connected: Cluster, tmp_path: Path, how: str, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = save(tmp_path / "a.png").read_bytes()
    done = connected.compress(failing(tmp_path / "once", 1, how), data)
    assert done.data == JPEG_COMPRESSOR(data).data
    assert done.notes[-1].startswith(cluster.SECOND_TRY + why)
    with pytest.raises(ClusterError, match=f"failed twice on the cluster: {why}"):
        connected.compress(failing(tmp_path / "always", 9, how), data)
    assert (tmp_path / "always").read_text() == "xx", "tried twice, no more"
    assert capfd.readouterr() == ("", ""), "Ray says nothing"


def test_an_error_of_the_picture_is_no_reason_to_try_again(connected: Cluster, tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    def refuse(data: bytes) -> Compressed:
        with marker.open("a") as file:
            file.write("x")
        raise FormatError("damaged")

    with pytest.raises(FormatError, match=r"^damaged$"):
        connected.compress(refuse, b"")
    assert marker.read_text() == "x"


def test_second_tries_are_listed_in_the_end(ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [save(tmp_path / f"{name}.png") for name in "ab"]
    once = failing(tmp_path / "marker", 1, "crash")
    compress = Cluster.compress
    monkeypatch.setattr(Cluster, "compress", lambda self, _function, data: compress(self, once, data))
    lines = lbic(*JPEG, "-j", 1, "--ray", "auto", *sources).stderr.splitlines()
    assert lines[0].startswith(f"lbic: note: {sources[0]}: {cluster.SECOND_TRY}")
    assert lines[3].startswith("2 compressed  ")
    assert [line.split(": ")[0] for line in lines[4:]] == [f"  {sources[0]}"]


def test_another_lbic_on_the_cluster_is_refused(ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "__version__", "99.0")
    source = save(tmp_path / "a.png")
    told = lbic(*JPEG, "--ray", "auto", source, code=ExitCode.MISSING).stderr
    assert "of the Ray cluster has lbic " in told
    assert told.endswith("; lbic 99.0 is needed there, as here\n")
    assert names(tmp_path) == {"a.png"}


def test_a_codec_that_is_missing_there(connected: Cluster) -> None:
    with pytest.raises(MissingError, match=r"codec unheard cannot compress on .* of the Ray cluster: unknown"):
        connected.check("unheard")


def test_what_runs_ends_with_the_connection(connected: Cluster, tmp_path: Path) -> None:
    started = time.monotonic()

    def slow(data: bytes) -> Compressed:
        (tmp_path / "started").touch()
        time.sleep(2)
        raise LbicError("not interrupted")

    def end() -> None:
        while not (tmp_path / "started").exists() and time.monotonic() - started < 30:
            time.sleep(0.02)
        connected.end()

    ending = Thread(target=end)
    ending.start()
    with pytest.raises(LbicError, match=r"^interrupted$"):
        connected.compress(slow, b"")
    ending.join()
    with pytest.raises(LbicError, match=r"^interrupted$"):
        connected.compress(JPEG_COMPRESSOR, b"")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_a_cluster_of_its_own(ray: Any, tmp_path: Path) -> None:
    encoder = tmp_path / "bin" / "ffmpeg"
    encoder.parent.mkdir()
    encoder.write_text(
        '#!/bin/sh\ncase "$*" in *encoder=*) echo libvvenc;; *) echo $$ > "$0.started"; exec sleep 60;; esac\n'
    )
    encoder.chmod(0o755)
    started = encoder.with_name("ffmpeg.started")
    sources = [save(tmp_path / "pictures" / f"{name}.png") for name in "abc"]
    environment = {**os.environ, **ENVIRONMENT, "LBIC_VVC_ENCODER": str(encoder)}
    command = [*PROGRAM, "compress", "--ray", "local", *map(str, sources)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True, env=environment) as process:
        deadline = time.monotonic() + 240
        while not (started.exists() and started.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == ExitCode.INTERRUPTED, said
    assert said.decode().split() == ["lbic:", "error:", "interrupted"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert names(tmp_path / "pictures") == {"a.png", "b.png", "c.png"}


def test_without_ray_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = lbic(*JPEG, "--ray", "auto", save(tmp_path / "a.png"), code=ExitCode.MISSING)
    assert result.stderr == "lbic: error: Ray is not installed; pip install 'lbic[ray]'\n"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "connection refused"),
        ("ray://127.0.0.1:1", "connection refused"),
        ("nonsense", "invalid address format: nonsense"),
    ],
)
def test_a_cluster_that_is_not_there(ray: Any, tmp_path: Path, address: str, why: str) -> None:
    done = program(*JPEG, "--ray", address, save(tmp_path / "a.png"))
    assert done.returncode == ExitCode.MISSING
    assert done.stderr.decode() == f"lbic: error: cannot connect to the Ray cluster at {address}: {why}\n"


def test_a_name_that_no_machine_can_have() -> None:
    with pytest.raises(MissingError, match=r"cannot connect to the Ray cluster at ray://a\.\.b:10001"):
        ray_client._find("ray://a..b:10001")


def test_the_trial_imports_nothing_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lbic").mkdir()
    (tmp_path / "lbic" / "__init__.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    run, seen = subprocess.run, []

    def without_ray(command: list[str], **options: Any) -> Any:
        seen.append(run([*command[:-1], "nowhere"], **options | {"timeout": 60}))
        return seen[0]

    monkeypatch.setattr(subprocess, "run", without_ray)
    with pytest.raises(MissingError, match="cannot connect to the Ray cluster at auto"):
        ray_client._find("auto")
    assert "not this one" not in seen[0].stderr
