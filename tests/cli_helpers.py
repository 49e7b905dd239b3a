"""Helpers that call the command line, in this process or as a program."""

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
    """Run a command in this process; its exit code must be ``code``."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result


def records(result: Result) -> list[dict[str, Any]]:
    """Return the JSON objects on stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def program(*arguments: object, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command as a process."""
    command = [*PROGRAM, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output="stdout" not in more, timeout=60, check=False, **more)


def save(path: Path, image: Image.Image | None = None, **options: Any) -> Path:
    """Save a picture, by default a small photo, with its folders; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or photo(*SIZE)).save(path, **options)
    return path


def opened(path: Path) -> Image.Image:
    """Read and decode a picture file."""
    with Image.open(path) as picture:
        picture.load()
        return picture


def compressed(folder: Path, name: str = "a", *options: object) -> Path:
    """Compress a small photo with the jpeg codec; return the path of the .lbic file."""
    source = save(folder / f"{name}.png")
    lbic("compress", "--codec", "jpeg", *options, source)
    source.unlink()
    return folder / f"{name}.lbic"


def names(folder: Path) -> set[str]:
    """Return all files in and below a folder, hidden ones included, to find leftovers.

    The toy networks of conftest.write_models are not counted.
    """
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {str(path) for path in files if path.parts[0] != "models"}


def header(path: Path) -> Header:
    """Return the header of a .lbic file."""
    return read_header(path.read_bytes())
