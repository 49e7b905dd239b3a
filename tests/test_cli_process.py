"""lbic as a process: pipes, full disks, signals, start-up time and exit codes."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_helpers import PROGRAM, SIZE, compressed, names, program, save
from helpers import photo
from PIL import Image

from lbic.errors import ExitCode

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals, limits and devices")
JPEG = ("compress", "--codec", "jpeg")


def test_a_picture_goes_through_pipes() -> None:
    out = io.BytesIO()
    photo(*SIZE).save(out, "PNG")
    small = program(*JPEG, "-", input=out.getvalue())
    assert small.returncode == ExitCode.OK
    back = program("decompress", "-", "--type", "0", input=small.stdout)
    assert back.returncode == ExitCode.OK
    with Image.open(io.BytesIO(back.stdout)) as picture:
        assert (picture.format, picture.size) == ("PNG", SIZE)


def test_exit_codes(tmp_path: Path) -> None:
    (tmp_path / "a.lbic").write_bytes(b"text")
    for arguments, code in (
        (["--version"], ExitCode.OK),
        (["info", tmp_path / "b.lbic"], ExitCode.FAILED),
        (["info"], ExitCode.USAGE),
        (["info", tmp_path / "a.lbic"], ExitCode.DAMAGED),
        (["evaluate", tmp_path, "--codec", "jpeg", "--metrics", "ma"], ExitCode.MISSING),
    ):
        assert program(*arguments).returncode == code


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full")
@pytest.mark.parametrize("command", [("info", "--json"), ("decompress", "--type", "0", "-o", "-")])
def test_a_full_disk_behind_stdout_is_a_sentence(tmp_path: Path, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        result = program(*command, compressed(tmp_path), stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == ExitCode.FAILED
    assert b"no space left on the disk" in result.stderr
    assert b"Traceback" not in result.stderr


@posix
def test_a_disk_that_fills_while_writing_leaves_nothing(tmp_path: Path) -> None:
    save(tmp_path / "a.bmp", photo(300, 300))
    # A limit on file size makes write() fail like a full disk; Python ignores its signal.
    limited = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "sys.argv = ['lbic', *sys.argv[1:]]\n"
        "from lbic.cli.main import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", limited, *JPEG, "-q", "95", str(tmp_path / "a.bmp")]
    result = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
    assert result.returncode == ExitCode.FAILED, result.stderr
    assert b"a.lbic: the file would be larger than allowed" in result.stderr
    assert names(tmp_path) == {"a.bmp"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_text_is_shown(tmp_path: Path) -> None:
    name = os.fsdecode(bytes(compressed(tmp_path).rename(tmp_path / os.fsdecode(b"\xff.lbic"))))
    result = program("info", name, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"})
    assert result.returncode == 0, result.stderr
    assert rb"\udcff.lbic" in result.stdout


@posix
def test_closed_stderr_is_no_reason_to_do_nothing(tmp_path: Path) -> None:
    for name in "ab":
        save(tmp_path / f"{name}.png")
    command = [*PROGRAM, "compress", "--codec", "jpeg", str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    result = subprocess.run(["sh", "-c", '"$@" 2>&-', "sh", *command], timeout=60, check=False)
    assert result.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "b.png", "a.lbic", "b.lbic"}


@posix
def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    sources = [compressed(tmp_path, f"picture-{number}") for number in range(5)]
    command = [*PROGRAM, "info", *map(str, sources * 200)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        stderr = process.stderr.read()
    assert process.returncode == ExitCode.FAILED
    assert stderr == b""


@posix
@pytest.mark.parametrize("signalled", [os.killpg, os.kill], ids=["terminal", "lbic alone"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c(tmp_path: Path, jobs: int, signalled: Callable[[int, int], None]) -> None:
    """lbic ends at once with 130, leaves no partial file and stops the encoder."""
    encoder = tmp_path / "bin" / "ffmpeg"
    encoder.parent.mkdir()
    encoder.write_text(
        '#!/bin/sh\ncase "$*" in *encoder=*) echo libvvenc;; *) touch "$0.started"; exec sleep 30;; esac\n'
    )
    encoder.chmod(0o755)
    sources = [save(tmp_path / "pictures" / f"{name}.png") for name in "abcd"]
    command = [*PROGRAM, "compress", "-j", str(jobs), *map(str, sources)]
    environment = {**os.environ, "LBIC_VVC_ENCODER": str(encoder)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True, env=environment) as process:
        deadline = time.monotonic() + 30
        while not encoder.with_name("ffmpeg.started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        started = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            signalled(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == ExitCode.INTERRUPTED, stderr
    assert stderr.decode().splitlines()[-1] == "lbic: error: interrupted"
    assert time.monotonic() - started < 10
    assert names(tmp_path / "pictures") == {f"{name}.png" for name in "abcd"}


@posix
@pytest.mark.parametrize(("arguments", "most"), [(("--help",), 0.2), (("--version",), 0.2), (("info",), 0.3)])
def test_start_up_is_fast(tmp_path: Path, arguments: tuple[str, ...], most: float) -> None:
    """Return the least CPU time of several runs; other work on the machine only adds to it."""
    files = [str(compressed(tmp_path))] if arguments == ("info",) else []
    assert min(cpu_seconds([*PROGRAM, *arguments, *files]) for _ in range(5)) < most


def cpu_seconds(command: list[str]) -> float:
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
