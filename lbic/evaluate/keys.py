"""What a result depends on, so that it is computed again exactly when one of these things has changed.

A key is a JSON object. It names pictures, networks and lbic's own code by their content, since names and version
numbers outlive changes, and other programs by version or by size and time.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lbic.coding import Coding
from lbic.enhance import catalog, session
from lbic.enhance.catalog import ModelSpec
from lbic.enhance.session import Runtime
from lbic.enhance.types import EnhancementType
from lbic.evaluate.plan import PlannedCoding, coder

Key = dict[str, Any]

_PACKAGE = Path(__file__).resolve().parent.parent
_CODING = (
    "*.py",
    *(f"{folder}/*.py" for folder in ("codecs", "format", "isolation", "picture", "system")),
    *(f"evaluate/{name}.py" for name in ("ffmpeg", "peers", "planes")),
)
_MEASURING = (*_CODING, "enhance/*.py", "metrics/**/*", "nets/*.py", "evaluate/runner.py")
"""lbic's files that decide what a coded file, or what is measured of it, looks like."""
_LIBRARIES = ("av", "imageio-ffmpeg", "numpy", "pillow")


def picture_key(data: bytes) -> str:
    """The sha256 of a picture file."""
    return hashlib.sha256(data).hexdigest()


def coded_key(picture: str, coding: PlannedCoding, effort: int) -> Key:
    """What the file that a coding makes of a picture depends on."""
    return {
        "picture": picture,
        **asdict(coding),
        "effort": effort,
        "code": _digest(_CODING),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "programs": [_program(path) for path in coder(coding.codec).programs()],
    }


def row_key(coded: Key, kind: EnhancementType, runtime: Runtime) -> Key:
    """What a coded file decodes to depends on, and how it is measured, whatever the metrics are."""
    coding = Coding(coded["codec"], coded["quality"], coded["scale"])
    used = networks(coding, kind, runtime)
    return {
        **coded,
        "code": _digest(_MEASURING),
        "type": kind.id,
        "networks": [[spec.sha256, spec.quality_for(coding), spec.halo, spec.multiple] for spec in used],
        # What was asked for, too: asking for what is not here is an error.
        **({"asked": [runtime.profile, runtime.device]} if used else {}),
        **({"tile": runtime.tile, "cuda": session.cuda_works(runtime.device)} if used else {}),
        **({"onnxruntime": session.onnxruntime_version()} if used else {}),
    }


def networks(coding: Coding, kind: EnhancementType, runtime: Runtime) -> tuple[ModelSpec, ...]:
    """The networks that decoding with a type runs, in order; those that are not shipped are left out."""
    return catalog.load().networks(kind, coding, session.profiles(runtime))


@lru_cache(maxsize=4)
def _digest(patterns: tuple[str, ...]) -> str:
    """The sha256 of lbic's own files below the package that the patterns name."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in _PACKAGE.glob(pattern) if path.is_file()}):
        if path.suffix != ".pyc":
            found.update(
                path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + picture_key(path.read_bytes()).encode()
            )
    return found.hexdigest()


def _program(path: str) -> list[Any]:
    status = Path(path).stat()
    return [path, status.st_size, status.st_mtime_ns]
