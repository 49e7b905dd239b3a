"""Run encoder programs: with a time limit, in a temporary folder, with the reason of a failure."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from lbic import errors
from lbic.errors import CodecError, FileError, MissingError, ResourceError
from lbic.system import cleanup, temporary
from lbic.system.deadline import expires
from lbic.system.shortages import FROM_OUTSIDE

TIMEOUT = 60
TIMEOUT_PER_MEGAPIXEL = 3600
"""Seconds, added up. VTM at its slowest needs about 60 s on one core for 0.4 megapixels, so only a
hang exceeds the limit."""

_TIE_FAILED = b"setpriv: "
_PREFIX = re.compile(
    r"\[[^]]* @ 0x[0-9a-f]+\] "
)  # ffmpeg's name of the component, with an address that differs in every run


def run(arguments: Sequence[str], *, timeout: float, cwd: Path | None = None) -> bytes:
    """Run a program and return its stdout. If possible it also ends when this process is killed.

    Raises MissingError if it cannot be started, ResourceError if the system refuses it memory,
    threads or its start, and CodecError with its own reason if it fails otherwise or exceeds
    ``timeout`` seconds (then it is killed).
    """
    name = Path(arguments[0]).name
    tied = (*tie(os.environ.get("PATH")), *arguments)
    code, output, stderr = attempt(tied, timeout=timeout, cwd=cwd, name=name)
    if code and stderr.startswith(_TIE_FAILED):
        # setpriv could not start the program. Without setpriv the system says why.
        code, output, stderr = attempt(arguments, timeout=timeout, cwd=cwd, name=name)
    if code:
        how = f"was killed (signal {-code})" if code < 0 else f"failed ({code})"
        sentence = f"{name} {how}: {reason(stderr) or reason(output) or 'no message'}"
        lacking = -code in FROM_OUTSIDE or errors.names_shortage(stderr.decode(errors="replace"))
        raise ResourceError(sentence) if lacking else CodecError(sentence)
    return output


def attempt(
    arguments: Sequence[str], *, timeout: float, cwd: Path | None = None, name: str | None = None
) -> tuple[int, bytes, bytes]:
    """Run a program and return its exit code, stdout and stderr; ``name`` is its name in errors.

    Raises as ``run`` does, except for a program that fails.
    """
    called = name or Path(arguments[0]).name
    if sys.platform != "win32" and signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        raise ResourceError(f"cannot run {called}: this process ignores SIGCHLD, so a failure would go unnoticed")

    def start() -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd
            )
        except OSError as error:
            kind = ResourceError if error.errno in errors.NO_ROOM else MissingError
            raise kind(f"cannot start {arguments[0]}: {error.strerror}") from error

    # A tied program is killed when the thread that started it ends, not only the process. So the
    # thread that waits for it must start it.
    with cleanup.owned(start, _end) as child:
        output, stderr = _communicate(child, called, timeout)
    return child.returncode, output, stderr


def _communicate(child: subprocess.Popen[bytes], name: str, timeout: float) -> tuple[bytes, bytes]:
    """Wait for a program; return its stdout and stderr.

    Time in which this process and the program are suspended does not count. Raises CodecError
    after ``timeout`` seconds.
    """
    result: list[tuple[bytes, bytes]] = []

    def wait(tick: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            result.append(child.communicate(timeout=tick))
        return bool(result)

    if expires(timeout, wait):
        raise CodecError(f"{name} did not finish within {timeout:.0f} s and was stopped")
    return result[0]


@lru_cache(maxsize=4)
def tie(path: str | None) -> tuple[str, ...]:
    """Return the start of a command line that ends the program when this process is killed.

    Empty where that is not possible. ``path`` is searched for setpriv, like PATH.

    Linux kills a process whose parent ends if the process has requested it (PR_SET_PDEATHSIG).
    preexec_fn could request it but is unsafe in a process with threads. util-linux's setpriv
    requests it and then becomes the program. If this process is killed in the millisecond before
    the request, the program continues.
    """
    program = shutil.which("setpriv", path=path) if sys.platform == "linux" else None
    if program is None:
        return ()
    words = (program, "--pdeathsig", "KILL", "--")
    try:  # older versions, and busybox's, lack the option
        probe = subprocess.run(
            [*words, program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return () if probe.returncode else words


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with child:  # closes its pipes and waits for it
        pass


def reason(output: bytes) -> str:
    """Return the first non-empty line of a program's output, which names the cause."""
    lines = (_PREFIX.sub("", line).strip() for line in output.decode(errors="replace").splitlines())
    return errors.printable(next((line for line in lines if line), ""))


def encode_raw(raw: bytes, command: Callable[[str, str], Sequence[str]], megapixels: float) -> bytes:
    """Pass raw planes to an encoder and return the stream that it writes.

    ``command(raw, stream)`` makes the argument list from the two file names. Pipes would not do:
    libvvenc prints warnings to stdout, and decoders accept a stream with warnings in it. Raises as
    ``run`` does, and FileError if the files cannot be written.
    """
    timeout = TIMEOUT + TIMEOUT_PER_MEGAPIXEL * megapixels
    try:
        with temporary.folder() as folder:
            source, target = folder / "in.yuv", folder / "out.266"
            source.write_bytes(raw)
            run(command(str(source), str(target)), timeout=timeout, cwd=folder)
            stream = target.read_bytes() if target.is_file() else b""
    except OSError as error:
        raise FileError(f"cannot write the encoder's files to the temporary folder: {errors.reason(error)}") from error
    if not stream:
        raise CodecError("the encoder reported no error but wrote no stream")
    return stream
