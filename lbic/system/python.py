"""Start other Python processes that import the same modules as this one."""

from __future__ import annotations

import os
import sys


def command(*arguments: str) -> list[str]:
    """Return a Python command line; -P keeps the current folder out of its module path."""
    return [sys.executable, "-P", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Return the environment for ``command``, with this process's module path and ``more``."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))} | more
