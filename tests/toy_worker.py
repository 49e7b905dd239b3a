"""A worker process that misbehaves as its payload or picture file orders."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from lbic.codecs.base import Geometry
from lbic.codecs.table import CODECS
from lbic.color import Planes
from lbic.errors import CodecError, ImageError
from lbic.isolation import worker
from lbic.picture import load as reader
from lbic.picture.load import Picture

if sys.platform != "win32":
    import resource

FILE = b"a toy: "
"""The start of a picture file with an order. With ``opened `` the size is reported first."""


class ToyCodec:
    """The part of a codec that a worker needs."""

    id = CODECS["jpeg"].id

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        order = data.decode()
        obey(order, CodecError)
        plane = np.full((geometry.height, geometry.width), 0.5, np.float32)
        if order == "other":
            return Planes(plane[1:])
        return Planes(plane) if geometry.gray else Planes(plane, plane, plane)


class Long(bytes):
    """Bytes that claim to be longer than any metadata."""

    def __len__(self) -> int:
        return 1 << 40


def load(
    data: bytes, *, max_pixels: int = 0, keep_icc: bool = False, opened: Callable[[int, int], None] = lambda *_: None
) -> Picture:
    """Read a picture, or obey an order."""
    if not data.startswith(FILE):
        return read(data, max_pixels=max_pixels, keep_icc=keep_icc, opened=opened)
    order = data.removeprefix(FILE).decode()
    if order.startswith("opened "):
        order = order.removeprefix("opened ")
        opened(*((99, 99) if order == "too large" else (16, 8)))
    obey(order, ImageError)
    mode, size = ("CMYK" if order == "other mode" else "L"), ((15, 8) if order == "other" else (16, 8))
    # An array that is not contiguous cannot be sent.
    alpha = np.zeros((16, 8), np.uint8).T if order == "break" else None
    return Picture(Image.new(mode, size), alpha, icc=Long() if order == "long" else None)


def _refuse(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def obey(order: str, refusal: type[Exception]) -> None:
    """Obey an order; a path after it is a file to write this process's id to."""
    if order.startswith("escape "):
        _, port, folder = order.split(" ", 2)
        raise refusal(f"succeeded: {', '.join(escape(folder, int(port)))}")
    if " /" in order:
        order, _, argument = order.partition(" ")
        Path(argument).write_text(str(os.getpid()), encoding="ascii")
    if order == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif order == "leave":
        os._exit(3)
    elif order == "hang":
        time.sleep(60)
    elif order == "nap":
        time.sleep(1)
    elif order == "burn":
        while True:
            pass
    elif order == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif order == "no library":
        raise ImportError("libx.so: failed to map segment from shared object")
    elif order == "starve":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 20, resource.RLIM_INFINITY))
        raise refusal("the stream is damaged")
    elif order == "starve and swell":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
        np.ones(1 << 30, np.uint8)
    elif order == "no thread":
        threading.Thread.start = _refuse  # type: ignore[method-assign, assignment]
        raise refusal("the stream is damaged")
    elif order == "swell":
        np.ones(2 << 30, np.uint8)
    elif order == "raise":
        raise ZeroDivisionError("of a decoder")
    elif order == "refuse":
        raise refusal("the stream is damaged")
    elif order == "ramble":
        raise refusal("x" * 99_999)
    elif order == "babble":
        os.write(1, b"a library's warning\n" * 9)
        sys.stdout.write("and another\n")
        sys.stdout.flush()


def escape(folder: str, port: int) -> list[str]:
    """Try what a decoder that was taken over would try; return what succeeded."""
    secret, new = Path(folder, "secret"), Path(folder, "new")
    attempts: dict[str, Callable[[], object]] = {
        "read": secret.read_bytes,
        "read the system's files": lambda: Path("/etc/passwd").read_bytes(),
        "write": lambda: new.write_bytes(b"x"),
        "change": lambda: secret.open("r+b").close(),
        "truncate": lambda: os.truncate(secret, 0),
        "list": lambda: list(Path(folder).iterdir()),
        "make a folder": lambda: Path(folder, "folder").mkdir(),
        "link": lambda: Path(folder, "link").symlink_to(secret),
        "rename": lambda: secret.rename(Path(folder, "other")),
        "start a program": lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
        "connect": lambda: socket.create_connection(("127.0.0.1", port), timeout=5).close(),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
        "signal": lambda: os.kill(os.getppid(), 0),
    }
    succeeded = []
    for name, attempt in attempts.items():
        try:
            attempt()
            succeeded.append(name)
        except PermissionError:
            pass
    return succeeded


if __name__ == "__main__":
    os.environ.setdefault("LBIC_CONFINE", "0")  # orders write files
    read, reader.load = reader.load, load
    CODECS["jpeg"] = ToyCodec()  # type: ignore[assignment]
    worker.main()
