"""Temporary files and folders that are removed even if their process is killed.

Each is locked (flock) while it is in use, and the system releases the locks of a process that
ends for whatever reason. An unlocked one was left behind by a killed process, and the next
temporary file in the same folder removes it. Where locks do not work (Windows, some network
disks), nothing is removed.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lbic.system import cleanup

if sys.platform != "win32":
    import fcntl

_NAME = re.compile(r"\.lbic-[0-9a-f]{16}\.tmp")
_guard = threading.Lock()
_swept: set[Path] = set()


@contextmanager
def file(folder: Path) -> Iterator[Path]:
    """Make an empty file in ``folder``; remove it after the block unless it was moved away.

    It has the permissions of a new file. Its name is short, because the final name may be as long
    as the disk allows. Raises OSError.
    """
    with _locked(folder, lambda path: path.touch(exist_ok=False)) as path:
        yield path


@contextmanager
def folder() -> Iterator[Path]:
    """Make a private, empty folder in the system's temporary folder; remove it after the block.

    Raises OSError.
    """
    with _locked(Path(tempfile.gettempdir()), lambda path: path.mkdir(0o700)) as path:
        yield path


@contextmanager
def _locked(parent: Path, create: Callable[[Path], None]) -> Iterator[Path]:
    _sweep(parent)
    while True:
        with cleanup.owned(lambda: _new(parent, create), _remove) as path:
            try:
                lock = _lock(path)
            except (BlockingIOError, FileNotFoundError):
                continue  # another process swept it before it was locked
            except OSError:
                lock = None  # this disk does not support locks
            try:
                yield path
            finally:
                # Remove it while it is locked, so that no other process sweeps it.
                _remove(path)
                if lock is not None:
                    os.close(lock)
            return


def _new(parent: Path, create: Callable[[Path], None]) -> Path:
    path = parent / f".lbic-{secrets.token_hex(8)}.tmp"
    create(path)
    return path


def _lock(path: Path) -> int:
    """Lock a file or folder and return a descriptor; closing that releases the lock.

    Raises BlockingIOError if it is locked already, FileNotFoundError if it no longer exists, and
    OSError where locks are not supported.
    """
    if sys.platform == "win32":
        raise OSError("no flock on Windows")
    # Network disks lock only files opened for writing. O_NOFOLLOW and O_NONBLOCK: a link or a pipe
    # with such a name is not lbic's.
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.lstat()  # it may have been removed between opening and locking
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sweep(parent: Path) -> None:
    """Remove what ended processes left in a folder.

    Each folder is swept once, because that is slow in large ones.
    """
    with _guard:
        if parent in _swept:
            return
        _swept.add(parent)
    with suppress(OSError), os.scandir(parent) as entries:
        for leftover in [Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name)]:
            with suppress(OSError):  # another user's, or in use
                lock = _lock(leftover)
                try:
                    _remove(leftover)
                finally:
                    os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
