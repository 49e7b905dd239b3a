"""Helpers that run lbic under faults: signals at a known moment, small or read-only disks."""

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
"""The start of a shell script that passes for an ffmpeg with libvvenc; ``$last`` is its output."""


def hooked(prologue: str) -> list[str]:
    """Return a command that runs some lines of Python, which may use ``arguments``, then lbic."""
    begin = "import os, pathlib, resource, signal, sys, time\nfrom lbic.cli.main import main\n"
    return [sys.executable, "-c", f"{begin}{prologue}\nsys.argv[0] = 'lbic'\nmain()"]


def environment(scratch: Path, **more: str) -> dict[str, str]:
    """Make ``scratch`` and return an environment with it as the temporary folder."""
    scratch.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1", **more}


def stand_in(path: Path, body: str) -> str:
    """Write a program that passes for an ffmpeg with libvvenc; to encode, it runs ``body``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(STAND_IN + body + "\n")
    path.chmod(0o755)
    return str(path)


@contextmanager
def running(
    command: Sequence[str], arguments: Sequence[object], scratch: Path, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command as the leader of a process group, like a shell; kill the group at the end."""
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
    """Wait for a process, with its stdin open; return its exit code and the lines on stderr."""
    code = process.wait(timeout=60)
    assert process.stderr is not None
    return code, process.stderr.read().decode().splitlines()


def until(condition: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait for a condition; fail after two minutes, or if ``process`` ends before."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        assert process is None or process.poll() is None, ended(process)
        time.sleep(0.01)


def at_work(scratch: Path) -> list[int]:
    """Return the processes whose folder is below ``scratch``, removed or not: encoders."""
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
    """Return whether a process ends within 15 seconds."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")
        with suppress(OSError):
            if status.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z":
                return True  # a zombie: it has ended, and its parent has not read its status
        time.sleep(0.05)
    return False


def in_namespace(setup: str, command: Sequence[str], listed: Path, **more: str) -> tuple[int, str, list[str]]:
    """Run a command in a namespace where shell lines, ``setup``, mount file systems.

    Returns its exit code, stderr, and the names in the folder ``listed``.
    """
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
