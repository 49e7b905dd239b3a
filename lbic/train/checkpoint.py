"""Checkpoints: everything that a run needs to go on exactly where it stopped."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from lbic.errors import FileError

FORMAT = 1


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all: an interrupted write leaves the one before."""
    part = path.with_suffix(".part")
    torch.save({"format": FORMAT, **state}, part)
    part.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint; FileError when it is missing, damaged or of another format."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise FileError(f"{path}: not a readable checkpoint: {str(error).splitlines()[0]}") from error
    if state.get("format") != FORMAT:
        raise FileError(f"{path}: a checkpoint of another version of lbic")
    return state
