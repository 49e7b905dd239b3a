"""The command ``lbic thumbnail``."""

from __future__ import annotations

from pathlib import Path

import click
from PIL import Image

from lbic import pipeline
from lbic.cli.parameters import FILE, IntegerParameter
from lbic.enhance.types import NONE
from lbic.errors import ExitCode, FileError, reason
from lbic.picture import save
from lbic.pipeline import DecompressSettings
from lbic.system import files


@click.command()
@click.option(
    "-s", "--size", type=IntegerParameter(1, 4096), default=256, metavar="N", help="The longer side. Default 256."
)
@click.argument("source", metavar="FILE", type=FILE)
@click.argument("output", metavar="OUTPUT", type=FILE)
def thumbnail(size: int, source: str, output: str) -> ExitCode:
    """Write a small PNG of a .lbic file, for file managers; OUTPUT is replaced.

    The picture has at most N pixels on each side and is not enhanced. 'lbic integrate --desktop'
    lets file managers call this command.
    """
    try:
        data = files.read(Path(source))
    except FileError as error:
        raise FileError(f"{source}: {error}") from error
    result = pipeline.decompress(data, DecompressSettings(type=NONE, apart=True))
    picture = result.image
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    _write(Path(output), save.encode(picture, ".png", icc=result.icc))
    return ExitCode.OK


def _write(path: Path, data: bytes) -> None:
    """Write the file in place: file managers hold it open, so a new one would not reach them."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {reason(error)}") from error
