"""Temporary files and folders, which do not outlive their use for long, whatever becomes of the process.

Each is locked (flock) while it is used, and the system drops the locks of a process that ends, however it ends. So what
``kill -9`` left behind can be told from what another process is at work on: the next temporary in the same folder
removes it. Where nothing can be locked (Windows, some network disks) nothing is removed.
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
    """An empty file in a folder, with the permissions of a new file; removed in the end unless it was moved away.

    Its name is short, since that of the file it is to become may be as long as the disk allows. Raises OSError.
    """
    with _locked(folder, lambda path: path.touch(exist_ok=False)) as path:
        yield path


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder of the user's own in the system's for temporary files; removed with all in it. Raises OSError."""
    with _locked(Path(tempfile.gettempdir()), lambda path: path.mkdir(0o700)) as path:
        yield path


@contextmanager
def _locked(parent: Path, create: Callable[[Path], None]) -> Iterator[Path]:
    _sweep(parent)
    while True:
        with cleanup.kept(lambda: _new(parent, create), _remove) as path:
            try:
                lock = _lock(path)
            except (BlockingIOError, FileNotFoundError):
                continue  # another process, sweeping, was quicker than this lock
            except OSError:
                lock = None  # this disk has no locks
            try:
                yield path
            finally:
                # Removed while it is locked, so that nobody sweeps it meanwhile.
                _remove(path)
                if lock is not None:
                    os.close(lock)
            return


def _new(parent: Path, create: Callable[[Path], None]) -> Path:
    path = parent / f".lbic-{secrets.token_hex(8)}.tmp"
    create(path)
    return path


def _lock(path: Path) -> int:
    """Lock a file or folder until the descriptor is closed that is returned.

    Raises BlockingIOError when another has it locked, FileNotFoundError when it is gone, and OSError where there are no
    locks.
    """
    if sys.platform == "win32":
        raise OSError("no flock on Windows")
    # Locks of network disks want files opened for writing. A link or a pipe of such a name is not lbic's.
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
    """Remove what processes that are gone left in a folder; looked for once, since it takes time in large folders."""
    with _guard:
        if parent in _swept:
            return
        _swept.add(parent)
    with suppress(OSError), os.scandir(parent) as entries:
        for found in [Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name)]:
            with suppress(OSError):  # another user's, or in use
                lock = _lock(found)
                try:
                    _remove(found)
                finally:
                    os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
