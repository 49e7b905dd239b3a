"""Read and write files, stdin and stdout: an input has a size limit, an output appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from lbic import limits
from lbic.errors import FileError, OutputExistsError, reason
from lbic.system import temporary

_PART = 1 << 20
"""Bytes that are read from a pipe or a device at a time."""


def read(path: Path) -> bytes:
    """Read a whole file, pipe or device; FileError, without the path, when that fails or exceeds limits.MAX_FILE."""
    try:
        if path.is_file():
            _check_length(path.stat().st_size)
            return path.read_bytes()
        with path.open("rb") as pipe:
            return _read_stream(pipe)
    except OSError as error:
        raise FileError(f"cannot be read: {reason(error)}") from error


def read_stdin() -> bytes:
    """Read stdin to its end; FileError when it is closed, fails or exceeds limits.MAX_FILE."""
    if sys.stdin is None:
        raise FileError("cannot be read: stdin is closed")
    try:
        return _read_stream(sys.stdin.buffer)
    except OSError as error:
        raise FileError(f"cannot be read: {reason(error)}") from error


def _read_stream(stream: BinaryIO) -> bytes:
    parts, length = [], 0
    while part := stream.read(_PART):
        parts.append(part)
        length += len(part)
        _check_length(length)
    return b"".join(parts)


def _check_length(length: int) -> None:
    if length > limits.MAX_FILE:
        raise FileError(f"is longer than {limits.MAX_FILE:,} bytes, the most that lbic reads")


def check_target(target: Path, *, force: bool, made: bool = False) -> None:
    """Raise FileError when ``target`` cannot be written because of what is there, or is not.

    ``made`` tells that its folder will be made.
    """
    try:
        if not made and not target.parent.is_dir():
            raise FileError(f"the folder {target.parent} does not exist")
        if target.is_dir():
            raise FileError(f"{target} is a directory")
        # A device or a pipe is not replaced, it takes what is written.
        if target.is_file() and not force:
            raise OutputExistsError(f"{target} exists")
        replaced = target.is_file() or not target.exists()
        folder = Path(os.path.realpath(target)).parent  # a link is followed, as in ``write``
        if replaced and folder.is_dir() and not os.access(folder, os.W_OK):
            tempfile.TemporaryFile(dir=folder).close()  # fails with the reason
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise FileError(f"cannot write {target}: {reason(error)}") from error


def write(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Put ``data`` under ``path``: whole, or with an error and nothing changed.

    A missing folder is not made. A device or a pipe is written to as it is. Without ``replace`` a file that is there is
    an error, even if it came a moment ago.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _write_beside_and_move(Path(os.path.realpath(path)), data, replace=replace)
    except OSError as error:
        raise FileError(f"cannot write {path}: {reason(error)}") from error


def write_stdout(data: bytes) -> None:
    """Write bytes to stdout; a reader that went away is a BrokenPipeError, all else a FileError."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(f"cannot write to stdout: {reason(error)}") from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that is there is fine."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "a file of that name is in the way" if isinstance(error, FileExistsError) else reason(error)
        raise FileError(f"cannot make the folder {path}: {why}") from error


def _write_beside_and_move(path: Path, data: bytes, *, replace: bool) -> None:
    with temporary.file(path.parent) as part:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not replace and _link(part, path):
            return
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)


def _link(part: Path, path: Path) -> bool:
    """Give a file another name, which only one of several processes can; FileExistsError where it is taken.

    False where the disk has no links, or none by this name.
    """
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True
