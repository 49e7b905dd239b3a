"""Checkpoints: everything that a run needs to go on exactly where it stopped."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lbic.errors import FileError, UsageError, first_line

FORMAT = 1


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all: an interrupted write leaves the one before, and so do weights that are
    not finite, which are a UsageError."""
    weights = (value for part in ("network", "average") for value in state[part].values())
    if not all(torch.isfinite(value).all() for value in weights):
        raise UsageError(f"the weights are not finite at step {state['step']}; a lower train.rate may help")
    part = path.with_suffix(".part")
    torch.save({"format": FORMAT, **state}, part)
    part.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint; FileError when it is missing, damaged or of another format."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # whose sentence advises to trust the file
        raise FileError(f"{path}: not a checkpoint") from error
    except (OSError, RuntimeError, EOFError, LookupError, ValueError, TypeError) as error:
        raise FileError(f"{path}: not a readable checkpoint: {first_line(error)}") from error
    if not isinstance(state, dict) or not state.keys() >= {"format", "config", "network", "average"}:
        raise FileError(f"{path}: not a checkpoint")
    if state["format"] != FORMAT:
        raise FileError(f"{path}: a checkpoint of another version of lbic")
    return state


def fingerprint(module: nn.Module) -> str:
    """Tells a finished network from others."""
    found = hashlib.sha256()
    for name, value in module.state_dict().items():
        found.update(name.encode() + value.detach().cpu().numpy().tobytes())
    return found.hexdigest()
