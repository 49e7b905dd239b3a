"""The command compress: its files, report, JSON, and a sentence for every bad input."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from cli_helpers import SIZE, header, lbic, names, records, save
from helpers import photo, ramp

from lbic import pipeline
from lbic.cli.docs import JSON_KEYS
from lbic.codecs.table import CODECS
from lbic.errors import ExitCode
from lbic.format.container import read_header
from lbic.picture.load import with_alpha

JPEG = ("compress", "--codec", "jpeg")


def test_the_report_line(tmp_path: Path, needs_vvc: None) -> None:
    source = save(tmp_path / "a.png", photo(96, 64))
    result = lbic("compress", "--effort", 0, source)
    target = tmp_path / "a.lbic"
    size = target.stat().st_size
    line = f"{source} -> {target}  96x64  vvc qp37  {size:,} B  {8 * size / (96 * 64):.3f} bpp  "
    assert result.stdout == ""
    assert result.stderr.startswith(line)
    assert result.stderr.endswith(" s\n")


def test_options_reach_the_file(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png")
    result = lbic(*JPEG, "-q", 33, "--scale", 2, "--type", "sr+ar", "-o", tmp_path / "b.lbic", source)
    assert "jpeg q33 scale 2" in result.stderr
    made = header(tmp_path / "b.lbic")
    assert (made.codec, made.quality, made.scale, made.type, made.width, made.height) == ("jpeg", 33, 32, 6, *SIZE)
    assert made.coded_size == (SIZE[0] // 2, SIZE[1] // 2)


def test_quality_is_the_codecs_default(tmp_path: Path) -> None:
    lbic(*JPEG, save(tmp_path / "a.png"))
    assert header(tmp_path / "a.lbic").quality == CODECS["jpeg"].default_quality


def test_json(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png")
    result = lbic(*JPEG, "--json", source)
    (record,) = records(result)
    assert list(record) == list(JSON_KEYS["compress"])
    size = (tmp_path / "a.lbic").stat().st_size
    expected = {"input": str(source), "output": str(tmp_path / "a.lbic"), "codec": "jpeg", "q": 20, "scale": 1}
    assert record.items() >= {**expected, "bytes": size, "width": SIZE[0], "height": SIZE[1]}.items()
    assert record["bpp"] == pytest.approx(8 * size / (SIZE[0] * SIZE[1]))
    assert result.stderr == ""


def test_stdin_to_stdout() -> None:
    out = io.BytesIO()
    photo(*SIZE).save(out, "PNG")
    result = lbic(*JPEG, "-", stdin=out.getvalue())
    assert read_header(result.stdout_bytes).width == SIZE[0]
    assert result.stderr.startswith("- -> -  ")


def test_quiet_is_silent_and_verbose_tells_what_metadata_cost(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png", with_alpha(photo(*SIZE), ramp(*SIZE)))
    assert lbic(*JPEG, "--quiet", source).output == ""
    assert "\n  alpha " in lbic(*JPEG, "-v", "-f", source).stderr


# --- bad inputs: a sentence, the right exit code, and nothing written ---


def refused(tmp_path: Path, *arguments: object, code: ExitCode, because: str) -> None:
    """Check that the command fails with one line that says why and leaves the folder as it was."""
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    result = lbic(*JPEG, *arguments, code=code)
    assert result.stdout == ""
    assert result.stderr.startswith("lbic: error: ")
    assert result.stderr.count("\n") == 1
    assert because in result.stderr
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


@pytest.mark.parametrize(
    ("content", "because"),
    [
        (b"", "the file is empty"),
        (b"# not a picture\n" * 20, "not a picture"),
        (b"\xc1LBC" + bytes(40), "a .lbic file, which is compressed already"),
        (b"%PDF-1.7\n" + bytes(100), "a PDF document; render it to PNG first"),
    ],
)
def test_not_a_picture(tmp_path: Path, content: bytes, because: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    refused(tmp_path, tmp_path / "a.png", code=ExitCode.DAMAGED, because=because)


def test_truncated_picture(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png")
    source.write_bytes(source.read_bytes()[:-200])
    refused(tmp_path, source, code=ExitCode.DAMAGED, because="damaged or truncated")


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    refused(tmp_path, path, code=ExitCode.FAILED, because=f"{path}: cannot be read: no such file or folder")


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permissions would not do: tests may run as root, who reads everything.
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    source = save(tmp_path / "a.png")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    result = lbic(*JPEG, source, code=ExitCode.FAILED)
    assert result.stderr == f"lbic: error: {source}: cannot be read: permission denied\n"
    assert names(tmp_path) == {"a.png"}


def test_directory_without_r(tmp_path: Path) -> None:
    save(tmp_path / "photos" / "a.png")
    refused(tmp_path, tmp_path / "photos", code=ExitCode.USAGE, because="is a directory; use -r to search it")


@pytest.mark.parametrize("name", [".", "..", "/", "./"])
def test_directories_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    refused(tmp_path, name, code=ExitCode.USAGE, because="is a directory; use -r to search it")


def test_target_exists(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png")
    (tmp_path / "a.lbic").write_bytes(b"precious")
    refused(tmp_path, source, code=ExitCode.FAILED, because="a.lbic exists; use -f to overwrite it")
    lbic(*JPEG, "-f", source)
    assert header(tmp_path / "a.lbic").codec == "jpeg"


@pytest.mark.parametrize(
    ("options", "because"),
    [
        (["-q", 96], "quality 96 is not in jpeg's range 1..95 (higher is better)"),
        (["-q", 0], "quality 0 is not in jpeg's range 1..95"),
        (["--codec", "vvc", "-q", 64], "quality 64 is not in vvc's range 0..63 (lower is better)"),
        (["--codec", "vtm", "-q", -1], "quality -1 is not in vtm's range 0..63"),
        (["-q", "best"], "'best' is not a valid integer"),
        (["--scale", 5], "scale 5 is not a sixteenth step within 1..4"),
        (["--scale", 0], "scale 0 is not a sixteenth step within 1..4"),
        (["--effort", 5], "5 is not in the range 0<=x<=4"),
        (["--effort", "high"], "'high' is not a valid integer"),
        (["--type", 8], "unknown enhancement type '8'; known: 0 none, 1 nr"),
        (["--codec", "gif"], "'gif' is not one of 'vvc', 'vtm', 'jpeg', 'webp', 'avif', 'jpeg2000'"),
        (["--keep", "icc,gps"], "'gps' is not one of"),
        (["--max-pixels", 0], "0 is not in the range 1<=x<=400000000"),
        (["--jobs", 0], "0 is not in the range x>=1"),
        (["--fast"], "No such option '--fast'"),
        (["-o", "small.jpg"], "small.jpg: compress writes .lbic files, not pictures"),
        (["--json", "-o", "-"], "--json and the output cannot both go to stdout"),
    ],
)
def test_usage(tmp_path: Path, options: list[object], because: str) -> None:
    refused(tmp_path, *options, save(tmp_path / "a.png"), code=ExitCode.USAGE, because=because)


def test_no_input_is_a_usage_error() -> None:
    result = lbic("compress", code=ExitCode.USAGE)
    assert result.stderr == "lbic: error: Missing argument 'IN...'; see 'lbic compress -h'\n"


def test_an_encoder_that_is_missing_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(CODECS["vvc"]), "availability", lambda _: "no VVC encoder on this machine; install one")
    sources = [save(tmp_path / "a.png"), save(tmp_path / "b.png")]
    monkeypatch.delenv("LBIC_VTM_DIR", raising=False)
    result = lbic("compress", *sources, code=ExitCode.MISSING)
    assert result.stderr == (
        "lbic: error: codec vvc cannot compress here: no VVC encoder on this machine; install one. "
        "Codecs that work here: jpeg, webp, avif, jpeg2000\n"
    )
    assert names(tmp_path) == {"a.png", "b.png"}


def test_too_many_pixels(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png")
    refused(
        tmp_path, "--max-pixels", 100, source, code=ExitCode.DAMAGED, because="48x32, 1,536 pixels; the limit is 100"
    )


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animated(tmp_path: Path, suffix: str) -> None:
    frames = [photo(*SIZE, seed) for seed in (1, 2, 3)]
    path = tmp_path / f"a{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    refused(tmp_path, path, code=ExitCode.DAMAGED, because="with 3 frames; lbic compresses single pictures")


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    source = save(tmp_path / "a.png")
    monkeypatch.setattr("os.fsync", full)
    refused(tmp_path, source, code=ExitCode.FAILED, because="a.lbic: no space left on the disk")


def test_memory_that_runs_out_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(pipeline, "compress", exhausted)
    refused(tmp_path, save(tmp_path / "a.png"), code=ExitCode.FAILED, because="a.png: not enough memory")


def test_a_failure_as_json(tmp_path: Path) -> None:
    result = lbic(*JPEG, "--json", tmp_path / "a.png", code=ExitCode.FAILED)
    (record,) = records(result)
    message = "cannot be read: no such file or folder"
    assert record == {"input": str(tmp_path / "a.png"), "error": {"code": "file", "message": message}}
