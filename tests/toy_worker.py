"""A decoder's process (lbic.codecs.worker) whose jpeg codec does what its stream says, the worst included."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from lbic.codecs import CODECS, worker
from lbic.codecs.base import Geometry
from lbic.color import Planes
from lbic.errors import CodecError


class ToyCodec:
    """Only what the process needs of a codec."""

    id = CODECS["jpeg"].id

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        order, _, argument = data.decode().partition(" ")
        if argument:
            Path(argument).write_text(str(os.getpid()), encoding="ascii")
        if order == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif order == "leave":
            os._exit(3)
        elif order == "hang":
            time.sleep(60)
        elif order == "swell":
            np.ones(2 << 30, np.uint8)
        elif order == "raise":
            raise ZeroDivisionError("of a decoder")
        elif order == "refuse":
            raise CodecError("the stream is damaged")
        elif order == "ramble":
            raise CodecError("x" * 99_999)
        elif order == "babble":
            os.write(1, b"a library's warning\n" * 9)
            sys.stdout.write("and another\n")
            sys.stdout.flush()
        plane = np.full((geometry.height, geometry.width), 0.5, np.float32)
        if order == "other":
            return Planes(plane[1:])
        return Planes(plane) if geometry.gray else Planes(plane, plane, plane)


if __name__ == "__main__":
    CODECS["jpeg"] = ToyCodec()  # type: ignore[assignment]
    worker.main()
