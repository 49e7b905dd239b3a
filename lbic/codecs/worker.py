"""The process that decodes for codecs.isolated: what a library does to itself on a damaged stream ends here.

It reads requests from stdin and writes replies to stdout until stdin closes, which happens at the latest when the
process that started it ends, however it ends. Both sides speak plain bytes; a reply is numbers or a sentence.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from typing import BinaryIO

import numpy as np

from lbic.codecs import CODECS
from lbic.codecs.base import Geometry
from lbic.color import Planes
from lbic.errors import LbicError

REQUEST = struct.Struct(">BBIIIQ")
"""Codec number, gray, width, height, seconds that it may take, bytes of the stream, which follows."""
REPLY = struct.Struct(">BI")
"""Outcome; for DECODED the number of planes, which follow; else the bytes of a sentence (UTF-8), which follows."""
PLANE = struct.Struct(">II")
"""Rows, columns; the samples follow, float32 as this machine stores them."""
READY, DECODED, REFUSED, NO_MEMORY, UNFORESEEN = range(5)
"""Outcomes. READY comes once, before the first request."""
LONGEST = 4096
"""Bytes of a sentence."""

MEMORY = 1_000_000_000
MEMORY_PER_PIXEL = 64
"""Bytes, added. The interpreter and the decoders' libraries take 0.1 GB, more where a decoder starts many threads; a
pixel takes 18 (JPEG) to 29 bytes (VVC, WebP), float planes included. The largest legal picture fits as well."""


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    codecs = {codec.id: codec for codec in CODECS.values()}
    replies.write(REPLY.pack(READY, 0))
    replies.flush()
    while len(head := requests.read(REQUEST.size)) == REQUEST.size:
        number, gray, width, height, seconds, size = REQUEST.unpack(head)
        stream = requests.read(size)
        set_alarm(seconds + 1)
        limit_memory(width * height)
        try:
            planes = codecs[number].decode(stream, Geometry(width, height, bool(gray)))
            _send(replies, planes)
        except LbicError as error:
            _say(replies, REFUSED, str(error))
        except MemoryError:
            _say(replies, NO_MEMORY, "")
        except Exception as error:
            _say(replies, UNFORESEEN, f"{type(error).__name__}: {error}")
        replies.flush()
        set_alarm(0)


def set_alarm(seconds: int) -> None:
    """End this process in so many seconds, 0 for never, even in the middle of a library.

    Who waits for the answer does so before; but if that process was killed meanwhile, nobody else would.
    """
    if sys.platform != "win32":
        signal.alarm(seconds)


def limit_memory(pixels: int) -> None:
    """Let allocations fail that a picture of so many pixels cannot need, before they bring the machine down.

    RLIMIT_DATA counts what can be written; RLIMIT_AS would count address space as well, of which allocators reserve
    much for every thread and use little. Elsewhere than on Linux neither limits anything.
    """
    if sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = MEMORY + MEMORY_PER_PIXEL * pixels
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if most < 0 else min(wanted, most), most))


def _send(replies: BinaryIO, planes: Planes) -> None:
    sent = [np.ascontiguousarray(plane, np.float32) for plane in (planes.y, planes.cb, planes.cr) if plane is not None]
    replies.write(REPLY.pack(DECODED, len(sent)))
    for plane in sent:
        replies.write(PLANE.pack(*plane.shape))
        replies.write(plane.data)


def _say(replies: BinaryIO, outcome: int, sentence: str) -> None:
    text = sentence.encode(errors="replace")[:LONGEST]
    replies.write(REPLY.pack(outcome, len(text)) + text)


def main() -> None:
    """Serve on stdin and stdout."""
    # Ctrl-C reaches every process of a terminal; who is waiting for this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get into the replies
    serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
