"""Test whether the system refuses memory or threads to this process."""

from __future__ import annotations

import mmap
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

FROM_OUTSIDE = frozenset(
    getattr(signal, name) for name in ("SIGKILL", "SIGXCPU", "SIGXFSZ", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Signals that end a process for the system's limits or another process's wish, not for a fault of
its own: no memory left, no processor time left, too large a file, a request to end."""
_SLACK = 1 << 26
"""Bytes that a measurement of used memory may miss."""


def memory(size: int) -> bool:
    """Return whether the system refuses ``size`` bytes, as under ``ulimit -v``; Linux only.

    Nothing is used: the memory is reserved and given back.
    """
    if sys.platform != "linux" or size <= _SLACK:
        return False
    try:
        mmap.mmap(-1, size - _SLACK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except (OSError, MemoryError):
        return True
    return False


def used_memory() -> int:
    """Return this process's writable memory in bytes, which RLIMIT_DATA counts; 0 if unknown."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * mmap.PAGESIZE
    return 0


def of_threads() -> bool:
    """Return whether the system refuses another thread, as under ``prlimit --nproc``."""
    try:
        thread = threading.Thread(target=int)
        thread.start()
    except RuntimeError:
        return True
    thread.join()
    return False
