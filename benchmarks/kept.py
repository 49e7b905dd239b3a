"""What outlives an interrupted run: .lbic files, and rows, one JSON object a line, found again by what they depend on.

A new encoder or a change of lbic does not show in names and keys: delete the folder then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path

from lbic import fileio
from lbic.evaluate.runner import Row

FOLDER = Path(__file__).resolve().parent.parent / "runs" / "benchmark-hgrdn"

Key = tuple[str, int, int, tuple[str, ...]]
"""Picture, quality, type, and the sha256 of the networks in their order."""


def stream(name: str, make: Callable[[], bytes]) -> bytes:
    """The .lbic file of this name, made and kept where it is not there."""
    file = FOLDER / f"{name}.lbic"
    if not file.is_file():
        fileio.make_folder(FOLDER)
        fileio.write(file, make())
    return file.read_bytes()


class Rows:
    """The rows in FOLDER."""

    def __init__(self) -> None:
        self._path = FOLDER / "rows.jsonl"
        self._rows: dict[Key, Row] = {}
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                try:
                    record = json.loads(line)
                except ValueError:
                    continue  # cut off by the interruption
                row = Row(**record["row"])
                self._rows[self._key(row, record["models"])] = row

    def find(self, key: Key, metrics: Collection[str]) -> Row | None:
        """The row, if it has all these metrics."""
        row = self._rows.get(key)
        return row if row and row.metrics.keys() >= set(metrics) else None

    def add(self, row: Row, models: Collection[str]) -> Row:
        """Write a row at once; returns it."""
        self._rows[self._key(row, models)] = row
        fileio.make_folder(FOLDER)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"models": list(models), "row": asdict(row)}) + "\n")
        return row

    @staticmethod
    def _key(row: Row, models: Collection[str]) -> Key:
        return row.image, row.q, row.type, tuple(models)
