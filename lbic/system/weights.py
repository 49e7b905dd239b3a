"""Third-party networks that metrics and losses need: files in the folder named by LBIC_WEIGHTS."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "LBIC_WEIGHTS"
"""The environment variable that names the folder."""


def folder() -> str | None:
    """Return the folder that the variable names, or None if it is not set."""
    return os.environ.get(VARIABLE) or None


def stamp(*names: str) -> str:
    """Return name, size and time of the file that ``find`` returns, or "" if there is none.

    The stamp changes when another file takes its place.
    """
    path = find(*names)
    if path is None:
        return ""
    status = path.stat()
    return f"{path.name} {status.st_size} {status.st_mtime_ns}"


def find(*names: str) -> Path | None:
    """Return the first of these files that exists in the folder, or None."""
    parent = folder()
    paths = [Path(parent, name) for name in names] if parent else []
    return next((path for path in paths if path.is_file()), None)
