"""Decoders' processes, which are kept for the next picture.

What decodes is kept apart from this process, since a library that crashes takes its whole process with it. This module
knows how such a process is started, asked and ended; codecs.isolated what is said to it. It imports next to nothing,
so that a command can start one before its own imports.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import BinaryIO, TypeVar, cast

from lbic import leftovers
from lbic.errors import CodecError, MissingError

MODULE = "lbic.codecs.worker"

_idle: list[Decoder] = []

Answer = TypeVar("Answer")


class DecoderError(CodecError):
    """A decoder did not refuse a stream but failed on it: it crashed, hung, or wanted too much memory.

    ``unforeseen`` tells that it was Python code that failed, by an exception that lbic does not expect there.
    """

    def __init__(self, sentence: str, *, unforeseen: bool = False) -> None:
        super().__init__(sentence)
        self.unforeseen = unforeseen


class NoAnswerError(Exception):
    """What came from a process is no answer to what it was asked, or it ended before."""


class Decoder:
    """A process of codecs.worker. Raises MissingError when it cannot be started."""

    def __init__(self) -> None:
        # Nothing is imported that this process would not import: the same module path, and -P, so that it is not
        # the folder where the user happens to be. numpy's threads have nothing to do there and cost memory.
        path = os.pathsep.join(map(os.path.abspath, sys.path))
        environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-P", "-m", MODULE]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, env=environment)
        except OSError as error:
            raise MissingError(f"cannot start a process to decode in: {error.strerror}") from error
        self.requests = cast(BinaryIO, self._process.stdin)
        self.replies = cast(BinaryIO, self._process.stdout)
        self.ready = False
        """It has told that it works; until then it is not the picture that is to blame."""
        self._late = False

    @property
    def usable(self) -> bool:
        """It runs, and its last answer did not come at the very moment when it was stopped."""
        return not self._late and self._process.poll() is None

    def ask(self, question: Callable[[Decoder], Answer], name: str, seconds: float) -> Answer:
        """Return what ``question(self)`` does, which writes to ``requests`` and reads from ``replies``.

        After CodecError the process goes on; in all other cases it is ended. Raises DecoderError, which calls the
        decoder by its name, when the process ends, gives no answer or takes longer than so many seconds, and
        MissingError when it never got ready.
        """
        timer = Timer(seconds, self._stop)
        timer.start()
        try:
            with leftovers.known(self._process.kill):
                return question(self)
        except (NoAnswerError, OSError) as error:
            raise self._failure(name, seconds) from error
        except BaseException as error:
            if isinstance(error, DecoderError) or not isinstance(error, CodecError):
                self.end()
            raise
        finally:
            timer.cancel()

    def read(self, size: int) -> bytes:
        """Exactly so many bytes of a reply; NoAnswerError when there are fewer."""
        data = self.replies.read(size)
        if len(data) != size:
            raise NoAnswerError
        return data

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self.requests, self.replies):
            with suppress(OSError):  # what was not sent cannot be any more
                pipe.close()

    def _stop(self) -> None:
        self._late = True
        self._process.kill()

    def _failure(self, name: str, seconds: float) -> DecoderError | MissingError:
        """What became of the process. It has a moment to end by itself, which tells more."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        self.end()
        if self._late:
            return DecoderError(f"{name} did not finish within {seconds:.0f} s and was stopped")
        if not self.ready:
            return MissingError(f"no process to decode in ({code}); 'python -m {MODULE}' says why")
        if code is None:
            return DecoderError(f"{name} gave an answer that makes no sense")
        if code < 0:
            return DecoderError(f"{name} crashed (signal {-code}, {signal.strsignal(-code)})")
        return DecoderError(f"{name} ended without a picture (exit code {code})")


@contextmanager
def decoder() -> Iterator[Decoder]:
    """A process that nobody else uses while inside, one that waits for work or a new one."""
    found = _waiting() or Decoder()
    try:
        yield found
    finally:
        if found.usable:
            _idle.append(found)
        else:
            found.end()


def prepare() -> None:
    """Start a process that will be needed soon, without waiting for it; who needs it hears when that fails."""
    if not _idle:
        with suppress(MissingError):
            _idle.append(Decoder())


def _waiting() -> Decoder | None:
    with suppress(IndexError):
        while True:
            found = _idle.pop()
            if found.usable:
                return found
            found.end()
    return None


@atexit.register
def end_idle() -> None:
    """End the processes that wait for work."""
    while found := _waiting():
        found.end()
