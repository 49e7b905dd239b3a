"""Read and write files, stdin, stdout and open descriptors.

Inputs have a size limit. An output file appears whole or not at all.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from lbic import limits
from lbic.errors import FileError, OutputExistsError, reason
from lbic.system import attributes, descriptors, temporary

_PART = 1 << 20
"""Bytes read from a pipe or a device at a time."""


def read(path: Path) -> bytes:
    """Read a whole file, pipe or device; of an open descriptor (/dev/fd/3) what is left to read.

    Raises FileError, without the path, if that fails or there are more bytes than limits.MAX_FILE.
    """
    descriptor = descriptors.number(path)
    if descriptor == 0:
        return read_stdin()
    try:
        if descriptor is not None:
            with descriptors.opened(descriptor, "rb") as stream:
                return _read_stream(stream)
        if path.is_file():
            _check_length(path.stat().st_size)
            return path.read_bytes()
        with path.open("rb") as pipe:
            return _read_stream(pipe)
    except OSError as error:
        raise FileError(f"cannot be read: {reason(error)}") from error


def read_stdin() -> bytes:
    """Read stdin to its end.

    Raises FileError if stdin is closed, fails or has more bytes than limits.MAX_FILE.
    """
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
    """Check, before the work, that ``target`` can be written.

    ``force`` allows replacing an existing file; ``made`` means that the caller makes a missing
    folder. Raises OutputExistsError for a file that must not be replaced, and FileError for a
    missing folder, a directory of that name, a folder without permission or a descriptor that is
    not open.
    """
    descriptor = descriptors.number(target)
    if descriptor is not None:
        if not descriptors.is_open(descriptor):
            raise FileError(f"cannot write {target}: descriptor {descriptor} is not open")
        return
    try:
        if not made and not target.parent.is_dir():
            raise FileError(f"the folder {target.parent} does not exist")
        if target.is_dir():
            raise FileError(f"{target} is a directory")
        # A device or a pipe is written to, not replaced.
        if target.is_file() and not force:
            raise OutputExistsError(f"{target} exists")
        replaced = target.is_file() or not target.exists()
        folder = Path(os.path.realpath(target)).parent  # follow links, as ``write`` does
        if replaced and folder.is_dir() and not os.access(folder, os.W_OK):
            tempfile.TemporaryFile(dir=folder).close()  # raises the reason
    except OSError as error:  # e.g. the name is too long
        raise FileError(f"cannot write {target}: {reason(error)}") from error


def write(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write ``data`` to ``path`` completely, or raise FileError and change nothing.

    The data goes to a temporary file in the same folder, which is then renamed. Devices, pipes and
    open descriptors (/dev/fd/3) are written directly. A missing folder is an error. Without
    ``replace`` an existing file is an error, even if another process made it a moment ago. A
    replaced file's owner, mode and extended attributes go to the new one where the system permits.
    """
    descriptor = descriptors.number(path)
    if descriptor == 1:
        return write_stdout(data)
    try:
        if descriptor is not None:
            with descriptors.opened(descriptor, "wb") as stream:
                stream.write(data)
        elif path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _write_and_rename(Path(os.path.realpath(path)), data, replace=replace)
    except OSError as error:
        raise FileError(f"cannot write {path}: {reason(error)}") from error


def copy_time(source: Path, target: Path) -> None:
    """Give a file the modification time of another; devices are left alone. Raises FileError."""
    try:
        if target.is_file() and descriptors.number(target) is None:
            status = source.stat()
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    except OSError as error:
        raise FileError(f"cannot set the time of {target}: {reason(error)}") from error


def write_stdout(data: bytes) -> None:
    """Write bytes to stdout.

    Raises BrokenPipeError if the reader has closed its end, FileError for any other failure.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(f"cannot write to stdout: {reason(error)}") from error


def make_folder(path: Path) -> None:
    """Make a folder and its parents if they do not exist. Raises FileError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "a file of that name exists" if isinstance(error, FileExistsError) else reason(error)
        raise FileError(f"cannot make the folder {path}: {why}") from error


def _write_and_rename(path: Path, data: bytes, *, replace: bool) -> None:
    with temporary.file(path.parent) as part:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not replace and _link(part, path):
            return
        if path.exists():
            attributes.copy(path, part)
        part.replace(path)


def _link(part: Path, path: Path) -> bool:
    """Give a file a second name; of several processes only one succeeds.

    Returns False where the disk does not support links. Raises FileExistsError if the name is
    taken.
    """
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True
