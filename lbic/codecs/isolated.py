"""Decode in another process: a decoder that crashes, hangs or swallows memory costs one picture, not the batch.

The processes (codecs.worker) are started when they are first needed, one for each thread that decodes at a time, and
kept for the next picture. One that failed is ended and never used again.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from contextlib import suppress
from threading import Timer
from typing import IO

import numpy as np

from lbic.codecs import process
from lbic.codecs.base import Codec, Geometry
from lbic.codecs.worker import DECODED, NO_MEMORY, PLANE, READY, REFUSED, REPLY, REQUEST
from lbic.color import Plane, Planes
from lbic.errors import CodecError, MissingError

TIMEOUT = 10
TIMEOUT_PER_MEGAPIXEL = 5
"""Seconds, added. The slowest decoder needs about 0.2 for a megapixel; only a hang exceeds this."""


class DecoderError(CodecError):
    """A decoder did not refuse a stream but failed on it: it crashed, hung, or wanted too much memory.

    ``unforeseen`` tells that it was Python code that failed, by an exception that lbic does not expect there.
    """

    unforeseen = False


class _NoReplyError(Exception):
    """What came from the worker is not what it says to a request, or nothing."""


class _Worker:
    """One process; ``usable`` until something goes wrong with it."""

    def __init__(self) -> None:
        # Nothing is imported that this process would not import: the same module path, and -P, so that it is not
        # the folder where the user happens to be. numpy's threads have nothing to do there and cost memory.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-P", "-m", "lbic.codecs.worker"]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, env=environment)
        except OSError as error:
            raise MissingError(f"cannot start a process to decode in: {error.strerror}") from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests: IO[bytes] = self._process.stdin
        self._replies: IO[bytes] = self._process.stdout
        self._ready = self._late = False

    @property
    def usable(self) -> bool:
        return self._process.poll() is None

    def decode(self, codec: Codec, stream: bytes, geometry: Geometry) -> Planes:
        """Decode as Codec.decode does. Raises DecoderError, and MissingError when the process does not even start."""
        limit = TIMEOUT + TIMEOUT_PER_MEGAPIXEL * geometry.width * geometry.height / 1e6
        timer = Timer(limit, self._stop)
        timer.start()
        try:
            with process.registered(self._process):
                return self._ask(codec, stream, geometry)
        except (_NoReplyError, OSError) as error:
            raise self._failure(f"the {codec.name} decoder", limit) from error
        except (DecoderError, KeyboardInterrupt):
            self.end()
            raise
        finally:
            timer.cancel()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._replies):
            with suppress(OSError):  # what was not sent cannot be any more
                pipe.close()

    def _ask(self, codec: Codec, stream: bytes, geometry: Geometry) -> Planes:
        if not self._ready:
            self._ready = self._head() == (READY, 0)
        size = geometry.width, geometry.height
        self._requests.write(REQUEST.pack(codec.id, geometry.gray, *size, len(stream)) + stream)
        self._requests.flush()
        outcome, count = self._head()
        if outcome == DECODED:
            return self._planes(count, geometry)
        sentence = self._read(count).decode(errors="replace")
        if outcome == REFUSED:
            raise CodecError(sentence)
        if outcome == NO_MEMORY:
            raise DecoderError(f"the {codec.name} decoder wants more memory than any picture of this size needs")
        failed = DecoderError(f"the {codec.name} decoder failed: {sentence}")
        failed.unforeseen = True
        raise failed

    def _planes(self, count: int, geometry: Geometry) -> Planes:
        """The planes of a reply, which must be those of the geometry before room is made for them."""
        whole = geometry.height, geometry.width
        half = -(-geometry.height // 2), -(-geometry.width // 2)
        if count != (1 if geometry.gray else 3):
            raise _NoReplyError
        y, *chroma = (self._plane(whole, half if index else whole) for index in range(count))
        return Planes(y, *chroma)

    def _plane(self, *shapes: tuple[int, int]) -> Plane:
        shape = PLANE.unpack(self._read(PLANE.size))
        if shape not in shapes:
            raise _NoReplyError
        plane = np.empty(shape, np.float32)
        if self._replies.readinto(plane.data.cast("B")) != plane.nbytes:  # type: ignore[attr-defined]
            raise _NoReplyError
        return plane

    def _head(self) -> tuple[int, int]:
        outcome, count = REPLY.unpack(self._read(REPLY.size))
        return outcome, count

    def _read(self, size: int) -> bytes:
        data = self._replies.read(size)
        if len(data) != size:
            raise _NoReplyError
        return data

    def _stop(self) -> None:
        self._late = True
        self._process.kill()

    def _failure(self, name: str, limit: float) -> CodecError | MissingError:
        """What became of the process, which is no more; it has a moment to end by itself, to tell why."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        self.end()
        if self._late:
            return DecoderError(f"{name} did not finish within {limit:.0f} s and was stopped")
        if code is None:
            return DecoderError(f"{name} gave a reply that makes no sense")
        if not self._ready:
            return MissingError(f"no process to decode in ({code}); 'python -m lbic.codecs.worker' says why")
        if code < 0:
            return DecoderError(f"{name} crashed (signal {-code}, {signal.strsignal(-code)})")
        return DecoderError(f"{name} ended without a picture (exit code {code})")


_idle: list[_Worker] = []


def decode(codec: Codec, stream: bytes, geometry: Geometry) -> Planes:
    """Decode as ``codec.decode`` does, in another process.

    Raises CodecError as that does, and DecoderError, which says what happened, when the decoder crashes, takes far
    longer or wants far more memory than a picture of this size can need; MissingError when no process starts.
    """
    worker = _take()
    try:
        return worker.decode(codec, stream, geometry)
    finally:
        if worker.usable:
            _idle.append(worker)


def prepare() -> None:
    """Start a process that will be needed soon, and don't wait for it."""
    if not _idle:
        _idle.append(_Worker())


def _take() -> _Worker:
    with suppress(IndexError):
        while True:
            worker = _idle.pop()
            if worker.usable:
                return worker
            worker.end()
    return _Worker()


@atexit.register
def end_idle() -> None:
    """End the processes that wait for work."""
    while _idle:
        _idle.pop().end()
