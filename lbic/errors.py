"""Everything that can go wrong, as the user is told about it.

Every error carries a stable ``code`` (for ``--json``) and the process exit code that a
command ends with when it fails on its only input.
"""

from __future__ import annotations

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every lbic command (documented in docs/cli.md)."""

    OK = 0
    FAILED = 1
    """Some of several files failed, or a file could not be read or written."""
    USAGE = 2
    DAMAGED = 3
    """An input is damaged, or of a kind that lbic does not read."""
    MISSING = 4
    """A codec program, model or device that was asked for is not there."""
    INTERRUPTED = 130
    """By Ctrl-C, or a signal that asks to end."""


class LbicError(Exception):
    """Base of all errors that lbic raises on purpose; ``str(error)`` is one sentence for the user."""

    code = "failed"
    exit_code = ExitCode.FAILED


class UsageError(LbicError):
    """An option or a combination of options that makes no sense."""

    code = "usage"
    exit_code = ExitCode.USAGE


class FileError(LbicError):
    """A file cannot be read or written (missing, no permission, disk full, already there)."""

    code = "file"
    exit_code = ExitCode.FAILED


class FormatError(LbicError):
    """A .lbic file is damaged, truncated, foreign, or of a version this lbic does not read."""

    code = "format"
    exit_code = ExitCode.DAMAGED


class ImageError(LbicError):
    """A picture cannot be read: not a picture, animated, too large, damaged."""

    code = "image"
    exit_code = ExitCode.DAMAGED


class CodecError(LbicError):
    """A codec failed on data that looked right."""

    code = "codec"
    exit_code = ExitCode.DAMAGED


class TooLargeError(CodecError):
    """A picture with more pixels or longer sides than the codec takes; fewer may work."""


class NoRoomError(CodecError):
    """An encoder with no room for so long a stream; a coarser quality may work."""


class TargetError(LbicError):
    """No quality reaches the wanted size or PSNR."""

    code = "target"


class ClusterError(LbicError):
    """A picture that a cluster did not bring back, by no fault that lbic knows of."""

    code = "cluster"


class MissingError(LbicError):
    """A codec program, model or device that was asked for is not on this machine."""

    code = "missing"
    exit_code = ExitCode.MISSING


class DeviceError(MissingError):
    """The device or profile that was asked for cannot run the networks here."""

    code = "device"


LONGEST_WORDS = 300


def printable(words: str) -> str:
    """Words from a file or another program, for a line of lbic's own: one line, not endless, and nothing that a
    terminal would obey."""
    return "".join(letter for letter in words[:LONGEST_WORDS] if letter.isprintable())


def first_line(error: Exception) -> str:
    """The first line of what an exception says, its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


_REASONS = {
    errno.ENOENT: "no such file or folder",
    errno.ENOTDIR: "no such file or folder",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EISDIR: "is a directory",
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "no space left on the disk",
    errno.EFBIG: "the file would be larger than allowed",
    errno.EROFS: "the disk is read-only",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "a symbolic link leads back to itself",
}


def reason(error: OSError) -> str:
    """Why a file operation failed, in plain words."""
    text = error.strerror or str(error) or type(error).__name__
    return _REASONS.get(error.errno or 0, text[:1].lower() + text[1:])
