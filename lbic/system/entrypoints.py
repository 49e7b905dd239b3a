"""Entry points: what other installed packages add to lbic (docs/plugins.md).

importlib.metadata finds them too, but every command would wait 15 ms for its import and search.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """One entry point of an installed package."""

    package: str
    """The package's name."""
    version: str
    """The package's version."""
    name: str
    """The entry point's name."""
    value: str
    """The module or object that it names, such as "lbic_jxl:CODEC"."""

    @property
    def module(self) -> str:
        """The module that it names."""
        return self.value.partition(":")[0].strip()


@lru_cache(maxsize=4)
def entries(group: str) -> tuple[Entry, ...]:
    """Return the entry points of a group, in the order of their packages' names.

    Packages are found by their .dist-info folders on the module path; of two of the same name the
    first counts, as for imports. Nothing of the packages is imported.
    """
    packages: dict[str, list[Entry]] = {}
    for folder in dict.fromkeys(sys.path):
        for record in _records(Path(folder)):
            points = list(_points(record / "entry_points.txt", group))
            if points:
                package, version = _identity(record / "METADATA")
                packages.setdefault(package, [Entry(package, version, *point) for point in points])
    return tuple(entry for package in sorted(packages) for entry in packages[package])


def load(entry: Entry) -> object:
    """Import what an entry point names. Raises whatever its import raises."""
    target: object = import_module(entry.module)
    for attribute in filter(None, entry.value.partition(":")[2].strip().split(".")):
        target = getattr(target, attribute)
    return target


def _records(folder: Path) -> list[Path]:
    """Return the .dist-info folders in a folder; none if it is no folder or cannot be read."""
    with suppress(OSError):
        return [folder / name for name in os.listdir(folder) if name.endswith(".dist-info")]  # noqa: PTH208
    return []


def _points(file: Path, group: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of a group in a list of entry points; nothing without a list."""
    with suppress(OSError, UnicodeDecodeError), file.open(encoding="utf-8") as lines:
        section = ""
        for line in map(str.strip, lines):
            if line.startswith("["):
                section = line[1:-1].strip()
            elif section == group and "=" in line:
                name, _, value = line.partition("=")
                yield name.strip(), value.partition("[")[0].strip()


def _identity(file: Path) -> tuple[str, str]:
    """Return the name and the version in a package's METADATA; "" for what is not there."""
    fields = {"Name": "", "Version": ""}
    with suppress(OSError, UnicodeDecodeError), file.open(encoding="utf-8") as lines:
        for line in lines:
            key, _, value = line.partition(":")
            if key in fields:
                fields[key] = value.strip()
            if not line.strip():
                break
    return fields["Name"], fields["Version"]
