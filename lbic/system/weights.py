"""Other networks that metrics and losses need and lbic does not bring: the folder that LBIC_WEIGHTS names."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "LBIC_WEIGHTS"


def folder() -> str | None:
    """The folder as the variable names it; None when it does not."""
    return os.environ.get(VARIABLE) or None


def stamp(*names: str) -> str:
    """What tells the file that ``find`` finds from another one put in its place: name, size and time; "" for none."""
    path = find(*names)
    if path is None:
        return ""
    status = path.stat()
    return f"{path.name} {status.st_size} {status.st_mtime_ns}"


def find(*names: str) -> Path | None:
    """The first of these files that the folder has, None when it has none of them."""
    named = folder()
    paths = [Path(named, name) for name in names] if named else []
    return next((path for path in paths if path.is_file()), None)
