"""Calling the command line from tests, in this process or as the program a user starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from helpers import photo
from PIL import Image

from lbic.cli.main import cli
from lbic.errors import ExitCode
from lbic.format.container import Header, read_header

PROGRAM = [sys.executable, "-m", "lbic"]
SIZE = (48, 32)


def lbic(*arguments: object, stdin: bytes | None = None, code: ExitCode = ExitCode.OK) -> Result:
    """Run a command in this process; its exit code must be ``code``, and no exception but SystemExit may pass."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result


def records(result: Result) -> list[dict[str, Any]]:
    """The JSON objects on stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def program(*arguments: object, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command as its own process."""
    command = [*PROGRAM, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output="stdout" not in more, timeout=60, check=False, **more)


def save(path: Path, image: Image.Image | None = None, **options: Any) -> Path:
    """A picture file, with the folders above it; a small photo unless another is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or photo(*SIZE)).save(path, **options)
    return path


def opened(path: Path) -> Image.Image:
    """The picture in a file, decoded."""
    with Image.open(path) as picture:
        picture.load()
        return picture


def compressed(folder: Path, name: str = "a", *options: object) -> Path:
    """A .lbic file, made with the jpeg codec from a picture that is not kept."""
    source = save(folder / f"{name}.png")
    lbic("compress", "--codec", "jpeg", *options, source)
    source.unlink()
    return folder / f"{name}.lbic"


def names(folder: Path) -> set[str]:
    """Every file in and below a folder, hidden ones included: nothing half-written may be left.

    The toy networks that conftest.write_models puts beside a test's files do not count.
    """
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {str(path) for path in files if path.parts[0] != "models"}


def header(path: Path) -> Header:
    """The header of a .lbic file."""
    return read_header(path.read_bytes())
