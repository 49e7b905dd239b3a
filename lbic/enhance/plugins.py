"""Networks of other packages: entry points of the group ``lbic.models`` (docs/plugins.md)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from lbic.errors import MissingError
from lbic.system import entrypoints

GROUP = "lbic.models"


def folder(module: str) -> Traversable:
    """Return the folder of a package with networks. Raises MissingError if it does not load."""
    try:
        return files(module)
    except Exception as error:  # whatever the package's import raises
        raise MissingError(f"the networks of the package {module} do not load: {error!r}") from error


def modules() -> Iterator[str]:
    """Yield the packages with networks, as module names."""
    yield from (entry.module for entry in entrypoints.entries(GROUP))
