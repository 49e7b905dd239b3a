"""ONNX Runtime, imported at its first use, which takes 0.15 s, and with its telemetry off."""

from __future__ import annotations

import os
from typing import Any

from lbic.errors import MissingError

TELEMETRY = "ORT_DISABLE_TELEMETRY"
"""The environment variable that turns ONNX Runtime's telemetry off."""


def onnxruntime() -> Any:
    """Import ONNX Runtime and return the module; raises MissingError where that fails.

    From version 1.31 on, official builds report usage to their maker by default, with an
    identifier of the machine (its Privacy.md). The variable turns that off before the import,
    unless the user has set it.
    """
    os.environ.setdefault(TELEMETRY, "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingError(f"ONNX Runtime does not import ({error}); networks cannot run") from error
    if os.environ[TELEMETRY] == "1":  # builds before 1.31 on Windows do not know the variable
        onnxruntime.disable_telemetry_events()
    return onnxruntime
