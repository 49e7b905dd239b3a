"""Worker processes that are confined by Landlock: what is taken from them, and what is not."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import lbic, records
from conftest import GOLDEN
from helpers import planes_equal, written
from PIL import Image

from lbic import pipeline
from lbic.cli import doctor
from lbic.codecs.base import Geometry
from lbic.codecs.table import CODECS
from lbic.errors import CodecError
from lbic.isolation import confine, payloads, pictures, process, protocol, worker
from lbic.isolation.confine import VARIABLE
from lbic.system import landlock

VERSION = landlock.version()
needs_landlock = pytest.mark.skipif(VERSION == 0, reason="no Landlock on this system")
FILES = ["read", "read the system's files", "write", "change", "truncate", "list"]
CHANGES = ["make a folder", "link", "rename", "start a program"]


@pytest.fixture
def confined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start new worker processes, confined where the system can."""
    process.end_idle()
    monkeypatch.delenv(VARIABLE, raising=False)


def attempted(folder: Path) -> str:
    """Let a toy try to escape; return what succeeded."""
    (folder / "secret").write_bytes(b"secret")
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(CodecError) as caught:
        order = f"escape {server.getsockname()[1]} {folder}"
        payloads.decode(CODECS["jpeg"], order.encode(), Geometry(16, 8, gray=True))
    return str(caught.value)


@needs_landlock
def test_a_worker_cannot_open_write_connect_or_start_a_program(
    toy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    may = [] if VERSION >= 3 else ["truncate"]
    may += [] if VERSION >= landlock.NETWORK else ["connect", "listen"]
    may += [] if VERSION >= 6 else ["signal"]
    assert attempted(tmp_path) == f"succeeded: {', '.join(may)}"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").read_bytes() == b"secret"


@pytest.mark.skipif(sys.platform != "linux", reason="programs and files of Linux")
def test_without_confinement_all_of_that_succeeds(toy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above refuses what works otherwise."""
    monkeypatch.setenv(VARIABLE, "0")
    assert attempted(tmp_path) == f"succeeded: {', '.join([*FILES, *CHANGES, 'connect', 'listen', 'signal'])}"


@needs_landlock
def test_every_worker_is_confined(confined: None) -> None:
    with process.borrow() as worker:
        worker.wait_until_ready()
        assert worker.confinement == VERSION


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.lbic")), ids=lambda path: path.stem)
def test_golden_files_decode_as_before(confined: None, path: Path) -> None:
    """Each in a new worker, which imports its libraries after its rights are gone."""
    header, stream = pipeline.extract(path.read_bytes())
    codec, geometry = CODECS[header.codec], Geometry(*header.coded_size, header.gray)
    assert planes_equal(payloads.decode(codec, stream, geometry), codec.decode(stream, geometry))


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM", "GIF", "AVIF", "JPEG2000"])
def test_pictures_are_read_as_before(confined: None, name: str) -> None:
    gradient = np.add.outer(np.arange(40), np.arange(50)).astype(np.uint8)
    data = written(Image.fromarray(np.stack([gradient, gradient.T[:40, :40].repeat(2, 1)[:, :50], gradient], -1)), name)
    image = pictures.load(data).image
    expected = Image.open(io.BytesIO(data)).convert("RGB")
    assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(expected))


def test_neither_the_current_folder_nor_the_users_files_are_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    names = confine.readable()
    assert str(tmp_path) not in names and "" not in names and str(Path.home()) not in names and "/" not in names
    (tmp_path / "numpy").mkdir()
    (tmp_path / "app.pyz").write_bytes(b"")
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "app.pyz")])
    assert {str(tmp_path / "numpy"), str(tmp_path / "numpy.libs"), str(tmp_path / "app.pyz")} <= set(confine.readable())


@pytest.mark.parametrize("kind", [ImportError, PermissionError])
def test_a_library_that_misses_its_files_says_how_to_lift_the_confinement(kind: type[Exception]) -> None:
    reply = b"".join(worker._refusal(kind("libx.so: Permission denied")))
    assert reply[0] == protocol.UNFORESEEN
    assert b"libx.so: Permission denied (where Landlock keeps a library from its files, LBIC_CONFINE=0" in reply


def test_where_there_is_no_landlock_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "_call", lambda *_: -1)
    assert (landlock.version(), landlock.restrict(["/"])) == (0, 0)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert (landlock.version(), confine.confine()) == (0, 0)


@pytest.mark.parametrize("failing", [landlock._CREATE_RULESET, landlock._RESTRICT_SELF])
def test_a_system_call_that_fails_is_no_confinement(monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    """It is tried in another process: what succeeds cannot be taken back."""
    script = (
        "from lbic.system import landlock\n"
        "call = landlock._call\n"
        "def fails(number, *arguments):\n"
        f"    asks = number == {landlock._CREATE_RULESET} and arguments[0] is None\n"
        f"    return -1 if number == {failing} and not asks else call(number, *arguments)\n"
        "landlock._call = fails\n"
        "assert landlock.restrict(['/usr']) == 0\n"
        "open('/etc/passwd').close()"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=60)


@pytest.mark.parametrize(("version", "words"), [(0, "LBIC_CONFINE is 0"), (2, "may use the network"), (7, "no TCP")])
def test_doctor_says_which_holds(monkeypatch: pytest.MonkeyPatch, version: int, words: str) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    process.end_idle()
    ready = process.Worker.wait_until_ready

    def pretend(self: process.Worker) -> None:
        ready(self)
        self.confinement = version

    monkeypatch.setattr(process.Worker, "wait_until_ready", pretend)
    finding = doctor._isolation()
    assert (finding.works, words in finding.sentence) == (version > 0, True)
    process.end_idle()


@needs_landlock
def test_doctor_asks_a_real_worker(confined: None) -> None:
    rows = {record["name"]: record for record in records(lbic("doctor", "--json"))}
    assert rows["isolation"]["works"]
    assert f"(Landlock, version {VERSION})" in rows["isolation"]["sentence"]
