"""The log of a run: what every validation measured."""

from __future__ import annotations

import json
from pathlib import Path

LOG = "log.jsonl"
"""Name of the log in a run folder: one JSON object a line, one line a validation."""


def append(folder: Path, *, step: int, loss: float, rate: float, seconds: float, gain: dict[int, float]) -> None:
    """Append a line to the log of a run folder.

    ``rate`` is the learning rate, ``seconds`` the time since the run started, and ``gain`` the
    gain over the codec's picture in dB by quality.
    """
    line = {
        "step": step,
        "loss": loss,
        "rate": rate,
        "seconds": round(seconds, 1),
        "gain": {str(quality): round(value, 4) for quality, value in gain.items()},
    }
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
