"""Remove what a process would leave behind: programs it started, temporary files and folders.

Each of them is made by ``owned``, which removes it after use. A process that is told to end need
not wait for its threads: ``remove_all`` removes what they have made and stops them making more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from lbic.errors import LbicError

Resource = TypeVar("Resource")

_guard = threading.Lock()
_removals: dict[int, Callable[[], None]] = {}
_closed = False


@contextmanager
def owned(make: Callable[[], Resource], remove: Callable[[Resource], None]) -> Iterator[Resource]:
    """Make a resource and remove it at the end of the block, or of the process if that is earlier.

    ``remove`` may be called twice, from two threads. Raises LbicError once the process has been
    told to end, and whatever ``make`` raises.
    """
    with _guard:  # remove_all must know of every resource that exists
        if _closed:
            raise LbicError("interrupted")
        resource = make()
        _removals[id(resource)] = partial(remove, resource)
    try:
        yield resource
    finally:
        remove(resource)
        with _guard:
            del _removals[id(resource)]


@contextmanager
def registered(remove: Callable[[], None]) -> Iterator[None]:
    """Let ``remove_all`` call ``remove`` inside the block, for a resource that outlives the block.

    Raises LbicError once the process has been told to end.
    """
    key = id(remove)
    with _guard:
        if _closed:
            raise LbicError("interrupted")
        _removals[key] = remove
    try:
        yield
    finally:
        with _guard:
            del _removals[key]


def remove_all(*, for_good: bool = True) -> None:
    """Remove the resources of all threads, newest first.

    ``for_good``: no thread can make new ones afterwards, because the process is about to end.
    """
    global _closed
    with _guard:
        _closed = for_good
        for remove in reversed(_removals.values()):
            with suppress(OSError):
                remove()
