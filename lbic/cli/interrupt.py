"""Ctrl-C and the signals that end a program: lbic ends at once and leaves no temporary files."""

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
    """Handle SIGTERM and SIGHUP like Ctrl-C, unless they are ignored (nohup)."""
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
