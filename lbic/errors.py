"""The errors that lbic raises, and helpers that turn other exceptions into one line.

Every error has a stable ``code`` (the JSON key ``error.code``) and the exit code of a command
whose only input fails with it. Messages state facts. The command line adds the option that helps,
chosen by the error's class (lbic/cli/hints.py); the small subclasses below exist for that.
"""

from __future__ import annotations

import errno
import operator
from enum import IntEnum
from numbers import Real
from typing import SupportsIndex


class ExitCode(IntEnum):
    """The exit codes of all lbic commands (documented in docs/cli.md)."""

    OK = 0
    FAILED = 1
    """Some of several inputs failed, a file could not be read or written, or the system refuses
    memory, threads or processes."""
    USAGE = 2
    """The command line makes no sense."""
    DAMAGED = 3
    """An input is damaged, or lbic does not read its format."""
    MISSING = 4
    """A requested codec program, model or device is not available."""
    INTERRUPTED = 130
    """Ended by Ctrl-C or by a signal that asks the process to end."""


class LbicError(Exception):
    """Base class of lbic's errors; ``str(error)`` is one sentence for the user."""

    code = "failed"
    exit_code = ExitCode.FAILED


class UsageError(LbicError):
    """An argument, or a combination of arguments, is invalid."""

    code = "usage"
    exit_code = ExitCode.USAGE


class QualityAndTargetError(UsageError):
    """A quality and a target are given, and the target finds the quality."""


class NoAlphaError(UsageError):
    """The picture has alpha and the output format cannot store it."""


class OtherRunError(UsageError):
    """A training run is resumed beside another network than it began with.

    ``role`` is what that network is to the run: after, teacher or features.
    """

    def __init__(self, sentence: str, role: str = "") -> None:
        """Take the message and the role."""
        super().__init__(sentence)
        self.role = role


class FileError(LbicError):
    """A file cannot be read or written: missing, no permission, disk full, already there."""

    code = "file"
    exit_code = ExitCode.FAILED


class OutputExistsError(FileError):
    """The output file already exists, and the caller did not allow replacing it."""


class NoGainsError(FileError):
    """A training log has no validation gains, so there is nothing to plot."""


class FormatError(LbicError):
    """A .lbic file is damaged, truncated, of another format or of an unknown version."""

    code = "format"
    exit_code = ExitCode.DAMAGED


class ImageError(LbicError):
    """A picture cannot be read: not a picture, animated, too large, damaged."""

    code = "image"
    exit_code = ExitCode.DAMAGED


class CodecError(LbicError):
    """A codec failed, or its stream is damaged."""

    code = "codec"
    exit_code = ExitCode.DAMAGED


class TooLargeError(CodecError):
    """The picture has more pixels, or longer sides, than the codec accepts."""


class NoRoomError(CodecError):
    """The stream outgrew the encoder's buffer; a coarser quality may fit."""


class TargetError(LbicError):
    """No quality reaches the target size or PSNR."""

    code = "target"


class ResourceError(LbicError):
    """The system refuses memory, threads, processes or open files that lbic needs."""

    code = "resources"


class ClusterError(LbicError):
    """A cluster lost a picture, for a reason that lbic does not know."""

    code = "cluster"


class MissingError(LbicError):
    """A requested codec program, model or device is not available on this machine."""

    code = "missing"
    exit_code = ExitCode.MISSING


class NetworkMemoryError(MissingError):
    """The networks need more memory than there is; smaller tiles need less."""


class BetterThanTrainedError(MissingError):
    """The picture is better than all pictures that the network was trained on.

    The network may harm it. ``type_id`` is the number of the enhancement type that was considered.
    """

    def __init__(self, sentence: str, type_id: int = 0) -> None:
        """Take the message and the number of the enhancement type."""
        super().__init__(sentence)
        self.type_id = type_id


class CleanPictureError(BetterThanTrainedError):
    """The picture shows no damage of a codec that a network could remove."""


class DeviceError(MissingError):
    """The requested device or profile cannot run the networks here."""

    code = "device"


class ProviderError(DeviceError):
    """A named device cannot run the networks here."""


NO_ROOM = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""The system's reasons for starting no process that concern its limits."""

_SHORTAGE = (
    "can't start new thread",
    "cannot allocate memory",
    "cannot fork",
    "disk quota exceeded",
    "bad_alloc",
    "failed to map segment",
    "file too large",
    "insufficient memory",
    "no space left on device",
    "not enough memory",
    "out of memory",
    "pthread_create",
    "resource temporarily unavailable",
    "too many open files",
)
"""Parts of the messages of libraries and programs that lack memory, threads or disk space."""


def names_shortage(text: str) -> bool:
    """Return whether a library's or a program's message is about what the system refuses."""
    return any(words in text.lower() for words in _SHORTAGE)


def shortage(error: BaseException) -> ResourceError | None:
    """Return the error for the user if an exception means that the system refuses resources."""
    if isinstance(error, MemoryError):
        return ResourceError("not enough memory")
    if isinstance(error, ImportError) and names_shortage(str(error)):
        return ResourceError("not enough memory to load the libraries")
    lacking = isinstance(error, OSError) and error.errno in (errno.ENOMEM, errno.EMFILE, errno.ENFILE)
    if lacking or (isinstance(error, RuntimeError) and names_shortage(str(error))):
        return ResourceError(f"the system refuses memory, threads or open files: {error}")
    return None


def check_number(value: object, name: str) -> None:
    """Raise UsageError unless a value is a real number; NumPy's count, True and False do not."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{name} {value!r} is not a number")


def whole_number(value: object, name: str) -> int:
    """Return a whole number, NumPy's included, as an int.

    Raises UsageError for any other value, True and False included.
    """
    try:
        if not isinstance(value, bool) and isinstance(value, SupportsIndex):
            return operator.index(value)
    except TypeError:  # an array has the method for whole numbers, whatever it holds
        pass
    raise UsageError(f"{name} {value!r} is not a whole number")


LONGEST_WORDS = 300
"""Characters that ``printable`` keeps."""


def printable(text: str) -> str:
    """Return text from a file or a program in a form that is safe to show.

    It has no control characters and at most LONGEST_WORDS characters.
    """
    return "".join(letter for letter in text[:LONGEST_WORDS] if letter.isprintable())


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message, or its class name if there is none."""
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
    """Return in plain words why a file operation failed."""
    text = error.strerror or str(error) or type(error).__name__
    return _REASONS.get(error.errno or 0, text[:1].lower() + text[1:])
