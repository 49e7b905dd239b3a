"""Temporary files and folders: locked while in use, removed when their process has ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import posix

from lbic.errors import LbicError
from lbic.system import cleanup, temporary

pytestmark = posix

HOLDER = """
import os, pathlib, sys
from lbic.system import temporary
with temporary.file(pathlib.Path(sys.argv[1])) as path:
    print(path.name, flush=True)
    sys.stdin.read()
    os._exit(9)
"""


@pytest.fixture(autouse=True)
def nothing_swept_yet() -> Iterator[None]:
    temporary._swept.clear()
    yield
    temporary._swept.clear()


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_of_a_living_process_stays_and_that_of_a_dead_one_goes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        name = holder.stdout.readline().decode().strip()
        with temporary.file(tmp_path) as path:
            assert entries(tmp_path) == {name, path.name}
        holder.communicate(timeout=30)
    assert entries(tmp_path) == {name}, "it died without removing it"
    temporary._swept.clear()
    with temporary.file(tmp_path) as path:
        assert entries(tmp_path) == {path.name}


def test_other_threads_files_are_not_swept(tmp_path: Path) -> None:
    with temporary.file(tmp_path) as first:
        temporary._swept.clear()
        with temporary.file(tmp_path) as second:
            assert entries(tmp_path) == {first.name, second.name}


def test_a_folder_is_swept_with_all_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stale = tmp_path / ".lbic-0123456789abcdef.tmp"
    (stale / "sub").mkdir(parents=True)
    (stale / "sub" / "in.yuv").write_bytes(b"x")
    with temporary.folder() as folder:
        assert entries(tmp_path) == {folder.name}
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "out.266").write_bytes(b"x")
    assert entries(tmp_path) == set()


def test_what_is_not_lbics_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    names = {"lbic-0123456789abcdef", ".lbic-notes.tmp", ".lbic-0123456789abcdef.tmp2", "target"}
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    link = tmp_path / ".lbic-00000000000000ff.tmp"
    link.symlink_to(tmp_path / "target")
    with temporary.file(tmp_path):
        pass
    assert entries(tmp_path) == {*names, link.name}


def test_a_file_that_was_swept_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, seen = temporary._lock, []

    def late(path: Path) -> int:
        seen.append(path)
        if len(seen) == 1:
            path.unlink()
        return lock(path)

    monkeypatch.setattr(temporary, "_lock", late)
    with temporary.file(tmp_path) as path:
        assert path == seen[1]
        assert entries(tmp_path) == {path.name}


def test_a_disk_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> int:
        raise OSError("no locks available")

    monkeypatch.setattr(temporary, "_lock", refuse)
    (tmp_path / ".lbic-0123456789abcdef.tmp").write_bytes(b"x")
    with temporary.file(tmp_path) as path:
        path.write_bytes(b"x")
    assert entries(tmp_path) == {".lbic-0123456789abcdef.tmp"}, "whose it is cannot be told"


def test_after_the_end_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_closed", False)
    sleep = cleanup.owned(lambda: subprocess.Popen(["sleep", "60"]), subprocess.Popen.kill)
    with sleep as sleeping, temporary.file(tmp_path) as path:
        cleanup.remove_all()
        assert not path.exists()
        assert sleeping.wait(30) == -9
        with pytest.raises(LbicError, match=r"^interrupted$"), temporary.file(tmp_path):
            pass
    assert entries(tmp_path) == set()


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = os.listdir("/dev/fd")  # noqa: PTH208
    for _ in range(3):
        with temporary.file(tmp_path):
            pass
    assert len(os.listdir("/dev/fd")) == len(before)  # noqa: PTH208
