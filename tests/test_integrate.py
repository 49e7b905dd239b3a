"""``lbic integrate`` and ``lbic thumbnail``: MIME type, thumbnailer and manual page."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import lbic
from conftest import skip_or_fail
from PIL import Image

from lbic import pipeline
from lbic.cli import man
from lbic.cli.integrate import MIME
from lbic.cli.main import COMMANDS
from lbic.errors import ExitCode


def program(name: str) -> str:
    """Return the path of a program; skip the test where it is not installed."""
    path = shutil.which(name)
    path = path or next((str(found) for found in Path("/usr/lib").glob(f"*/tumbler-1/{name}")), None)
    if path is None:
        skip_or_fail("desktop", f"{name} is not installed")
    return path


def output(folder: Path, *command: str) -> str:
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "HOME": str(folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.lbic"
    settings = pipeline.CompressSettings(codec="jpeg")
    path.write_bytes(pipeline.compress(Image.new("RGB", (400, 100), "teal"), settings).data)
    return path


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A data folder with everything that ``lbic integrate`` installs."""
    folder = tmp_path / "a share"
    lines = lbic("integrate", "--desktop", "--man", "--prefix", folder).stdout.splitlines()
    names = ["mime/packages/lbic.xml", "thumbnailers/lbic.thumbnailer", "man/man1/lbic.1"]
    assert lines == [f"wrote {folder / name}" for name in names]
    return folder


@pytest.mark.parametrize("name", ["a.lbic", "without a suffix"])
@pytest.mark.parametrize("tool", ["gio", "xdg-mime"])
def test_the_desktop_knows_the_files(share: Path, picture: Path, tool: str, name: str) -> None:
    program("update-mime-database")
    path = str(picture.rename(picture.with_name(name)))
    commands = {"gio": ("info", "-a", "standard::content-type", path), "xdg-mime": ("query", "filetype", path)}
    assert output(share, program(tool), *commands[tool]).split()[-1] == MIME


def test_the_thumbnailer_runs_as_file_managers_run_it(share: Path, picture: Path, tmp_path: Path) -> None:
    """They make the output file first, and read what is written to that very file."""
    entry = (share / "thumbnailers" / "lbic.thumbnailer").read_text()
    fields = dict(line.split("=", 1) for line in entry.splitlines() if "=" in line)
    assert fields["MimeType"] == f"{MIME};" and Path(fields["TryExec"]).is_file()
    small = tmp_path / "small.png"
    words = {"%s": "128", "%i": str(picture), "%o": str(small)}
    with small.open("w+b") as stream:
        command = [words.get(word, word) for word in shlex.split(fields["Exec"])]
        subprocess.run(command, check=True, timeout=60)
        assert Image.open(stream).size == (128, 32)


CALL = """
"$1" & SERVICE=$!
name=org.freedesktop.thumbnails.Thumbnailer1
gdbus wait --session --timeout 20 $name
gdbus call --session --dest $name --object-path /org/freedesktop/thumbnails/Thumbnailer1 \\
  --method $name.Queue "['file://$2']" "['image/x-lbic']" normal foreground 0
for _ in $(seq 200); do test -n "$(find "$3" -name '*.png')" && break; sleep 0.1; done
kill $SERVICE
"""


def test_the_desktops_own_thumbnailer_makes_a_thumbnail(
    share: Path, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tumbler serves Xfce's file manager and others."""
    service, _, _ = map(program, ("tumblerd", "gdbus", "update-mime-database"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    session = [program("dbus-run-session"), "--", "sh", "-c", CALL, "sh"]
    output(share, *session, service, str(picture), str(tmp_path / "cache"))
    (thumbnail,) = (tmp_path / "cache").rglob("*.png")
    made = np.asarray(Image.open(thumbnail).convert("RGB"), int)
    assert made.shape == (32, 128, 3)
    assert np.abs(made - (0, 128, 128)).max() <= 4


def test_a_program_in_a_folder_with_a_space_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    (folder / "lbic").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    lbic("integrate", "--desktop", "--prefix", tmp_path / "share")
    entry = (tmp_path / "share" / "thumbnailers" / "lbic.thumbnailer").read_text()
    assert f'Exec="{folder / "lbic"}" thumbnail --size %s %i %o\n' in entry
    assert f"TryExec={folder / 'lbic'}\n" in entry


def test_what_is_installed_is_removed(share: Path) -> None:
    lbic("integrate", "--desktop", "--man", "--prefix", share, "--remove")
    assert [path for path in share.rglob("*") if "lbic" in path.name] == []
    assert lbic("integrate", "--man", "--prefix", share, "--remove").stdout.startswith("removed ")


def test_without_the_program_for_types_a_note_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = lbic("integrate", "--desktop", "--prefix", tmp_path)
    assert "update-mime-database (shared-mime-info) is not installed" in result.stderr


def test_nothing_to_integrate_is_a_usage_error() -> None:
    assert "neither --desktop nor --man" in lbic("integrate", code=ExitCode.USAGE).stderr


def test_a_thumbnail_of_what_is_no_lbic_file(tmp_path: Path) -> None:
    (tmp_path / "a.lbic").write_bytes(b"no")
    lbic("thumbnail", tmp_path / "a.lbic", tmp_path / "a.png", code=ExitCode.DAMAGED)
    lbic("thumbnail", tmp_path / "b.lbic", tmp_path / "a.png", code=ExitCode.FAILED)
    assert not (tmp_path / "a.png").exists()


def test_a_thumbnail_that_cannot_be_written(picture: Path, tmp_path: Path) -> None:
    result = lbic("thumbnail", picture, tmp_path / "none" / "a.png", code=ExitCode.FAILED)
    assert "a.png: cannot be written" in result.stderr


def test_the_manual_page_has_every_command() -> None:
    text = man.page()
    assert [f'.SH "LBIC {name.upper()}"' in text for name in COMMANDS] == [True] * len(COMMANDS)
    assert "\\-\\-target\\-size" in text


def test_the_manual_page_is_read_without_a_warning(share: Path) -> None:
    page = str(share / "man" / "man1" / "lbic.1")
    command = [program("man"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", page]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert result.stderr == ""
    assert "lbic compress" in result.stdout


def test_lines_that_look_like_requests_are_text() -> None:
    assert man._escaped(".a\n'b\nc\\d") == "\\&.a\n\\&'b\nc\\ed"
