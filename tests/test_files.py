"""Files are written whole or not at all, and keep what their predecessors had."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from lbic.errors import FileError
from lbic.system import files


def test_a_disk_without_links_takes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(os, "link", refuse)
    files.write(tmp_path / "a.lbic", b"x", replace=False)
    assert (tmp_path / "a.lbic").read_bytes() == b"x"


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_failed_write_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, old: bytes | None
) -> None:
    target = tmp_path / "a.lbic"
    if old:
        target.write_bytes(old)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os if failing == "fsync" else Path, failing, full)
    with pytest.raises(FileError, match=r"cannot write .*a\.lbic: no space left on the disk"):
        files.write(target, b"new")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == (["a.lbic"] if old else [])
    assert old is None or target.read_bytes() == old


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write(tmp_path / "a.lbic", b"new")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_those_of_a_new_file_or_of_the_old_one(tmp_path: Path) -> None:
    usual, written, kept = (tmp_path / name for name in ("usual", "written", "kept"))
    usual.write_bytes(b"x")
    files.write(written, b"x")
    assert written.stat().st_mode == usual.stat().st_mode
    kept.write_bytes(b"x")
    kept.chmod(0o640)
    files.write(kept, b"y")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_a_link_is_written_through(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    files.write(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_name_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250 + ".lbic")
    files.write(target, b"x")
    assert target.read_bytes() == b"x"
    with pytest.raises(FileError, match="the name is too long"):
        files.write(tmp_path / ("n" * 300), b"x")


def test_a_folder_that_takes_no_files_is_known_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    files.check_target(tmp_path / "new", force=True)  # not every file system has permissions

    def refuse(dir: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    for name in ("new", "there"):
        with pytest.raises(FileError, match=f"cannot write .*{name}: permission denied"):
            files.check_target(tmp_path / name, force=True)
    files.check_target(Path(os.devnull), force=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(Path("elsewhere", "new"))
    files.check_target(tmp_path / "link", force=True)


@pytest.mark.skipif(sys.platform != "linux", reason="extended attributes of Linux")
def test_a_replaced_file_keeps_its_extended_attributes(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(b"old")
    try:
        os.setxattr(kept, "user.origin", b"camera")
    except OSError:
        pytest.skip("this disk has no extended attributes")
    files.write(kept, b"new")
    assert (kept.read_bytes(), os.getxattr(kept, "user.origin")) == (b"new", b"camera")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may give a file away")
def test_a_replaced_file_keeps_its_owner_and_special_bits(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(b"old")
    os.chown(kept, 1234, 5678)
    kept.chmod(0o4750)
    files.write(kept, b"new")
    status = kept.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, 0o4750)


def test_what_the_system_refuses_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    kept = tmp_path / "kept"
    kept.write_bytes(b"old")
    for name in ("chown", "setxattr"):
        monkeypatch.setattr(os, name, refuse, raising=False)
    monkeypatch.setattr(os, "listxattr", lambda _: ["user.a"], raising=False)
    files.write(kept, b"new")
    assert kept.read_bytes() == b"new"
