"""Start, call and end worker processes, and keep idle ones for the next picture.

Decoders and readers run in a separate process: if a library crashes, it takes only that process
down. payloads.py and pictures.py define the two calls, protocol.py the bytes, worker.py the other
side. This module imports little, so that a command can start a worker before its own imports.
"""

from __future__ import annotations

import atexit
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, ClassVar, TypeVar, cast

from lbic.errors import NO_ROOM, CodecError, ImageError, LbicError, MissingError, ResourceError, printable
from lbic.isolation.protocol import (
    LONGEST,
    NO_MEMORY,
    READY,
    REFUSED,
    REPLY,
    SHORTAGE,
    START_TIMEOUT,
    UNFORESEEN,
)
from lbic.system import cleanup, cores, python
from lbic.system.deadline import Deadline
from lbic.system.shortages import FROM_OUTSIDE

MODULE = "lbic.isolation.worker"

_OUT_OF_TIME = {-getattr(signal, "SIGPROF", 0)} - {0}
"""The exit code of a worker that used up its processor time (worker.set_alarm)."""

_idle: list[Worker] = []

Result = TypeVar("Result")


class WorkerFailure(LbicError):  # noqa: N818 - its subclasses are named Error
    """A library did not reject its input but failed on it: it crashed, hung or ran out of memory.

    ``unforeseen`` is true if Python code in the worker raised an exception that lbic does not
    expect there.
    """

    refusal: ClassVar[type[LbicError]]
    """The error raised when the library rejects its input instead."""

    def __init__(self, sentence: str, *, unforeseen: bool = False) -> None:
        """Take the message and whether the exception was unexpected."""
        super().__init__(sentence)
        self.unforeseen = unforeseen


class DecoderError(WorkerFailure, CodecError):
    """A codec's decoder failed on a payload."""

    refusal = CodecError


class ReaderError(WorkerFailure, ImageError):
    """A picture format's reader failed on a file."""

    refusal = ImageError


class BadReplyError(Exception):
    """A worker's reply is malformed or cut off."""


