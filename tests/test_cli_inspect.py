"""info, verify, models, doctor, completion, and the program's own help."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from cli_helpers import SIZE, compressed, lbic, names, records, save
from click.testing import CliRunner
from conftest import WriteCatalog
from helpers import photo, ramp
from toys import identity, spec

from lbic import __version__
from lbic.cli import doctor
from lbic.cli.docs import JSON_KEYS
from lbic.cli.main import COMMANDS, cli
from lbic.codecs.table import CODECS
from lbic.enhance import providers
from lbic.errors import ExitCode
from lbic.picture.load import with_alpha

HEADER = 18
"""Bytes before the stream of a picture whose sides are below 128 pixels."""

# --- info and verify -----------------------------------------------------------------------------


def test_info_tells_the_header(tmp_path: Path) -> None:
    source = compressed(tmp_path, "a", "-q", 12, "--scale", 2, "--type", 6)
    result = lbic("info", source)
    size = source.stat().st_size
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == str(source)
    assert dict(line.split(maxsplit=1) for line in lines[1:]) == {
        "picture": "48x32, colour",
        "codec": "jpeg, quality 12, scale 2",
        "type": "6 (sr+ar)",
        "file": f"{size:,} B, {8 * size / (48 * 32):.3f} bpp",
        "stream": f"{size - HEADER:,} B",
        "metadata": "none",
    }


def test_info_json(tmp_path: Path) -> None:
    lbic("compress", "--codec", "jpeg", save(tmp_path / "a.png", with_alpha(photo(*SIZE), ramp(*SIZE))))
    (record,) = records(lbic("info", "--json", tmp_path / "a.lbic"))
    assert list(record) == list(JSON_KEYS["info"])
    overhead = record["bytes"] - record["payload"]
    assert overhead == HEADER + 1 + 2 + record["metadata"]["alpha"], "header, length of the section, item, its bytes"


def test_info_reads_only_the_header(tmp_path: Path) -> None:
    source = compressed(tmp_path)
    data = source.read_bytes()
    source.write_bytes(data[:60] + bytes(len(data) - 60))
    assert "48x32" in lbic("info", source).stdout
    lbic("verify", source, code=ExitCode.DAMAGED)


def test_info_of_a_type_from_the_future(tmp_path: Path) -> None:
    source = compressed(tmp_path)
    data = bytearray(source.read_bytes())
    data[11] = 200
    source.write_bytes(data)
    assert "type      200 (unknown to this lbic)" in lbic("info", source).stdout


def test_info_from_stdin_and_of_several(tmp_path: Path) -> None:
    first, second = compressed(tmp_path, "a"), compressed(tmp_path, "b")
    assert lbic("info", "-", stdin=first.read_bytes()).stdout.startswith("-\n  picture")
    result = lbic("info", first, tmp_path / "no.lbic", second, code=ExitCode.FAILED)
    assert result.stdout.count("picture") == 2
    assert result.stderr == f"lbic: error: {tmp_path / 'no.lbic'}: cannot be read: no such file or folder\n"


def test_info_quiet_still_tells(tmp_path: Path) -> None:
    assert "48x32" in lbic("info", "--quiet", compressed(tmp_path)).stdout


@pytest.mark.parametrize(
    "content", [b"", b"\xc1LB", b"text", b"\xc1LBC\x02" + bytes(30), b"\xc1LBC\x01\x09" + bytes(30)]
)
def test_info_of_what_is_no_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.lbic"
    path.write_bytes(content)
    result = lbic("info", path, code=ExitCode.DAMAGED)
    assert result.stderr.startswith(f"lbic: error: {path}: ")


def test_verify(tmp_path: Path) -> None:
    source = compressed(tmp_path)
    result = lbic("verify", source)
    assert result.stdout == ""
    assert result.stderr.startswith(f"{source}: ok  48x32  jpeg q20  ")
    (record,) = records(lbic("verify", "--json", source))
    assert list(record) == list(JSON_KEYS["verify"])
    assert names(tmp_path) == {"a.lbic"}


# --- models --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_gpu")
def test_models_lists_loads_and_checks(write_models: WriteCatalog) -> None:
    data = identity(1)
    row = spec("toy-ar", data, "ar", codecs=("jpeg",), scales=(16, 24), quality=(5, 40))
    write_models([(row, data)])
    text = lbic("models").stdout
    for fact in (
        "toy-ar\n",
        row.sha256,
        "jpeg quality 5..40, scale 1, 1.5",
        "MIT",
        f"{len(data):,} B",
        "runs on      CPU",
    ):
        assert fact in text
    assert "type 7 (ar): ARCNN, artifact reduction without downsampling; ready" in text
    assert "type 1 (nr): noise reduction, HGRDN; not shipped yet" in text
    (record,) = records(lbic("models", "--json"))
    assert list(record) == list(JSON_KEYS["models"])
    assert record["provider"] == providers.CPU.name
    assert record["scales"] == [1, 1.5]


@pytest.mark.parametrize(
    ("content", "because"), [(None, "cannot read toy-ar.onnx"), (b"other", "its sha256 is not the manifest's")]
)
def test_models_finds_damage(write_models: WriteCatalog, tmp_path: Path, content: bytes | None, because: str) -> None:
    data = identity(1)
    write_models([(spec("toy-ar", data, "ar"), data)])
    file = tmp_path / "models" / "toy-ar.onnx"
    file.unlink()
    if content:
        file.write_bytes(content)
    text = lbic("models", code=ExitCode.MISSING).stdout
    assert because in text
    assert "runs on      nothing" in text


# --- doctor --------------------------------------------------------------------------------------


def test_doctor_tries_everything(write_models: WriteCatalog, no_gpu: None) -> None:
    data = identity(1)
    write_models([(spec("toy-ar", data, "ar"), data)])
    findings = records(lbic("doctor", "--json"))
    assert all(list(record) == list(JSON_KEYS["doctor"]) for record in findings)
    works = {record["name"]: record["works"] for record in findings}
    sentences = {record["name"]: record["sentence"] for record in findings}
    assert works["codec jpeg"]
    assert not works["CUDA"]
    assert "no NVIDIA driver" in sentences["CUDA"]
    assert sentences["networks"] == "1 load and run on CPU"
    assert {f"codec {name}" for name in CODECS} <= set(works)
    for name, module, package in (("HEIC", "pillow_heif", "pillow-heif"), ("float TIFF", "tifffile", "tifffile")):
        assert works[f"read {name}"] == (find_spec(module) is not None)
        assert sentences[f"read {name}"].startswith(package)


def test_doctor_tells_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, write_models: WriteCatalog, tmp_path: Path
) -> None:
    data = identity(1)
    write_models([(spec("toy-ar", data, "ar"), data)])
    (tmp_path / "models" / "toy-ar.onnx").write_bytes(b"")
    monkeypatch.setattr(type(CODECS["vvc"]), "availability", lambda _: "install an encoder")
    builds = {"onnxruntime", "onnxruntime-gpu"}
    monkeypatch.setattr(doctor, "_version", lambda package: "1.0" if package in builds else None)
    text = lbic("doctor").stdout
    assert "no  codec vvc        cannot compress: install an encoder\n" in text
    assert "onnxruntime and onnxruntime-gpu are installed together and overwrite" in text
    assert "no  networks         model toy-ar: toy-ar.onnx is damaged" in text


# --- the program ---------------------------------------------------------------------------------


def test_version() -> None:
    assert lbic("--version").stdout == f"lbic {__version__}\n"


def test_no_arguments_give_a_short_help() -> None:
    result = lbic(code=ExitCode.USAGE)
    assert result.stdout == ""
    assert "lbic compress a.png" in result.stderr
    assert result.stderr.count("\n") < 10


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_goes_to_stdout_and_names_every_command(flag: str) -> None:
    result = lbic(flag)
    assert result.stderr == ""
    for name, row in COMMANDS.items():
        assert f"  {name} " in result.stdout
        assert row.summary.split()[0] in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    assert lbic(name, "-h").stdout.startswith(f"Usage: lbic {name} ")


def test_q_is_never_quiet() -> None:
    for name in COMMANDS:
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert not [p for p in command.params if p.name == "quiet" and "-q" in p.opts]


def test_an_unknown_command() -> None:
    result = lbic("shrink", code=ExitCode.USAGE)
    assert result.stderr.startswith("lbic: error: No such command 'shrink'")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    assert "_LBIC_COMPLETE" in lbic("completion", shell).stdout


def test_completion_of_an_unknown_shell() -> None:
    lbic("completion", "cmd", code=ExitCode.USAGE)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("comp", ["plain,compress", "plain,compare", "plain,completion"]),
        ("compress --codec v", ["plain,vvc", "plain,vtm"]),
        ("compress --max", ["plain,--max-pixels"]),
        ("decompress --type s", ["plain,sr", "plain,sr+ar"]),
        ("info a", ["file,a"]),
        ("compress -o a", ["file,a"]),
    ],
)
def test_what_bash_is_told(words: str, expected: list[str]) -> None:
    environment = {
        "_LBIC_COMPLETE": "bash_complete",
        "COMP_WORDS": f"lbic {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    result = CliRunner().invoke(cli, env=environment, prog_name="lbic")
    assert result.stdout.split() == expected
