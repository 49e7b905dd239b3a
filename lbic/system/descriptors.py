"""Names of open descriptors: /dev/stdin, /dev/stdout, /dev/fd/N and /proc/self/fd/N.

Such a name means the descriptor that this process has, not the file behind it. Opening the name
again would read a file from its first byte. Replacing the file would take away what the shell's
other commands wrote to it.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_FOLDERS = ("/dev/fd", "/proc/self/fd", "/proc/thread-self/fd")
_MOST_LINKS = 40
"""The most symbolic links to follow, as in Linux."""


def number(name: str | os.PathLike[str]) -> int | None:
    """Return the descriptor that a name or a symbolic link stands for; None for any other file."""
    path = os.fspath(name)
    if os.name == "nt":
        return None
    folders: set[str] = set()
    for _ in range(_MOST_LINKS):
        if path in _STANDARD:
            return _STANDARD[path]
        folder, base = os.path.split(path)
        if base.isascii() and base.isdecimal():
            folders = folders or {os.path.realpath(known) for known in _FOLDERS}
            if os.path.realpath(folder) in folders:
                return int(base)
        try:
            path = str(Path(folder, Path(path).readlink()))
        except (OSError, ValueError):  # no link, or a name that no file can have
            return None
    return None


def opened(descriptor: int, mode: str) -> BinaryIO:
    """Open a duplicate of a descriptor that this process inherited, in mode "rb" or "wb".

    Raises OSError if it is not open, or if this process opened it for itself: Python's own
    descriptors are not inheritable, and inherited ones always are.
    """
    if not is_open(descriptor):
        raise OSError(errno.EBADF, f"descriptor {descriptor} is not open")
    return os.fdopen(os.dup(descriptor), mode)  # type: ignore[return-value]


def is_open(descriptor: int) -> bool:
    """Return whether this process inherited the descriptor and still has it open."""
    try:
        return os.get_inheritable(descriptor)
    except (OSError, OverflowError):
        return False
