"""Copy a file's owner, mode and extended attributes to the file that replaces it."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path


def copy(source: Path, target: Path) -> None:
    """Give ``target`` the owner, group, mode and extended attributes of ``source``.

    What the system refuses is left as it is: only root may give a file away. Raises OSError if the
    mode cannot be set.
    """
    _copy_owner(source.stat(), target)
    if sys.platform == "linux":
        _copy_extended(source, target)  # access control lists too
    shutil.copymode(source, target)  # last: a new owner clears the set-user-ID bit


def _copy_owner(status: os.stat_result, target: Path) -> None:
    if not hasattr(os, "chown"):
        return
    current = target.stat()
    for user, group in ((status.st_uid, -1), (-1, status.st_gid)):
        if user not in (-1, current.st_uid) or group not in (-1, current.st_gid):
            with suppress(OSError):
                os.chown(target, user, group)


def _copy_extended(source: Path, target: Path) -> None:
    with suppress(OSError):
        for name in os.listxattr(source):
            with suppress(OSError):  # e.g. attributes that only the system sets
                os.setxattr(target, name, os.getxattr(source, name))
