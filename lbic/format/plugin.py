"""The metadata item that names a codec of another package: "jxl lbic-jxl" (docs/format.md)."""

from __future__ import annotations

import re

from lbic.errors import FormatError, UsageError

_CODEC = "[a-z][a-z0-9-]{0,31}"
_PACKAGE = "[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?"
_ITEM = re.compile(f"({_CODEC}) ({_PACKAGE})")


def check(codec: str, package: str) -> None:
    """Raise UsageError for names that no file can hold."""
    if not re.fullmatch(_CODEC, codec):
        raise UsageError(f"codec name {codec!r} is not 1 to 32 lower-case letters, digits and hyphens")
    if not re.fullmatch(_PACKAGE, package):
        raise UsageError(f"package name {package!r} is not 1 to 64 letters, digits, dots, hyphens and underscores")


def pack(codec: str, package: str) -> bytes:
    """Return the item's content. Both names must pass ``check``."""
    return f"{codec} {package}".encode()


def unpack(content: bytes) -> tuple[str, str]:
    """Return the names of the codec and of its package; raises FormatError if damaged."""
    match = _ITEM.fullmatch(content.decode("ascii", "replace"))
    if match is None:
        raise FormatError("metadata item codec is not the name of a codec and of its package")
    return match[1], match[2]
