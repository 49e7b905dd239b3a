"""The command ``lbic integrate``: what a desktop and a shell know of lbic."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

from lbic.cli import man
from lbic.errors import ExitCode, UsageError
from lbic.format.container import MAGIC
from lbic.system import files

MIME = "image/x-lbic"
_MIME_XML = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="{MIME}">
    <comment>lbic picture</comment>
    <generic-icon name="image-x-generic"/>
    <magic priority="60"><match type="string" offset="0" value="\\x{MAGIC[0]:02x}{MAGIC[1:].decode()}"/></magic>
    <glob pattern="*.lbic"/>
  </mime-type>
</mime-info>
"""
_THUMBNAILER = """\
[Thumbnailer Entry]
TryExec={program}
Exec={command} thumbnail --size %s %i %o
MimeType={mime};
"""


@click.command()
@click.option("--desktop", is_flag=True, help="Install the MIME type image/x-lbic and a thumbnailer (freedesktop.org).")
@click.option("--man", "manual", is_flag=True, help="Install the manual page lbic(1).")
@click.option(
    "--prefix",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Data folder. Default $XDG_DATA_HOME, else ~/.local/share; for all users /usr/local/share.",
)
@click.option("--remove", is_flag=True, help="Remove what the other options install.")
def integrate(desktop: bool, manual: bool, prefix: Path | None, remove: bool) -> ExitCode:
    """Let file managers show .lbic files, and 'man lbic' find its page.

    --desktop and --man write into your data folder and name each file. File managers then show
    thumbnails; some must be restarted. Gnome's thumbnailers run in a sandbox that sees only /usr,
    so there lbic must be installed below /usr.
    """
    if not (desktop or manual):
        raise UsageError("nothing to integrate: neither --desktop nor --man")
    folder = prefix or Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    parts = (_desktop(folder) if desktop else {}) | (_manual(folder) if manual else {})
    for path, text in parts.items():
        if remove:
            path.unlink(missing_ok=True)
        else:
            files.make_folder(path.parent)
            files.write(path, text.encode())
        click.echo(f"{'removed' if remove else 'wrote'} {path}")
    if desktop:
        _update(folder / "mime")
    return ExitCode.OK


def _desktop(folder: Path) -> dict[Path, str]:
    """Return the files of --desktop and their content."""
    installed = shutil.which("lbic")
    program = str(Path(installed or sys.executable).absolute())
    command = _quoted(program) if installed else f"{_quoted(program)} -m lbic"
    return {
        folder / "mime" / "packages" / "lbic.xml": _MIME_XML,
        folder / "thumbnailers" / "lbic.thumbnailer": _THUMBNAILER.format(program=program, command=command, mime=MIME),
    }


def _manual(folder: Path) -> dict[Path, str]:
    return {folder / "man" / "man1" / "lbic.1": man.page()}


def _quoted(word: str) -> str:
    """Return a word of a command line, in quotes if it needs them."""
    return f'"{word}"' if " " in word else word


def _update(folder: Path) -> None:
    """Rebuild the list of MIME types, where the program for it is installed."""
    program = shutil.which("update-mime-database")
    if program is None:
        click.echo("lbic: note: update-mime-database (shared-mime-info) is not installed; run it later", err=True)
    elif folder.is_dir():
        subprocess.run([program, str(folder)], check=False)
