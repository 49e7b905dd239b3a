"""PyTorch for the commands that need it: lbic train and lbic export."""

from __future__ import annotations

from typing import Any

from lbic.errors import MissingError

PIP = "pip install 'lbic[train]'"


def need_torch() -> Any:
    """Import PyTorch; MissingError with what to install."""
    try:
        import torch
    except ImportError as error:
        raise MissingError(f"training needs PyTorch, which is not installed: {PIP}") from error
    return torch
