"""Run a codec program: argument list, time limit, scratch folder, and the reason when it fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from lbic import errors
from lbic.errors import CodecError, FileError, MissingError
from lbic.system import cleanup, temporary

TIMEOUT = 60
TIMEOUT_PER_MEGAPIXEL = 3600
"""Seconds, added; VTM at its slowest needs about 60 on one core for 0.4 megapixels. Only a hang exceeds this."""

_TIE_FAILED = b"setpriv: "
_PREFIX = re.compile(r"\[[^]]* @ 0x[0-9a-f]+\] ")  # ffmpeg's name of the part that speaks, another one in every run


def run(arguments: Sequence[str], *, timeout: float, cwd: Path | None = None) -> bytes:
    """Run a program to its end and return its stdout. Where ``tie`` finds a way, it ends with this process.

    Raises MissingError when it cannot be started, CodecError with the reason it gave when it
    fails or runs out of time (it is killed then).
    """
    name = Path(arguments[0]).name
    tied = (*tie(os.environ.get("PATH")), *arguments)
    code, output, talk = _run(tied, name, timeout, cwd)
    if code and talk.startswith(_TIE_FAILED):
        # The program did not start, for which setpriv has words of its own. Without it the reason is the system's.
        code, output, talk = _run(arguments, name, timeout, cwd)
    if code:
        how = f"was killed (signal {-code})" if code < 0 else f"failed ({code})"
        raise CodecError(f"{name} {how}: {reason(talk) or reason(output) or 'no message'}")
    return output


def _run(arguments: Sequence[str], name: str, timeout: float, cwd: Path | None) -> tuple[int, bytes, bytes]:
    """The exit code, stdout and stderr of a program, which the errors call by its name."""

    def start() -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd
            )
        except OSError as error:
            raise MissingError(f"cannot start {arguments[0]}: {error.strerror}") from error

    # A program that is tied gets its signal when the thread ends that started it, not only the process: it must be
    # started here, by the thread that waits for it.
    with cleanup.kept(start, _end) as child:
        try:
            output, talk = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise CodecError(f"{name} did not finish within {timeout:.0f} s and was stopped") from error
    return child.returncode, output, talk


@lru_cache(maxsize=4)
def tie(path: str | None) -> tuple[str, ...]:
    """The words before a command line that make the program end when this process is killed; none where there is no
    such means. ``path`` is where setpriv is looked for, as in PATH.

    Linux ends a program whose parent ends if the program has asked for it (PR_SET_PDEATHSIG). preexec_fn, which could
    ask, is not safe in a process with threads; util-linux's setpriv asks and becomes the program, the same process. A
    process that is killed in the millisecond before setpriv has asked leaves the program to itself.
    """
    program = shutil.which("setpriv", path=path) if sys.platform == "linux" else None
    if program is None:
        return ()
    words = (program, "--pdeathsig", "KILL", "--")
    try:  # older ones and busybox's have no such option
        tried = subprocess.run(
            [*words, program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return () if tried.returncode else words


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with child:  # closes its pipes and waits for it
        pass


def reason(output: bytes) -> str:
    """The first non-empty line of a program's output: the cause, the rest being its consequences."""
    lines = (_PREFIX.sub("", line).strip() for line in output.decode(errors="replace").splitlines())
    return errors.printable(next((line for line in lines if line), ""))


def encode_raw(raw: bytes, command: Callable[[str, str], Sequence[str]], megapixels: float) -> bytes:
    """Give raw planes to an encoder and return the stream it writes.

    ``command(raw, stream)`` makes the argument list from the two file names. Files, not pipes: libvvenc
    prints warnings to stdout, and decoders accept a stream that they are mixed into.
    Raises as ``run``, and FileError when the disk has no room for the files.
    """
    timeout = TIMEOUT + TIMEOUT_PER_MEGAPIXEL * megapixels
    try:
        with temporary.folder() as folder:
            source, target = folder / "in.yuv", folder / "out.266"
            source.write_bytes(raw)
            run(command(str(source), str(target)), timeout=timeout, cwd=folder)
            stream = target.read_bytes() if target.is_file() else b""
    except OSError as error:
        raise FileError(f"cannot keep the encoder's files in the temporary folder: {errors.reason(error)}") from error
    if not stream:
        raise CodecError("the encoder ended without an error and without a stream")
    return stream
