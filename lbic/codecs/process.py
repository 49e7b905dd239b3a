"""Run a codec program: argument list, time limit, scratch folder, and the reason when it fails."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from lbic import errors, leftovers, temporary
from lbic.errors import CodecError, FileError, MissingError

TIMEOUT = 60
TIMEOUT_PER_MEGAPIXEL = 3600
"""Seconds, added; VTM at its slowest needs about 60 on one core for 0.4 megapixels. Only a hang exceeds this."""

_PREFIX = re.compile(r"\[[^]]* @ 0x[0-9a-f]+\] ")  # ffmpeg's name of the part that speaks, another one in every run


def run(arguments: Sequence[str], *, timeout: float, cwd: Path | None = None) -> bytes:
    """Run a program to its end and return its stdout.

    Raises MissingError when it cannot be started, CodecError with the reason it gave when it
    fails or runs out of time (it is killed then).
    """
    name = Path(arguments[0]).name

    def start() -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd
            )
        except OSError as error:
            raise MissingError(f"cannot start {arguments[0]}: {error.strerror}") from error

    with leftovers.kept(start, _end) as child:
        try:
            output, talk = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise CodecError(f"{name} did not finish within {timeout:.0f} s and was stopped") from error
    if child.returncode:
        how = f"was killed (signal {-child.returncode})" if child.returncode < 0 else f"failed ({child.returncode})"
        raise CodecError(f"{name} {how}: {reason(talk) or reason(output) or 'no message'}")
    return output


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with child:  # closes its pipes and waits for it
        pass


def reason(output: bytes) -> str:
    """The first non-empty line of a program's output: the cause, the rest being its consequences."""
    lines = (_PREFIX.sub("", line).strip() for line in output.decode(errors="replace").splitlines())
    first = next((line[:300] for line in lines if line), "")
    return "".join(letter for letter in first if letter.isprintable())  # nothing that a terminal would obey


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
