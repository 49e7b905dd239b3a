"""The worker process: decodes payloads and reads picture files for another lbic process.

It reads requests from stdin and writes replies to stdout (protocol.py) until stdin closes. That
happens at the latest when the parent process ends, for whatever reason.

Modules are imported when the first request needs them, or at the start for the request types named
on the command line. Most pictures need neither NumPy nor the codecs: without these imports the
worker starts in half the time.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from lbic.errors import LbicError, shortage
from lbic.isolation import protocol
from lbic.isolation.confine import VARIABLE, confine
from lbic.system import shortages
from lbic.system.deadline import expires

if TYPE_CHECKING:
    from lbic.color import Plane
    from lbic.picture.load import Picture

_ABANDONED = 5
"""The exit code of a process that nobody waits for any more."""
_TO_READ = 2
"""Seconds in which a request is read that came before the end of stdin."""
_SPARE = 1 << 26
"""Bytes that a library may need for a picture of any size."""
_limit = [0]
"""The bytes of memory that the current request may take."""
_allowed = [0]
"""The seconds that the current request may take."""

Part = bytes | memoryview
"""A piece of a reply."""


def serve(requests: BinaryIO, replies: BinaryIO, confinement: int = 0) -> None:
    """Answer requests until ``requests`` ends; ``confinement`` is the version of Landlock."""
    replies.write(protocol.REPLY.pack(protocol.READY, confinement))
    replies.flush()
    while len(head := requests.read(protocol.REQUEST.size)) == protocol.REQUEST.size:
        request, seconds, size = protocol.REQUEST.unpack(head)
        layout = protocol.FILE if request == protocol.READ else protocol.STREAM
        fields = requests.read(layout.size)
        if len(fields) != layout.size:
            return
        set_alarm(seconds + 1)
        limit_memory(0, size)
        data = requests.read(size)
        try:
            if request == protocol.READ:
                reply = _read(replies, data, seconds, *protocol.FILE.unpack(fields))
            else:
                reply = _decode(data, *protocol.STREAM.unpack(fields))
        except Exception as error:
            reply = _refusal(error)
        replies.writelines(reply)  # an error here ends the process: no second reply is possible
        replies.flush()
        del data, reply  # don't hold a large picture while waiting
        set_alarm(0)


def _decode(stream: bytes, reference: bytes, gray: int, width: int, height: int) -> Iterator[Part]:
    import numpy as np

    from lbic.codecs import table
    from lbic.codecs.base import Geometry

    limit_memory(width * height, len(stream))
    _read_avif_in_one_thread(stream)
    planes = table.referred(reference.rstrip(b"\0").decode()).decode(stream, Geometry(width, height, bool(gray)))
    return _planes(
        [np.ascontiguousarray(plane, np.float32) for plane in (planes.y, planes.cb, planes.cr) if plane is not None]
    )


def _planes(planes: list[Plane]) -> Iterator[Part]:
    yield protocol.REPLY.pack(protocol.DECODED, len(planes))
    for plane in planes:
        yield protocol.PLANE.pack(*plane.shape)
        yield plane.data


def _read(replies: BinaryIO, data: bytes, seconds: int, max_pixels: int, keep_icc: int) -> Iterator[Part]:
    from lbic.picture.load import load

    def opened(width: int, height: int) -> None:
        set_alarm(seconds + math.ceil(protocol.TIMEOUT_PER_MEGAPIXEL * width * height / 1e6) + 1)
        limit_memory(width * height, len(data))
        replies.write(protocol.REPLY.pack(protocol.OPENED, protocol.SIZE.size) + protocol.SIZE.pack(width, height))
        replies.flush()

    _read_avif_in_one_thread(data)
    return _picture(load(data, max_pixels=max_pixels, keep_icc=bool(keep_icc), opened=opened))


def _read_avif_in_one_thread(data: bytes) -> None:
    """Keep Pillow's AVIF reader to one thread.

    It would start one for each core, which the parent's jobs share, and calls a file damaged where
    the system permits no more threads.
    """
    if data[4:8] == b"ftyp":
        with suppress(ImportError):
            from PIL import AvifImagePlugin

            AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def _picture(picture: Picture) -> Iterator[Part]:
    samples, items = picture.image, [getattr(picture, name) for name in protocol.ITEMS]
    facts = {
        "mode": samples.mode,
        "size": samples.size,
        "notes": picture.notes,
        "luma_table": picture.luma_table,
        "profile_applied": picture.profile_applied,
        "alpha": picture.alpha is not None,
        **{name: None if item is None else len(item) for name, item in zip(protocol.ITEMS, items, strict=True)},
    }
    head = json.dumps(facts).encode()
    yield protocol.REPLY.pack(protocol.LOADED, len(head)) + head
    rows = protocol.band_rows(samples.mode, samples.width)
    for top in range(0, samples.height, rows):
        bottom = min(top + rows, samples.height)
        yield samples.crop((0, top, samples.width, bottom)).tobytes()
    if picture.alpha is not None:
        yield picture.alpha.data
    for item in items:
        yield item or b""


def _refusal(error: Exception) -> Iterator[Part]:
    """Return the reply to a request that failed.

    Libraries call a file damaged when memory or a thread is refused to them. So a refusal counts
    only if the system would give what the picture may need.
    """
    outcome = protocol.UNFORESEEN
    sentence = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError):
        short = shortages.memory(_limit[0] - shortages.used_memory())
        outcome = protocol.SHORTAGE if short else protocol.NO_MEMORY
        sentence = "not enough memory"
    elif shortages.of_threads():
        outcome, sentence = protocol.SHORTAGE, "the system permits no further thread"
    elif shortage(error) or shortages.memory(_limit[0] - protocol.MEMORY + _SPARE):
        outcome, sentence = protocol.SHORTAGE, str(shortage(error) or "not enough memory")
    elif isinstance(error, LbicError):
        outcome, sentence = protocol.REFUSED, str(error)
    elif isinstance(error, ImportError | PermissionError):
        sentence += f" (where Landlock keeps a library from its files, {VARIABLE}=0 lifts it)"
    return _sentence(outcome, sentence)


def _sentence(outcome: int, sentence: str) -> Iterator[Part]:
    text = sentence.encode(errors="replace")[: protocol.LONGEST]
    yield protocol.REPLY.pack(outcome, len(text)) + text


def set_alarm(seconds: int) -> None:
    """End this process after ``seconds`` of processor time, even inside a library; 0 cancels that.

    Processor time, since a process that is suspended needs none. The parent's own time limit is
    shorter. The alarm matters if the parent was killed meanwhile.
    """
    _allowed[0] = seconds
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def end_with_parent() -> None:
    """End this process soon after nobody can send requests any more.

    A thread waits for the end of stdin. If the parent has ended, this process ends at once,
    otherwise after the time that its request may take. This ends a library that waits for ever
    without using processor time.
    """
    if not hasattr(select, "poll"):  # Windows
        return
    parent = os.getppid()
    watch = select.poll()
    watch.register(0, 0)

    def abandoned(tick: float) -> bool:
        if os.getppid() == parent:
            time.sleep(tick)
        return os.getppid() != parent

    def end() -> None:
        watch.poll()
        if expires(_TO_READ, abandoned):  # the last request may still be in the pipe
            expires(_allowed[0], abandoned)
        os._exit(_ABANDONED)

    with suppress(RuntimeError):  # no further thread: the alarm must do
        threading.Thread(target=end, daemon=True).start()


def limit_memory(pixels: int, size: int) -> None:
    """Limit this process's memory to what a picture of ``pixels`` in ``size`` bytes can need.

    Larger allocations fail before they bring the machine down. RLIMIT_DATA counts writable memory;
    RLIMIT_AS would also count address space, of which allocators reserve much for each thread and
    use little. Only Linux enforces these limits.
    """
    limit = protocol.MEMORY + protocol.MEMORY_PER_PIXEL * pixels + protocol.MEMORY_PER_BYTE * size
    _limit[0] = limit
    if sys.platform == "linux":
        import resource

        _, hard_limit = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard_limit < 0 else min(limit, hard_limit), hard_limit))


def import_for(request: int) -> None:
    """Import the modules that requests of this type need."""
    if request == protocol.READ:
        from PIL import Image

        from lbic.picture.load import load  # noqa: F401

        Image.preinit()  # the common formats' readers
    else:
        from lbic.codecs import table as codecs  # noqa: F401


def main() -> None:
    """Serve stdin and stdout; the arguments are the request types to import modules for."""
    # Ctrl-C reaches all processes of a terminal; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":  # the alarm must work, whatever the parent's parent left behind
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # keep a library's own output out of the replies
    for request in sys.argv[1:]:
        import_for(int(request))
    confinement = confine()
    end_with_parent()
    serve(sys.stdin.buffer, replies, confinement)


if __name__ == "__main__":
    main()
