"""The averaged weights of a run, kernels as float16, in parts small enough to carry away.

The parts in their order, one after the other, are a file that ``lbic export`` reads like a
checkpoint. ``SHA256SUMS`` lists that file and the parts.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from pathlib import Path
from typing import Any

import torch

from lbic.errors import FileError, reason
from lbic.train import checkpoint
from lbic.train.shrink import LEAST

NAME = "weights.pt"
"""Name of the file that the parts make, and the beginning of theirs."""
SUMS = "SHA256SUMS"
"""Name of the list of checksums, in the format of the program sha256sum."""


def write(folder: Path, state: dict[str, Any], limit: int, also: tuple[Path, ...] = ()) -> list[Path]:
    """Replace ``folder`` by the weights in parts of at most ``limit`` bytes; return the parts.

    ``state`` is that of Trainer.state; ``also`` are files to copy beside the parts. The folder is
    written under another name first, so an interruption leaves the earlier one. Raises FileError
    if writing fails.
    """
    data = _content(state)
    pieces = {f"{NAME}.{i:02}": data[start : start + limit] for i, start in enumerate(range(0, len(data), limit))}
    lines = [f"{hashlib.sha256(piece).hexdigest()}  {name}\n" for name, piece in [*pieces.items(), (NAME, data)]]
    new, old = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "old"))
    try:
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        new.mkdir(parents=True)
        for name, piece in pieces.items():
            (new / name).write_bytes(piece)
        (new / SUMS).write_text("".join(lines), encoding="ascii", newline="\n")
        for path in also:
            if path.is_file():
                shutil.copy(path, new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except OSError as error:
        raise FileError(f"{folder}: cannot write: {reason(error)}") from error
    shutil.rmtree(old, ignore_errors=True)
    return [folder / name for name in pieces]


def _content(state: dict[str, Any]) -> bytes:
    """Return the file's bytes: what export.read_checkpoint reads, with kernels as float16."""
    weights = {
        name: (value.half() if value.ndim == 4 and value.numel() >= LEAST else value).cpu()
        for name, value in state["average"].items()
    }
    content = {"config": state["config"], "step": state["step"], "average": weights}
    data = io.BytesIO()
    torch.save({"format": checkpoint.FORMAT, **content}, data)
    return data.getvalue()
