"""Checkpoints: everything that a run needs to go on exactly where it stopped."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

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
    except pickle.UnpicklingError as error:  # whose sentence advises to trust the file
        raise FileError(f"{path}: not a checkpoint") from error
    except (OSError, RuntimeError, EOFError) as error:
        raise FileError(f"{path}: not a readable checkpoint: {str(error).splitlines()[0]}") from error
    if state.get("format") != FORMAT:
        raise FileError(f"{path}: a checkpoint of another version of lbic")
    return state


def fingerprint(module: nn.Module) -> str:
    """Tells a finished network from others."""
    found = hashlib.sha256()
    for name, value in module.state_dict().items():
        found.update(name.encode() + value.detach().cpu().numpy().tobytes())
    return found.hexdigest()
