"""Names of open descriptors as inputs and outputs, in real processes and in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import PROGRAM, compressed, opened, save

from lbic.errors import ExitCode, FileError
from lbic.system import descriptors, files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the names are Linux's")
LBIC = " ".join(PROGRAM)


def shell(script: str, folder: Path, code: ExitCode = ExitCode.OK) -> str:
    """Run a script of the shell in a folder and return its stderr."""
    result = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == code, result.stderr
    return result.stderr


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1", "link"])
def test_the_shells_file_keeps_its_content(tmp_path: Path, name: str) -> None:
    compressed(tmp_path)
    (tmp_path / "app.bin").write_bytes(b"earlier")
    (tmp_path / "link").symlink_to("/dev/stdout")
    shell(f"{LBIC} decompress --type 0 -f a.lbic -o {name} >> app.bin", tmp_path)
    content = (tmp_path / "app.bin").read_bytes()
    assert content.startswith(b"earlier\x89PNG")


def test_any_open_descriptor_is_written_at_its_place(tmp_path: Path) -> None:
    compressed(tmp_path)
    shell(f"(printf 1; {LBIC} decompress --type 0 a.lbic -o /dev/fd/7; printf 2) 7> out 1>&7", tmp_path)
    content = (tmp_path / "out").read_bytes()
    assert content.startswith(b"1\x89PNG") and content.endswith(b"2")


@pytest.mark.parametrize(("name", "redirection"), [("/dev/stdin", "<"), ("/dev/fd/0", "<"), ("/proc/self/fd/5", "5<")])
def test_an_input_stream_goes_to_stdout(tmp_path: Path, name: str, redirection: str) -> None:
    compressed(tmp_path)
    shell(f"{LBIC} decompress --type 0 {name} {redirection} a.lbic > out.png", tmp_path)
    assert opened(tmp_path / "out.png").size == (48, 32)
    assert {path.name for path in tmp_path.iterdir()} == {"a.lbic", "out.png"}


def test_an_input_stream_is_read_from_its_place(tmp_path: Path) -> None:
    data = compressed(tmp_path).read_bytes()
    (tmp_path / "two").write_bytes(b"header" + data)
    shell(f"(dd bs=6 count=1 status=none >&2; {LBIC} verify /dev/stdin) < two", tmp_path)


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_a_file_that_the_shell_appends_to_is_no_input(tmp_path: Path, name: str) -> None:
    before = save(tmp_path / "a.png").read_bytes()
    stderr = shell(f"{LBIC} compress --codec jpeg a.png -o {name} >> a.png", tmp_path, ExitCode.USAGE)
    assert "the output - is an input" in stderr
    assert (tmp_path / "a.png").read_bytes() == before


def test_the_programs_own_descriptors_are_closed_to_the_user(tmp_path: Path) -> None:
    """A descriptor that the shell did not open may be a pipe to a worker process."""
    compressed(tmp_path)
    for number in range(3, 12):
        stderr = shell(f"{LBIC} verify /dev/fd/{number}", tmp_path, ExitCode.FAILED)
        assert f"descriptor {number} is not open" in stderr
    stderr = shell(f"{LBIC} extract a.lbic -o /dev/fd/4", tmp_path, ExitCode.FAILED)
    assert "cannot write /dev/fd/4: descriptor 4 is not open" in stderr


def test_a_stream_is_an_input_once(tmp_path: Path) -> None:
    compressed(tmp_path)
    assert "only once" in shell(f"{LBIC} verify - /dev/stdin < a.lbic", tmp_path, ExitCode.USAGE)
    assert "/dev/fd/3 can be" in shell(f"{LBIC} verify /dev/fd/3 /proc/self/fd/3 3< a.lbic", tmp_path, ExitCode.USAGE)
    shell(f"{LBIC} verify - /dev/fd/3 < a.lbic 3< a.lbic", tmp_path)


def test_other_names_are_files(tmp_path: Path) -> None:
    (tmp_path / "7").write_bytes(b"x")
    (tmp_path / "loop").symlink_to("loop")
    for name in (tmp_path / "7", tmp_path / "loop", "/dev/null", "/dev/fd/x", "a\0b", "", "/dev/fd"):
        assert descriptors.number(name) is None


def test_a_descriptor_that_is_not_inherited_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "own").open("wb") as own:
        name = Path(f"/dev/fd/{own.fileno()}")
        with pytest.raises(FileError, match="is not open"):
            files.write(name, b"x")
        os.set_inheritable(own.fileno(), True)
        files.write(name, b"x")
    assert (tmp_path / "own").read_bytes() == b"x"
