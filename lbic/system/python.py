"""Other Python processes that import what this one would: the same module path, not the folder where the user is."""

from __future__ import annotations

import os
import sys


def command(*arguments: str) -> list[str]:
    """The command line of a Python with these arguments; -P keeps the current folder out of its module path."""
    return [sys.executable, "-P", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Its environment, with this process's module path."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))} | more
