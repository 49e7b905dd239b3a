"""What a process would leave behind if it ended now: programs that it started, temporary files and folders.

All of them are made by ``kept``, which removes them when they have been used. A process that is told to end need not
wait for its threads: ``remove_all`` removes what they have made and lets them make no more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from lbic.errors import LbicError

Thing = TypeVar("Thing")

_guard = threading.Lock()
_removals: dict[int, Callable[[], None]] = {}
_closed = False


@contextmanager
def kept(make: Callable[[], Thing], remove: Callable[[Thing], None]) -> Iterator[Thing]:
    """Make a thing for a with block and remove it at the block's end, or at that of the process if it comes first.

    ``remove`` may be called twice, from two threads. Raises LbicError once the process is told to end, and what
    ``make`` raises.
    """
    with _guard:  # nothing is made that remove_all would not know of
        if _closed:
            raise LbicError("interrupted")
        thing = make()
        _removals[id(thing)] = partial(remove, thing)
    try:
        yield thing
    finally:
        remove(thing)
        with _guard:
            del _removals[id(thing)]


@contextmanager
def known(remove: Callable[[], None]) -> Iterator[None]:
    """Have ``remove_all`` call this while inside, for a thing that was there before and stays. Raises as ``kept``."""
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
    """Remove, the newest first, what is in use in whatever thread; for good when the process is about to end."""
    global _closed
    with _guard:
        _closed = for_good
        for remove in reversed(_removals.values()):
            with suppress(OSError):
                remove()