class Worker:
    """A worker process; it handles one request at a time."""

    def __init__(self, *requests: int) -> None:
        """Start a process that first imports what these request types (DECODE, READ) need.

        Raises MissingError if the process cannot be started, and ResourceError if the system has
        no room for it.
        """
        command = python.command("-m", MODULE, *map(str, requests))
        environment = python.environment(OPENBLAS_NUM_THREADS="1")  # as in lbic.cli.main
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=null, env=environment)
        except OSError as error:
            kind = ResourceError if error.errno in NO_ROOM else MissingError
            raise kind(f"cannot start a worker process: {error.strerror}") from error
        self._requests = cast(BinaryIO, self._process.stdin)
        self._replies = cast(BinaryIO, self._process.stdout)
        self.confinement = 0  # the version of Landlock that confines it; 0 is none
        self._ready = False  # it has sent READY; until then a failure is not the picture's fault
        self._late = False
        self._deadline: Deadline | None = None
        self._seconds = 0.0
        self._name = ""
        self._failure: type[WorkerFailure] = DecoderError

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """True if the process runs and was not stopped while its last reply arrived."""
        return not self._late and self._process.poll() is None

    def call(
        self, exchange: Callable[[Worker], Result], name: str, seconds: float, failure: type[WorkerFailure]
    ) -> Result:
        """Return ``exchange(self)``, which sends one request and reads its replies.

        The process continues after a refusal and is ended after any other error. Raises
        ``failure``, with a message that begins with ``name``, if the process ends, sends a
        malformed reply or needs more than ``seconds``; ``failure.refusal`` if the library rejects
        its input; MissingError if the process never became ready; and ResourceError if the system
        refuses memory, threads or processes.
        """
        self._name, self._failure = name, failure
        try:
            self.wait_until_ready()
            self.set_time_limit(seconds)
            with cleanup.registered(self._process.kill):
                return exchange(self)
        except (BadReplyError, OSError) as error:
            raise self._diagnose() from error
        except BaseException as error:
            if isinstance(error, WorkerFailure) or not isinstance(error, LbicError):
                self.end()
            raise
        finally:
            self._cancel_deadline()

    def wait_until_ready(self) -> None:
        """Wait until the process has imported its libraries; raises MissingError if it fails."""
        if self._ready:
            return
        try:
            self.set_time_limit(START_TIMEOUT)
            with cleanup.registered(self._process.kill):
                self.confinement = self.expect(READY)
            self._ready = True
        except (BadReplyError, OSError) as error:
            raise self._diagnose() from error
        finally:
            self._cancel_deadline()

    def set_time_limit(self, seconds: float) -> None:
        """Stop the process after ``seconds`` unless the call has returned by then.

        Time in which this process is suspended does not count.
        """
        self._cancel_deadline()
        self._seconds = seconds
        self._deadline = Deadline(seconds, self._stop)

    def send(self, head: bytes, data: bytes) -> None:
        """Send a request."""
        self._requests.write(head)
        self._requests.write(data)
        self._requests.flush()

    def expect(self, outcome: int) -> int:
        """Read the next reply, which must have this outcome, and return its count.

        Raises the error that another outcome stands for.
        """
        received, count = REPLY.unpack(self.read(REPLY.size))
        if received == outcome:
            return int(count)
        if count > LONGEST:
            raise BadReplyError
        sentence = printable(self.read(count).decode(errors="replace"))
        if received == REFUSED:
            raise self._failure.refusal(sentence)
        if received == NO_MEMORY:
            raise self._failure(f"{self._name} needs more memory than a picture of this size may take")
        if received == SHORTAGE:
            raise ResourceError(f"{self._name} lacks memory or threads: {sentence}")
        if received == UNFORESEEN:
            raise self._failure(f"{self._name} failed: {sentence}", unforeseen=True)
        raise BadReplyError

    def read(self, size: int) -> bytes:
        """Read exactly ``size`` bytes of a reply. Raises BadReplyError if there are fewer."""
        data = self._replies.read(size)
        if len(data) != size:
            raise BadReplyError
        return data

    def fill(self, buffer: memoryview) -> None:
        """Fill a buffer with bytes of a reply. Raises BadReplyError if there are too few."""
        if self._replies.readinto(buffer.cast("B")) != buffer.nbytes:  # type: ignore[attr-defined]
            raise BadReplyError

    def end(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._replies):
            with suppress(OSError):  # closing flushes what the process never read
                pipe.close()

    def _cancel_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()

    def _stop(self) -> None:
        self._late = True
        self._process.kill()

    def _diagnose(self) -> LbicError:
        """End the process and return the error that says what went wrong.

        The process gets a second to end by itself, because its exit code says more.
        """
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        self.end()
        if not self._ready:
            what = f"did not start within {self._seconds:.0f} s" if self._late else f"ended at its start ({code})"
            return MissingError(f"the worker process {what}; 'python -m {MODULE}' shows why")
        if self._late or code in _OUT_OF_TIME:
            return self._failure(f"{self._name} did not finish within {self._seconds:.0f} s and was stopped")
        if code is not None and -code in FROM_OUTSIDE:
            return ResourceError(
                f"the system or another process ended {self._name} (signal {-code}, {signal.strsignal(-code)}); "
                "signal 9 usually means that memory ran out"
            )
        if code is None:
            return self._failure(f"{self._name} sent a malformed reply")
        if code < 0:
            return self._failure(f"{self._name} crashed (signal {-code}, {signal.strsignal(-code)})")
        return self._failure(f"{self._name} ended without a picture (exit code {code})")


@contextmanager
def borrow() -> Iterator[Worker]:
    """Lend a worker process to one thread: an idle one or a new one.

    It becomes idle again afterwards. More idle workers than threads that could use them are ended.
    Raises MissingError if no process can be started, also at the second try.
    """
    worker = _take_idle() or Worker()
    try:
        worker.wait_until_ready()
    except MissingError:
        worker = Worker()  # the first may have met a slow or busy disk
    except BaseException:
        worker.end()
        raise
    try:
        yield worker
    finally:
        if worker.usable and len(_idle) < max(cores.jobs(), cores.cores()):
            _idle.append(worker)
        else:
            worker.end()


def prepare(request: int) -> None:
    """Start an idle worker, without waiting, for the first request of this type (protocol.READ).

    A failure is ignored here: ``borrow`` meets it again and reports it.
    """
    if not _idle:
        with suppress(MissingError, ResourceError):
            _idle.append(Worker(request))


def _take_idle() -> Worker | None:
    """Return an idle worker that still runs, or None."""
    with suppress(IndexError):  # list.pop is atomic: two threads never get the same worker
        while True:
            worker = _idle.pop()
            if worker.usable:
                return worker
            worker.end()
    return None


@atexit.register
def end_idle() -> None:
    """End all idle workers."""
    while worker := _take_idle():
        worker.end()
