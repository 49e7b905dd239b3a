"""Time limits that do not run while this process is suspended.

Ctrl-Z, ``docker pause`` and a closed laptop stop a process for minutes or days, and most clocks go
on meanwhile. A limit here is a number of short waits. Each counts as its own length, however long
it really took.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lbic.errors import ResourceError

TICK = 0.5
"""Seconds of one wait: what a suspension can take off a limit."""


def expires(seconds: float, wait: Callable[[float], bool]) -> bool:
    """Call ``wait(tick)`` until it returns true or ``seconds`` are over; return whether they are.

    ``wait`` blocks for at most ``tick`` seconds.
    """
    left = seconds
    while left > 0:
        tick = min(TICK, left)
        if wait(tick):
            return False
        left -= tick
    return True


class Deadline:
    """Calls a function after some seconds unless it is cancelled before."""

    def __init__(self, seconds: float, action: Callable[[], None]) -> None:
        """Start to count. Raises ResourceError if the system permits no further thread."""
        self._cancelled = threading.Event()
        self._action = action
        thread = threading.Thread(target=self._run, args=(seconds,), daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise ResourceError("the system permits no further thread") from error

    def cancel(self) -> None:
        """Stop counting."""
        self._cancelled.set()

    def _run(self, seconds: float) -> None:
        if expires(seconds, self._cancelled.wait):
            self._action()
