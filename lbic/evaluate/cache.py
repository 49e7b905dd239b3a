"""What outlives a run: one JSON file for each result, found again by the key of what it depends on.

A file appears whole or not at all. One that is damaged, or cannot be read, is as good as absent; and where nothing
can be written every run computes everything.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from lbic.errors import FileError
from lbic.system import files

_PLACES = {"win32": ("LOCALAPPDATA", "AppData/Local"), "darwin": ("", "Library/Caches")}
_ELSEWHERE = ("XDG_CACHE_HOME", ".cache")
"""Where a system keeps caches: the variable that names the folder, and the folder below the user's own."""


def default_folder() -> Path | None:
    """lbic's folder among the user's caches; None for a user without a home."""
    variable, below = _PLACES.get(sys.platform, _ELSEWHERE)
    named = os.environ.get(variable)
    try:
        return Path(named or Path.home() / below) / "lbic" / "evaluate"
    except RuntimeError:
        return None


class Cache:
    """The results in a folder, which is made when something is to be kept; ``None`` keeps nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def find(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """The value that was kept under a key."""
        if self._folder is None:
            return None
        try:
            content = json.loads(self._path(self._folder, key).read_text(encoding="utf-8"))
            value = content["value"] if content["key"] == key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return value if isinstance(value, dict) else None

    def keep(self, key: dict[str, Any], value: dict[str, Any]) -> None:
        """Keep a value; keys and values are JSON objects."""
        if self._folder is None:
            return
        path = self._path(self._folder, key)
        with suppress(FileError):  # then it is computed again
            files.make_folder(path.parent)
            files.write(path, json.dumps({"key": key, "value": value}).encode())

    @staticmethod
    def _path(folder: Path, key: dict[str, Any]) -> Path:
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return folder / name[:2] / f"{name}.json"
