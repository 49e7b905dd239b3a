"""lbic decompress: output files, recommended and requested enhancement types."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from cli_helpers import SIZE, compressed, lbic, names, opened, records, save
from conftest import WriteCatalog
from helpers import photo, ramp
from PIL import Image
from toys import identity, spec

from lbic import pipeline
from lbic.cli.docs import JSON_KEYS
from lbic.enhance import providers, tiling
from lbic.enhance.session import Session
from lbic.errors import ExitCode
from lbic.picture.load import with_alpha
from lbic.picture.save import WRITERS

pytestmark = pytest.mark.usefixtures("no_gpu")


@pytest.fixture
def networks(write_models: WriteCatalog) -> None:
    """One toy network, for type 7 and jpeg up to quality 40."""
    data = identity(1, 0.5)
    write_models(
        [(spec("toy-ar", data, "ar", codecs=("jpeg",), scales=(16,), quality=(5, 40)), data)], [("jpeg", 16, 7)]
    )


@pytest.fixture
def no_networks(write_models: WriteCatalog) -> None:
    """A catalog without a row."""
    write_models([])


# --- decompress ----------------------------------------------------------------------------------


def test_the_report_line(tmp_path: Path, networks: None) -> None:
    source = compressed(tmp_path)
    result = lbic("decompress", source)
    assert result.stdout == ""
    line = f"{source} -> {source}.png  {SIZE[0]}x{SIZE[1]}  jpeg q20  type 7 (ar)  CPU  "
    assert result.stderr.startswith(line)
    assert opened(tmp_path / "a.lbic.png").size == SIZE


def test_json(tmp_path: Path, networks: None) -> None:
    source = compressed(tmp_path)
    (record,) = records(lbic("decompress", "--json", source))
    assert list(record) == list(JSON_KEYS["decompress"])
    expected = {"type": 7, "type_recorded": 7, "profile": "lite", "models": ["toy-ar"], "scale": 1, "q": 20}
    assert record.items() >= {**expected, "provider": providers.CPU.name, "notes": []}.items()


def test_verbose_tells_the_networks(tmp_path: Path, networks: None) -> None:
    result = lbic("decompress", "-v", compressed(tmp_path))
    assert "\n  toy-ar (lite) on CPUExecutionProvider\n" in result.stderr


def test_verbose_tells_of_small_tiles(tmp_path: Path, networks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiling._run_tiles

    def limited(session: Session, picture: Any, size: int, quality: int) -> Any:
        if size > 100:
            raise MemoryError
        return run(session, picture, size, quality)

    monkeypatch.setattr(tiling, "_run_tiles", limited)
    sentence = "\n  model toy-ar ran on tiles of 96 pixels, for lack of memory\n"
    assert sentence in lbic("decompress", "-v", compressed(tmp_path)).stderr
    assert "lack of memory" not in lbic("decompress", "-f", tmp_path / "a.lbic").stderr


def test_the_picture_is_the_pipelines(tmp_path: Path, networks: None) -> None:
    source = compressed(tmp_path)
    lbic("decompress", source)
    expected = pipeline.decompress(source.read_bytes()).image
    assert opened(tmp_path / "a.lbic.png").tobytes() == expected.tobytes()
    lbic("decompress", "--type", "none", "-o", tmp_path / "plain.png", source)
    assert opened(tmp_path / "plain.png").tobytes() != expected.tobytes()


@pytest.mark.parametrize("suffix", list(WRITERS))
def test_the_suffix_chooses_the_format(tmp_path: Path, no_networks: None, suffix: str) -> None:
    target = tmp_path / f"b{suffix.upper()}"
    lbic("decompress", "-o", target, compressed(tmp_path))
    assert opened(target).format == WRITERS[suffix][0]


def test_an_unknown_suffix_is_refused_before_work(tmp_path: Path) -> None:
    source = compressed(tmp_path)
    result = lbic("decompress", "-o", tmp_path / "b.xyz", source, code=ExitCode.USAGE)
    assert "b.xyz: pictures are written as .png .webp" in result.stderr
    assert names(tmp_path) == {"a.lbic"}


def test_alpha_needs_a_format_that_has_it(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png", with_alpha(photo(*SIZE), ramp(*SIZE)))
    lbic("compress", "--codec", "jpeg", source)
    result = lbic("decompress", "-o", tmp_path / "b.jpg", tmp_path / "a.lbic", code=ExitCode.USAGE)
    assert "alpha" in result.stderr
    assert names(tmp_path) == {"a.png", "a.lbic"}
    lbic("decompress", tmp_path / "a.lbic")
    assert opened(tmp_path / "a.lbic.png").mode == "RGBA"


def test_stdin_and_stdout_are_png(tmp_path: Path, no_networks: None) -> None:
    source = compressed(tmp_path)
    result = lbic("decompress", "-", stdin=source.read_bytes())
    with Image.open(io.BytesIO(result.stdout_bytes)) as picture:
        assert (picture.format, picture.size) == ("PNG", SIZE)
    assert result.stderr.startswith("- -> -  ")
    assert lbic("decompress", source, "-o", "-").stdout_bytes == result.stdout_bytes


@pytest.mark.skipif(not Path(os.devnull).is_char_device(), reason="no /dev/null")
def test_a_device_takes_the_bytes(tmp_path: Path, no_networks: None) -> None:
    lbic("decompress", compressed(tmp_path), "-o", os.devnull)
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize(
    ("damage", "because"),
    [
        (lambda data: b"", "the file is empty"),
        (lambda data: data[:10], "ends inside its header"),
        (lambda data: data[:-5], "checksum mismatch"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "checksum mismatch"),
        (lambda data: b"\x89PNG\r\n\x1a\n" + data, "not a .lbic file"),
        (lambda data: data[:4] + b"\x63" + data[5:], "format version 99"),
    ],
)
@pytest.mark.parametrize("command", ["decompress", "verify"])
def test_damaged_files(tmp_path: Path, command: str, damage: object, because: str) -> None:
    source = compressed(tmp_path)
    source.write_bytes(damage(source.read_bytes()))  # type: ignore[operator]
    result = lbic(command, source, code=ExitCode.DAMAGED)
    assert result.stderr.startswith(f"lbic: error: {source}: ")
    assert because in result.stderr
    assert names(tmp_path) == {"a.lbic"}


def test_target_exists(tmp_path: Path, no_networks: None) -> None:
    source = compressed(tmp_path)
    (tmp_path / "a.lbic.png").write_bytes(b"precious")
    result = lbic("decompress", source, code=ExitCode.FAILED)
    assert "a.lbic.png exists; use -f to overwrite it" in result.stderr
    assert (tmp_path / "a.lbic.png").read_bytes() == b"precious"
    lbic("decompress", "-f", source)
    assert opened(tmp_path / "a.lbic.png").size == SIZE


@pytest.mark.parametrize(
    ("options", "because"),
    [
        (["--type", "best"], "unknown enhancement type 'best'"),
        (["--profile", "huge"], "'huge' is not one of 'auto', 'fast', 'lite', 'full'"),
        (["--device", "tpu"], "'tpu' is not one of 'auto', 'cpu', 'cuda'"),
        (["--tile", "10"], "10 is not in the range x>=64"),
        (["--tile", "big"], "'big' is not a valid integer"),
        (["--strength", "1.5"], "strength 1.5 is not in 0..1"),
        (["--strength", "-0.1"], "strength -0.1 is not in 0..1"),
        (["--strength", "nan"], "strength nan is not in 0..1"),
        (["--strength", "half"], "'half' is not a number"),
    ],
)
def test_usage(options: list[str], because: str) -> None:
    result = lbic("decompress", "a.lbic", *options, code=ExitCode.USAGE)
    assert because in result.stderr
    assert result.stderr.startswith("lbic: error: ")


# --- recommended and requested types -------------------------------------------------------------


def test_advice_that_is_not_shipped_is_a_note(tmp_path: Path, no_networks: None) -> None:
    source = compressed(tmp_path, "a", "--type", "cas")
    result = lbic("decompress", source)
    assert f"lbic: note: {source}: the networks of enhancement type 4 (cas) are not shipped" in result.stderr
    assert "  type 0 (none)  " in result.stderr
    (record,) = records(lbic("decompress", "-f", "--json", source))
    assert (record["type"], record["type_recorded"], record["provider"], record["models"]) == (0, 4, None, [])
    assert len(record["notes"]) == 1


def test_an_order_that_is_not_shipped_is_an_error_told_once(tmp_path: Path, no_networks: None) -> None:
    sources = [compressed(tmp_path, name) for name in "ab"]
    result = lbic("decompress", "--type", 1, *sources, code=ExitCode.MISSING)
    assert result.stderr == "lbic: error: the networks of enhancement type 1 (nr) are not shipped with this lbic yet\n"
    assert names(tmp_path) >= {"a.lbic", "b.lbic"}
    assert not list(tmp_path.glob("*.png"))


def test_an_order_for_cuda_without_a_gpu_is_an_error(tmp_path: Path, networks: None) -> None:
    result = lbic("decompress", "--device", "cuda", compressed(tmp_path), code=ExitCode.MISSING)
    assert "no NVIDIA driver" in result.stderr
    (record,) = records(lbic("decompress", "--json", "--device", "cuda", tmp_path / "a.lbic", code=ExitCode.MISSING))
    assert record["error"]["code"] == "device"
    assert not list(tmp_path.glob("*.png"))


def test_an_order_outside_of_what_was_trained_runs_with_a_note(tmp_path: Path, networks: None) -> None:
    result = lbic("decompress", "--type", "ar", compressed(tmp_path, "a", "-q", 90))
    assert "model toy-ar is for jpeg quality 5..40" in result.stderr
    assert "type 7 (ar)  CPU" in result.stderr


def test_tiles_do_not_show(tmp_path: Path, networks: None) -> None:
    source = save(tmp_path / "a.png", photo(200, 150))
    lbic("compress", "--codec", "jpeg", source)
    for tile in ("auto", "64"):
        lbic("decompress", "--tile", tile, "-o", tmp_path / f"{tile}.ppm", tmp_path / "a.lbic")
    assert (tmp_path / "auto.ppm").read_bytes() == (tmp_path / "64.ppm").read_bytes()


# --- strength ------------------------------------------------------------------------------------


def test_strength_goes_from_the_codecs_picture_to_the_enhanced_one(tmp_path: Path, networks: None) -> None:
    source = compressed(tmp_path)

    def picture(name: str, *options: object) -> bytes:
        lbic("decompress", *options, "-o", tmp_path / f"{name}.ppm", source)
        return opened(tmp_path / f"{name}.ppm").tobytes()

    plain, enhanced = picture("plain", "--type", 0), picture("enhanced")
    assert plain != enhanced
    assert picture("none", "--strength", 0) == plain
    assert picture("whole", "--strength", 1) == enhanced
    assert picture("half", "--strength", 0.5) not in (plain, enhanced)
    assert picture("off", "--strength", 0.5, "--type", 0) == plain


def test_strength_is_told(tmp_path: Path, networks: None) -> None:
    source = compressed(tmp_path)
    assert "  type 7 (ar) strength 0.25  CPU  " in lbic("decompress", "--strength", 0.25, source).stderr
    (record,) = records(lbic("decompress", "-f", "--json", "--strength", 0.25, source))
    assert (record["strength"], record["type"], record["models"]) == (0.25, 7, ["toy-ar"])
    (record,) = records(lbic("decompress", "-f", "--json", "--strength", 0, source))
    assert (record["strength"], record["type"], record["models"]) == (0, 0, [])


@pytest.mark.parametrize("command", ["decompress", "verify"])
def test_max_pixels_is_asked_of_the_header(tmp_path: Path, command: str) -> None:
    source = compressed(tmp_path)
    result = lbic(command, "--max-pixels", 1535, source, code=ExitCode.DAMAGED)
    assert "48x32, 1,536 pixels; the limit is 1,535" in result.stderr
    lbic(command, "--max-pixels", 1536, source)
