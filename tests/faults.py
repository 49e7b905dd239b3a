"""lbic as a process that something happens to: signals at a known moment, a disk that is small or read-only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cli_helpers import PROGRAM

from lbic.isolation import process as isolation

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and limits")
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

LBIC = tuple(PROGRAM)
STAND_IN = '#!/bin/sh\ncase "$*" in *encoder=*) echo libvvenc; exit 0;; esac\nfor last; do :; done\n'
"""Begins a shell script that lbic takes for an ffmpeg with libvvenc; ``$last`` is the stream it is to write."""


def hooked(prologue: str) -> list[str]:
    """lbic with some lines of Python run before it: ``arguments`` is its command line."""
    begin = "import os, pathlib, resource, signal, sys, time\nfrom lbic.cli.main import main\n"
    return [sys.executable, "-c", f"{begin}{prologue}\nsys.argv[0] = 'lbic'\nmain()"]


def environment(scratch: Path, **more: str) -> dict[str, str]:
    """An environment whose temporary folder is ``scratch``, which is made."""
    scratch.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1", **more}


def stand_in(path: Path, body: str) -> str:
    """A program that lbic takes for an ffmpeg with libvvenc; ``body`` is what it does when it is to encode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(STAND_IN + body + "\n")
    path.chmod(0o755)
    return str(path)


@contextmanager
def running(
    command: Sequence[str], arguments: Sequence[object], scratch: Path, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The command as the leader of a process group, as a shell starts it; killed in the end with its whole group."""
    words = [*command, *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, env=environment(scratch, **more)
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def ended(process: subprocess.Popen[bytes]) -> tuple[int, list[str]]:
    """The exit code and the lines on stderr of a process that is about to end. Its stdin stays open meanwhile."""
    code = process.wait(timeout=60)
    assert process.stderr is not None
    return code, process.stderr.read().decode().splitlines()


def until(condition: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait for a condition; fails after two minutes, or when a process ends that it depends on."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        assert process is None or process.poll() is None, ended(process)
        time.sleep(0.01)


def at_work(scratch: Path) -> list[int]:
    """The processes that work in a folder below ``scratch``, even in one that is removed: encoders."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str((folder / "cwd").readlink()).startswith(f"{scratch}/"):
                found.append(int(folder.name))
    return found


def processes() -> list[int]:
    """The process ids of the idle workers."""
    return [worker.pid for worker in isolation._idle]


def gone(pid: int) -> bool:
    """Tell whether a process ends within some seconds."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")
        with suppress(OSError):
            if status.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z":
                return True  # ended, and whoever inherited it has not looked yet
        time.sleep(0.05)
    return False


def in_namespace(setup: str, command: Sequence[str], listed: Path, **more: str) -> tuple[int, str, list[str]]:
    """Run a command where ``setup``, shell lines, has mounted something: its code, stderr and what ``listed`` holds."""
    _needs_namespaces()
    script = f'set -e\n{setup}\nset +e\n"$@"\ncode=$?\nls -A {listed}\nexit $code'
    words = ["unshare", "-rm", "sh", "-c", script, "sh", *command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **more})
    return done.returncode, done.stderr, done.stdout.splitlines()


def _needs_namespaces() -> None:
    if not shutil.which("unshare"):
        pytest.skip("no unshare on this machine")
    probe = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /tmp"]
    if subprocess.run(probe, capture_output=True, timeout=20, check=False).returncode:
        pytest.skip("this machine lets nobody mount in a namespace of one's own")
