"""ONNX Runtime: imported when it is first needed, since that takes 0.15 s, and told to keep to itself."""

from __future__ import annotations

import os
from typing import Any

from lbic.errors import MissingError

TELEMETRY = "ORT_DISABLE_TELEMETRY"


def onnxruntime() -> Any:
    """The module.

    From version 1.31 on its official builds report to their maker by default, and keep an identifier of the machine
    for that (its Privacy.md). Pictures are nobody's business: it is off before the import, unless the user has set the
    variable. MissingError where it does not import.
    """
    os.environ.setdefault(TELEMETRY, "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingError(f"ONNX Runtime does not import ({error}); networks cannot run") from error
    return onnxruntime
