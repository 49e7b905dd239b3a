"""Checkpoints: the state of a training run, so that it can resume exactly where it stopped."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lbic.errors import FileError, UsageError, first_line
from lbic.system import files

FORMAT = 1
"""Version of the checkpoint's layout."""


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint.

    The file at ``path`` is replaced only by a complete checkpoint with finite weights; otherwise
    it stays as it is. Raises UsageError if a weight is not finite, FileError if writing fails.
    """
    weights = (value for part in ("network", "average") for value in state[part].values())
    if not all(torch.isfinite(value).all() for value in weights):
        raise UsageError(f"the weights are not finite at step {state['step']}; a lower train.rate may help")
    data = io.BytesIO()
    torch.save({"format": FORMAT, **state}, data)
    files.write(path, data.getvalue())


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint, or the averaged weights alone (parts.py).

    Raises FileError if the file is missing, damaged, not a checkpoint, or of another format
    version.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # its text advises to trust the file
        raise FileError(f"{path}: not a checkpoint") from error
    except (OSError, RuntimeError, EOFError, LookupError, ValueError, TypeError) as error:
        raise FileError(f"{path}: not a readable checkpoint: {first_line(error)}") from error
    if not isinstance(state, dict) or not state.keys() >= {"format", "config", "step", "average"}:
        raise FileError(f"{path}: not a checkpoint")
    if state["format"] != FORMAT:
        raise FileError(f"{path}: checkpoint of format {state['format']}; this lbic reads format {FORMAT}")
    return state


def fingerprint(module: nn.Module) -> str:
    """Return the SHA-256 of a network's weights and their names, in hexadecimal."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(name.encode() + value.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
