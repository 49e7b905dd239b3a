"""Limits of time that stand still while processes are suspended, and slow starts."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from conftest import GOLDEN
from faults import ended, hooked, posix, running, until

from lbic import pipeline
from lbic.errors import ExitCode, MissingError
from lbic.format import container
from lbic.format.container import Header
from lbic.isolation import process, protocol
from lbic.system import deadline


def test_a_tick_counts_as_its_own_length(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def wait(tick: float) -> bool:
        waits.append(tick)
        return len(waits) == 9

    assert deadline.expires(2.25 * deadline.TICK, wait)
    assert waits == [deadline.TICK, deadline.TICK, deadline.TICK / 4]
    assert not deadline.expires(99, wait), "the wait succeeds"
    assert len(waits) == 9
    assert deadline.expires(0, wait)


@posix
def test_a_suspended_command_goes_on(tmp_path: Path) -> None:
    """Ctrl-Z for longer than the limit of time: the decoder still has its time afterwards."""
    file, pid = tmp_path / "a.lbic", tmp_path / "pid"
    file.write_bytes(container.pack(Header("jpeg", 50, 16, 8, gray=True), f"nap {pid}".encode()))
    limits = "from lbic.isolation import process, protocol\nprotocol.TIMEOUT = 2\nprocess.MODULE = 'toy_worker'"
    tests = str(Path(__file__).parent)
    path = os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])
    with running(hooked(limits), ("verify", file), tmp_path / "scratch", PYTHONPATH=path) as command:
        until(lambda: pid.exists() and pid.read_text(), command)
        os.killpg(command.pid, signal.SIGSTOP)
        time.sleep(3)
        os.killpg(command.pid, signal.SIGCONT)
        code, lines = ended(command)
    assert code == ExitCode.OK, lines


def test_a_worker_that_fails_at_its_start_gets_a_second_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "tried"
    (tmp_path / "flaky_worker.py").write_text(
        "import pathlib, sys\n"
        f"marker = pathlib.Path({str(marker)!r})\n"
        "if not marker.exists():\n    marker.touch()\n    sys.exit(9)\n"
        "from lbic.isolation import worker\nworker.main()\n"
    )
    process.end_idle()
    monkeypatch.setattr(process, "MODULE", "flaky_worker")
    monkeypatch.syspath_prepend(str(tmp_path))
    data = (GOLDEN / "jpeg-alpha-icc.lbic").read_bytes()
    pipeline.verify(data, apart=True)
    assert marker.exists()
    process.end_idle()
    marker.unlink()
    monkeypatch.setattr(process, "MODULE", "no.such.module")
    with pytest.raises(MissingError, match="ended at its start"):
        pipeline.verify(data, apart=True)
    process.end_idle()


def test_a_slow_start_takes_nothing_off_the_pictures_time(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit shorter than the start suffices for the picture."""
    monkeypatch.setattr(protocol, "TIMEOUT", 0.05)
    monkeypatch.setattr(protocol, "TIMEOUT_PER_MEGAPIXEL", 0)
    seconds: list[float] = []
    started = process.Worker.set_time_limit

    def watch(self: process.Worker, limit: float) -> None:
        seconds.append(limit)
        started(self, max(limit, 5))

    monkeypatch.setattr(process.Worker, "set_time_limit", watch)
    pipeline.verify(container.pack(Header("jpeg", 50, 16, 8, gray=True), b"decode"), apart=True)
    assert seconds == [protocol.START_TIMEOUT, 0.05]
