"""Keys of the cache: everything that a result depends on.

A result is computed again exactly when something in its key has changed. A key is a JSON object.
It identifies pictures, networks and lbic's own code by their content, since a change may leave a
name or a version number as it is. It identifies other programs by version, or by size and time.
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
"""lbic's files that decide what a coded file contains."""
_MEASURING = (*_CODING, "enhance/*.py", "metrics/**/*", "nets/*.py", "evaluate/runner.py")
"""lbic's files that decide what a coded file decodes to, and what is measured of that."""
_LIBRARIES = ("av", "imageio-ffmpeg", "numpy", "pillow")


def picture_key(data: bytes) -> str:
    """Return the sha256 of a picture file, as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def coded_key(picture: str, coding: PlannedCoding, effort: int) -> Key:
    """Return the key of the file that a coding makes of a picture.

    ``picture`` is the picture_key.
    """
    return {
        "picture": picture,
        **asdict(coding),
        "effort": effort,
        "code": _digest(_CODING),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "programs": [_program(path) for path in coder(coding.codec).programs()],
    }


def row_key(coded: Key, kind: EnhancementType, runtime: Runtime) -> Key:
    """Return the key of the row of a coded file and a type.

    It covers decoding and measuring, but not the choice of metrics. ``coded`` is the coded_key.
    """
    coding = Coding(coded["codec"], coded["quality"], coded["scale"])
    used = networks(coding, kind, runtime)
    return {
        **coded,
        "code": _digest(_MEASURING),
        "type": kind.id,
        "networks": [[spec.sha256, spec.quality_for(coding), spec.halo, spec.multiple] for spec in used],
        # The requested profile and device count too: one that is missing is an error.
        **({"requested": [runtime.profile, runtime.device]} if used else {}),
        **({"tile": runtime.tile, "provider": session.expected(runtime.device).name} if used else {}),
        **({"onnxruntime": session.onnxruntime_version()} if used else {}),
    }


def networks(coding: Coding, kind: EnhancementType, runtime: Runtime) -> tuple[ModelSpec, ...]:
    """Return the networks that a type runs, in order, without those that are not shipped."""
    return catalog.load().networks(kind, coding, session.profiles(runtime))


@lru_cache(maxsize=4)
def _digest(patterns: tuple[str, ...]) -> str:
    """Return the sha256 of the files in the package that match the patterns."""
    digest = hashlib.sha256()
    if not _PACKAGE.is_dir():  # it is in a zip file
        digest.update(next(path for path in _PACKAGE.parents if path.is_file()).read_bytes())
    for path in sorted({path for pattern in patterns for path in _PACKAGE.glob(pattern) if path.is_file()}):
        if path.suffix != ".pyc":
            digest.update(
                path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + picture_key(path.read_bytes()).encode()
            )
    return digest.hexdigest()


def _program(path: str) -> list[Any]:
    status = Path(path).stat()
    return [path, status.st_size, status.st_mtime_ns]
