"""The cache of results between runs: a JSON file for each, under the key of what it depends on.

A file appears whole or not at all. A damaged or unreadable file counts as absent. Where the folder
cannot be written to, every run computes everything.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

from lbic.errors import FileError
from lbic.system import files


def default_folder() -> Path | None:
    """Return lbic's folder among the user's caches; None for a user without a home."""
    path = platformdirs.user_cache_path("lbic", appauthor=False) / "evaluate"
    return path if path.is_absolute() else None  # without a home, ~ stays ~


class Cache:
    """The results in a folder. Keys and values are JSON objects."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use a folder, which is made when the first result is kept; None keeps nothing."""
        self._folder = folder

    def find(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """Return the value under a key; None where there is none."""
        if self._folder is None:
            return None
        try:
            content = json.loads(self._path(self._folder, key).read_text(encoding="utf-8"))
            value = content["value"] if content["key"] == key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return value if isinstance(value, dict) else None

    def keep(self, key: dict[str, Any], value: dict[str, Any]) -> None:
        """Keep a value under a key, in place of an earlier one."""
        if self._folder is None:
            return
        path = self._path(self._folder, key)
        with suppress(FileError):  # the next run computes the value again
            files.make_folder(path.parent)
            files.write(path, json.dumps({"key": key, "value": value}).encode())

    @staticmethod
    def _path(folder: Path, key: dict[str, Any]) -> Path:
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return folder / name[:2] / f"{name}.json"
