"""Decoders' processes, which are kept for the next picture.

What decodes is kept apart from this process, since a library that crashes takes its whole process with it. This module
knows how such a process (worker.py) is started, asked and ended; codecs/isolated.py and apart.py know what to ask. It
imports next to nothing, so that a command can start one before its own imports.
"""

from __future__ import annotations

import atexit
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Timer
from typing import BinaryIO, ClassVar, TypeVar, cast

from lbic.errors import CodecError, ImageError, LbicError, MissingError, printable
from lbic.isolation.protocol import LONGEST, NO_MEMORY, READY, REFUSED, REPLY, UNFORESEEN
from lbic.system import cleanup, python

MODULE = "lbic.isolation.worker"
PATIENCE = 0.2
"""Seconds that threads wait, added up, for a process that another uses before one is started: a start takes as long."""

_idle: list[Decoder] = []
_returned = Condition()
_busy = 0
_waited = 0.0

Answer = TypeVar("Answer")


class Failure(LbicError):  # noqa: N818 - its kinds are errors
    """A library did not refuse what it was given but failed on it: it crashed, hung, or wanted too much memory.

    ``unforeseen`` tells that it was Python code that failed, by an exception that lbic does not expect there.
    """

    refusal: ClassVar[type[LbicError]]
    """What is raised when it does refuse."""

    def __init__(self, sentence: str, *, unforeseen: bool = False) -> None:
        super().__init__(sentence)
        self.unforeseen = unforeseen


class DecoderError(Failure, CodecError):
    """A codec's decoder failed on a payload."""

    refusal = CodecError


class ReaderError(Failure, ImageError):
    """A picture format's reader failed on a file."""

    refusal = ImageError


class NoAnswerError(Exception):
    """What came from a process is no answer to what it was asked, or it ended before."""


class Decoder:
    """A process of worker.py, which first imports what a kind of work needs. Raises MissingError when it cannot be
    started."""

    def __init__(self, *asked: int) -> None:
        command = python.command("-m", MODULE, *map(str, asked))
        # numpy's threads have nothing to do there and cost memory.
        environment = python.environment(OPENBLAS_NUM_THREADS="1")
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, env=environment)
        except OSError as error:
            raise MissingError(f"cannot start a process to decode in: {error.strerror}") from error
        self._requests = cast(BinaryIO, self._process.stdin)
        self._replies = cast(BinaryIO, self._process.stdout)
        self._ready = False  # it has told that it works; until then it is not the picture that is to blame
        self._late = False
        self._timer: Timer | None = None
        self._seconds = 0.0
        self._name = ""
        self._failure: type[Failure] = DecoderError

    @property
    def usable(self) -> bool:
        """It runs, and its last answer did not come at the very moment when it was stopped."""
        return not self._late and self._process.poll() is None

    def ask(self, question: Callable[[Decoder], Answer], name: str, seconds: float, failure: type[Failure]) -> Answer:
        """Return what ``question(self)`` does, which calls ``send`` and then what reads the replies.

        After a refusal the process goes on; in all other cases it is ended. Raises ``failure``, whose sentence begins
        with the name, when the process ends, gives no answer or takes longer than so many seconds, its kind of refusal
        when it refuses, and MissingError when it never got ready.
        """
        self._name, self._failure = name, failure
        try:
            self.allow(seconds)
            with cleanup.known(self._process.kill):
                return question(self)
        except (NoAnswerError, OSError) as error:
            raise self._reason() from error
        except BaseException as error:
            if isinstance(error, Failure) or not isinstance(error, LbicError):
                self.end()
            raise
        finally:
            self._cancel()

    def allow(self, seconds: float) -> None:
        """Give a question that is being asked so many seconds from now."""
        self._cancel()
        self._seconds = seconds
        self._timer = Timer(seconds, self._stop)
        self._timer.start()

    def send(self, head: bytes, data: bytes) -> None:
        """Send a request once the process is ready."""
        if not self._ready:
            self.outcome(READY)
            self._ready = True
        self._requests.write(head)
        self._requests.write(data)
        self._requests.flush()

    def outcome(self, wanted: int) -> int:
        """The count of the next reply, whose outcome must be this one; raises what another means."""
        outcome, count = REPLY.unpack(self.read(REPLY.size))
        if outcome == wanted:
            return int(count)
        if count > LONGEST:
            raise NoAnswerError
        sentence = printable(self.read(count).decode(errors="replace"))
        if outcome == REFUSED:
            raise self._failure.refusal(sentence)
        if outcome == NO_MEMORY:
            raise self._failure(f"{self._name} wants more memory than a picture of this size needs")
        if outcome == UNFORESEEN:
            raise self._failure(f"{self._name} failed: {sentence}", unforeseen=True)
        raise NoAnswerError

    def read(self, size: int) -> bytes:
        """Exactly so many bytes of a reply; NoAnswerError when there are fewer."""
        data = self._replies.read(size)
        if len(data) != size:
            raise NoAnswerError
        return data

    def fill(self, room: memoryview) -> None:
        """Read so many bytes of a reply as there is room for; NoAnswerError when there are fewer."""
        if self._replies.readinto(room.cast("B")) != room.nbytes:  # type: ignore[attr-defined]
            raise NoAnswerError

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._replies):
            with suppress(OSError):  # what was not sent cannot be any more
                pipe.close()

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _stop(self) -> None:
        self._late = True
        self._process.kill()

    def _reason(self) -> LbicError:
        """What became of the process. It has a moment to end by itself, which tells more."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        self.end()
        if not self._ready:
            why = f"it did not start within {self._seconds:.0f} s" if self._late else f"{code}"
            return MissingError(f"no process to decode in ({why}); 'python -m {MODULE}' says why")
        if self._late:
            return self._failure(f"{self._name} did not finish within {self._seconds:.0f} s and was stopped")
        if code is None:
            return self._failure(f"{self._name} gave an answer that makes no sense")
        if code < 0:
            return self._failure(f"{self._name} crashed (signal {-code}, {signal.strsignal(-code)})")
        return self._failure(f"{self._name} ended without a picture (exit code {code})")


@contextmanager
def decoder() -> Iterator[Decoder]:
    """A process that nobody else uses while inside, one that waits for work or a new one."""
    global _busy
    found = _take()
    try:
        yield found
    finally:
        if found.usable:
            _idle.append(found)
        else:
            found.end()
        with _returned:
            _busy -= 1
            _returned.notify()


def _take() -> Decoder:
    """Threads share a process as long as that costs them less time than another would take to start: reading a small
    picture is a small part of the work on it."""
    global _busy, _waited
    with _returned:
        began = time.monotonic()
        while not (found := _waiting()) and _busy and (left := began + PATIENCE - _waited - time.monotonic()) > 0:
            _returned.wait(left)
        _waited = _waited + time.monotonic() - began if found else 0
        found = found or Decoder()
        _busy += 1
    return found


def prepare(asked: int) -> None:
    """Start a process that will soon be asked for this kind of work (protocol.DECODE or READ), without waiting for it;
    who needs it hears when that fails."""
    if not _idle:
        with suppress(MissingError):
            _idle.append(Decoder(asked))


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
