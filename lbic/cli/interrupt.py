"""Ctrl-C, and the signals that ask a program to end: at once, with nothing left behind."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from lbic.errors import ExitCode
from lbic.system import cleanup

_ASKING = ("SIGTERM", "SIGHUP")


def listen() -> None:
    """Take the signals that ask to end for Ctrl-C, unless they are ignored, as nohup has it."""
    for name in _ASKING:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def end() -> NoReturn:
    """End an interrupted process without waiting for its threads, which may be at work for minutes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would stop the removal
    cleanup.remove_all()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(ExitCode.INTERRUPTED)
