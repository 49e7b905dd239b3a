"""Signals: Ctrl-C and its like end lbic at once, without temporary files left behind."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from lbic.errors import ExitCode
from lbic.system import cleanup

_SIGNALS = ("SIGTERM", "SIGHUP")


def listen() -> None:
    """Handle SIGTERM and SIGHUP like Ctrl-C, unless they are ignored (nohup).

    What else the parent process left behind is reset: the system forgets the exit codes of
    programs while SIGCHLD is ignored, and a blocked signal would never arrive.
    """
    if hasattr(signal, "SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    for name in _SIGNALS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def end() -> NoReturn:
    """End the process without waiting for its threads, which may work for minutes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would interrupt the removal
    cleanup.remove_all()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(ExitCode.INTERRUPTED)
