"""Landlock: take rights from this process for good, on Linux 5.13 and later.

The kernel's page userspace-api/landlock describes the system calls and their versions (ABI).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System call numbers, the same on all of Python's Linux platforms."""
_VERSION = 1
"""The flag of create_ruleset that asks for the version."""
_PATH_BENEATH = 1
"""The type of a rule about a file or a folder and what is below it."""
_NO_NEW_PRIVS = 38
"""The prctl without which only root may restrict itself."""

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""The number of rights to files that a version knows, the lowest bits: execute, write, read, list,
remove, make (version 1), move between folders (2), truncate (3), control devices (5)."""
_TCP = 0b11
"""The rights to bind and to connect TCP sockets."""
_SCOPES = 0b11
"""Abstract Unix sockets of, and signals to, processes outside."""
NETWORK = 4
"""The first version that knows TCP."""
_WITH_SCOPES = 6
"""The first version that knows scopes."""


def version() -> int:
    """Return the version that the kernel knows; 0 without Landlock."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION)))


def restrict(readable: Iterable[str]) -> int:
    """Let this thread, and those it starts, only read the files and folders ``readable``.

    It can open, list and change nothing else, start no program, and from version 4 on use no TCP;
    what is open stays open. Names that do not exist are left out. Returns the version in force, 0
    if nothing is restricted.
    """
    known = version()
    if not known:
        return 0
    rights = (1 << max(bits for since, bits in _FILE_RIGHTS.items() if since <= known)) - 1
    attributes = (ctypes.c_uint64 * 3)(rights, _TCP * (known >= NETWORK), _SCOPES * (known >= _WITH_SCOPES))
    size = 8 * (1 + (known >= NETWORK) + (known >= _WITH_SCOPES))
    ruleset = _call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        return 0
    try:
        for name in readable:
            _allow(ruleset, name)
        no_new_privileges = _libc().prctl(_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))) == 0
        restricted = no_new_privileges and _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0
    finally:
        os.close(ruleset)
    return known if restricted else 0


class _Rule(ctypes.Structure):
    """struct landlock_path_beneath_attr."""

    _pack_ = 1
    _layout_ = "ms"  # Python 3.14 requires it of packed structures
    _fields_ = (("rights", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _allow(ruleset: int, name: str) -> None:
    """Add a rule that a file, or a folder and what is below it, can be read."""
    try:
        parent = os.open(name, os.O_PATH | os.O_CLOEXEC)
    except (OSError, ValueError):
        return
    try:
        rights = _READ_FILE | (_READ_DIR if os.path.isdir(name) else 0)
        rule = ctypes.byref(_Rule(rights, parent))
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(parent)


def _call(number: int, *arguments: object) -> int:
    """Make a system call; -1 if it fails."""
    return int(_libc().syscall(ctypes.c_long(number), *arguments))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
