"""The process that decodes payloads for codecs.isolated and reads picture files for apart: what a library does to
itself on a damaged one ends here.

It reads requests from stdin and writes replies to stdout (protocol.py) until stdin closes, which happens at the latest
when the process that started it ends, however it ends. What a kind of work needs is imported when it is first asked
for, or before where the command line names it: reading most pictures needs neither numpy nor codecs, and starts in half
the time without them.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from lbic.errors import LbicError
from lbic.isolation import protocol

if TYPE_CHECKING:
    from lbic.color import Plane
    from lbic.picture.load import Picture

Part = bytes | memoryview
"""Of an answer, as it is sent."""


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    replies.write(protocol.REPLY.pack(protocol.READY, 0))
    replies.flush()
    while len(head := requests.read(protocol.REQUEST.size)) == protocol.REQUEST.size:
        asked, seconds, size = protocol.REQUEST.unpack(head)
        form = protocol.FILE if asked == protocol.READ else protocol.STREAM
        fields = requests.read(form.size)
        if len(fields) != form.size:
            return
        set_alarm(seconds + 1)
        limit_memory(0, size)
        data = requests.read(size)
        try:
            if asked == protocol.READ:
                answer = _read(replies, data, seconds, *protocol.FILE.unpack(fields))
            else:
                answer = _decode(data, *protocol.STREAM.unpack(fields))
        except LbicError as error:
            answer = _sentence(protocol.REFUSED, str(error))
        except MemoryError:
            answer = _sentence(protocol.NO_MEMORY, "")
        except Exception as error:
            answer = _sentence(protocol.UNFORESEEN, f"{type(error).__name__}: {error}")
        replies.writelines(answer)  # what fails in the middle of an answer ends this process: no other would be heard
        replies.flush()
        del data, answer  # a large picture, while this process waits
        set_alarm(0)


def _decode(stream: bytes, number: int, gray: int, width: int, height: int) -> Iterator[Part]:
    import numpy as np

    from lbic.codecs.base import Geometry
    from lbic.codecs.table import CODECS

    limit_memory(width * height, len(stream))
    codec = next(codec for codec in CODECS.values() if codec.id == number)
    planes = codec.decode(stream, Geometry(width, height, bool(gray)))
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

    return _picture(load(data, max_pixels=max_pixels, keep_icc=bool(keep_icc), opened=opened))


def _picture(picture: Picture) -> Iterator[Part]:
    samples, items = picture.image, [getattr(picture, name) for name in protocol.ITEMS]
    facts = {
        "mode": samples.mode,
        "size": samples.size,
        "notes": picture.notes,
        "luma_table": picture.luma_table,
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


def _sentence(outcome: int, sentence: str) -> Iterator[Part]:
    text = sentence.encode(errors="replace")[: protocol.LONGEST]
    yield protocol.REPLY.pack(outcome, len(text)) + text


def set_alarm(seconds: int) -> None:
    """End this process in so many seconds, 0 for never, even in the middle of a library.

    Who waits for the answer does so before; but if that process was killed meanwhile, nobody else would.
    """
    if sys.platform != "win32":
        signal.alarm(seconds)


def limit_memory(pixels: int, size: int) -> None:
    """Let allocations fail that a picture of so many pixels in so many bytes cannot need, before they bring the
    machine down.

    RLIMIT_DATA counts what can be written; RLIMIT_AS would count address space as well, of which allocators reserve
    much for every thread and use little. Elsewhere than on Linux neither limits anything.
    """
    if sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = protocol.MEMORY + protocol.MEMORY_PER_PIXEL * pixels + protocol.MEMORY_PER_BYTE * size
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if most < 0 else min(wanted, most), most))


def warm(asked: int) -> None:
    """Import what requests of this kind need."""
    if asked == protocol.READ:
        from PIL import Image

        from lbic.picture.load import load  # noqa: F401

        Image.preinit()  # the common formats' readers
    else:
        from lbic.codecs import table as codecs  # noqa: F401


def main() -> None:
    """Serve on stdin and stdout; an argument is the kind of work that will be asked for first."""
    # Ctrl-C reaches every process of a terminal; who is waiting for this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get into the replies
    for asked in sys.argv[1:]:
        warm(int(asked))
    serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
