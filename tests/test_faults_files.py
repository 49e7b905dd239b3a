"""Real faults of disks and folders: killed while writing, full, read-only, removed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from cli_helpers import names, program, save
from faults import LBIC, ended, hooked, in_namespace, linux, posix, running, until
from helpers import photo

from lbic.errors import ExitCode

pytestmark = posix

JPEG = ("compress", "--codec", "jpeg", "-q", "95")
AT_FSYNC = "os.fsync = lambda _: (pathlib.Path(os.environ['READY']).touch(), time.sleep(600))"
"""Code that stops lbic when the temporary file is complete but not moved."""
DIES_AT_2000_BYTES = (
    "signal.signal(signal.SIGXFSZ, signal.SIG_DFL); resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
    "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))"
)
"""Code that makes the system kill lbic in the middle of a write()."""


def temporaries(folder: Path) -> set[str]:
    return {name for name in names(folder) if name.startswith(".lbic-")}


@pytest.mark.parametrize("old", [None, b"old"])
def test_killed_before_the_file_is_moved(tmp_path: Path, old: bytes | None) -> None:
    source, ready = save(tmp_path / "in" / "a.bmp", photo(300, 300)), tmp_path / "ready"
    out = tmp_path / "out"
    out.mkdir()
    target = out / "a.lbic"
    if old:
        target.write_bytes(old)
    order = (*JPEG, "-f", source, "-o", target)
    with running(hooked(AT_FSYNC), order, tmp_path / "scratch", READY=str(ready)) as process:
        until(ready.exists, process)
        stale = temporaries(out)
        assert len(stale) == 1
        assert program(*order).returncode == ExitCode.OK
        assert temporaries(out) == stale, "its process lives"
        if old:
            target.write_bytes(old)
        else:
            target.unlink()
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    assert names(out) == {*stale, *(["a.lbic"] if old else [])}
    assert old is None or target.read_bytes() == old
    assert program(*order).returncode == ExitCode.OK
    assert names(out) == {"a.lbic"}
    assert program("verify", target).returncode == ExitCode.OK


def test_killed_in_the_middle_of_a_write(tmp_path: Path) -> None:
    source = save(tmp_path / "a.bmp", photo(300, 300))
    with running(hooked(DIES_AT_2000_BYTES), (*JPEG, source), tmp_path / "scratch") as process:
        assert process.wait(60) == -signal.SIGXFSZ
    (stale,) = temporaries(tmp_path)
    assert (tmp_path / stale).stat().st_size == 2000
    assert names(tmp_path) == {"a.bmp", stale}
    assert program(*JPEG, source).returncode == ExitCode.OK
    assert names(tmp_path) == {"a.bmp", "a.lbic"}


@linux
@pytest.mark.parametrize("command", [JPEG, ("decompress", "--type", "0")], ids=["compress", "decompress"])
def test_a_disk_that_is_full(tmp_path: Path, command: tuple[str, ...]) -> None:
    source, small = save(tmp_path / "a.bmp", photo(600, 600)), tmp_path / "small"
    small.mkdir()
    if command is not JPEG:
        assert program(*JPEG, source).returncode == ExitCode.OK
        source = tmp_path / "a.lbic"
    mount = f"mount -t tmpfs -o size=64k tmpfs {small}"
    code, said, left = in_namespace(mount, [*LBIC, *command, str(source), "-o", f"{small}/"], small)
    assert (code, left) == (ExitCode.FAILED, []), said
    assert said.startswith(f"lbic: error: {source}: cannot write {small}/a.lbic")
    assert said.endswith(": no space left on the disk\n")


@linux
def test_a_disk_that_is_read_only(tmp_path: Path) -> None:
    source, target = save(tmp_path / "a.png"), tmp_path / "disk"
    target.mkdir()
    mount = f"mount --bind {target} {target}\nmount -o remount,bind,ro {target}"
    code, said, left = in_namespace(mount, [*LBIC, *JPEG, str(source), "-o", f"{target}/a.lbic"], target)
    assert (code, left) == (ExitCode.FAILED, [])
    assert said == f"lbic: error: {source}: cannot write {target}/a.lbic: the disk is read-only\n"
    code, said, left = in_namespace(mount, [*LBIC, *JPEG, str(source), "-o", f"{target}/new/a.lbic/"], target)
    assert (code, left) == (ExitCode.FAILED, [])
    assert f"cannot make the folder {target}/new/a.lbic: the disk is read-only" in said


@linux
@pytest.mark.parametrize(("folder", "because"), [("/sys", "permission denied"), ("/proc", "no such file or folder")])
def test_a_folder_in_which_nobody_makes_files(tmp_path: Path, folder: str, because: str) -> None:
    done = program(*JPEG, save(tmp_path / "a.png"), "-o", f"{folder}/a.lbic")
    assert done.returncode == ExitCode.FAILED
    assert done.stderr.decode().endswith(f"cannot write {folder}/a.lbic: {because}\n")


@linux
def test_a_temporary_folder_without_room_for_the_encoders_files(tmp_path: Path, needs_vvc: None) -> None:
    source, scratch = save(tmp_path / "a.png", photo(256, 256)), tmp_path / "scratch"
    scratch.mkdir()
    mount = f"mount -t tmpfs -o size=64k tmpfs {scratch}"
    code, said, left = in_namespace(mount, [*LBIC, "compress", str(source)], scratch, TMPDIR=str(scratch))
    assert (code, left) == (ExitCode.FAILED, [])
    assert said.endswith("cannot write the encoder's files to the temporary folder: no space left on the disk\n")
    assert names(tmp_path) == {"a.png"}


@pytest.mark.parametrize("name", ["a.lbic", ""], ids=["file", "folder"])
def test_an_output_folder_that_vanishes_meanwhile(tmp_path: Path, name: str) -> None:
    """The folder of an output file is not made again; an output folder is."""
    picture, fifo, out = save(tmp_path / "b.png"), tmp_path / "a.png", tmp_path / "o"
    out.mkdir()
    os.mkfifo(fifo)
    with running(LBIC, (*JPEG, fifo, "-o", f"{out}/{name}"), tmp_path / "scratch") as process:
        # It opens when lbic reads, which is after lbic has checked the target.
        with fifo.open("wb") as into:
            out.rmdir()
            into.write(picture.read_bytes())
        code, said = ended(process)
    if name:
        assert (code, said) == (ExitCode.FAILED, [f"lbic: error: {fifo}: the folder {out} does not exist"])
        assert not out.exists()
    else:
        assert code == ExitCode.OK
        assert names(out) == {"a.lbic"}
