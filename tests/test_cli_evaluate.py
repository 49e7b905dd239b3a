"""lbic evaluate: tables, files, the cache, and errors."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_helpers import SIZE, lbic, names, save
from conftest import WriteCatalog
from helpers import photo
from toys import identity, spec

from lbic import pipeline
from lbic.errors import ExitCode, UsageError
from lbic.evaluate import cache, plots, runner, tables
from lbic.evaluate.runner import Row
from lbic.metrics import lpips, table
from lbic.system.weights import VARIABLE as WEIGHTS


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the cache instead of the user's."""
    monkeypatch.setattr(cache, "default_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path, write_models: WriteCatalog) -> Path:
    """Two pictures, one of them in a sub-folder, and a network of type 7."""
    data = identity(1, 0.9)
    write_models([(spec("toy-ar", data, "ar"), data)])
    save(tmp_path / "pictures" / "a.png", photo(*SIZE, seed=1))
    save(tmp_path / "pictures" / "sub" / "b.png", photo(*SIZE, seed=2))
    return tmp_path / "pictures"


@pytest.mark.usefixtures("no_gpu")
def test_rows_means_and_table(folder: Path, tmp_path: Path) -> None:
    files = ("--json", tmp_path / "e.json", "--csv", tmp_path / "e.csv")
    result = lbic("evaluate", folder, "--codec", "jpeg:10,90", "--scale", "1,2", "--type", "none,7", *files)
    content = json.loads((tmp_path / "e.json").read_text())
    rows, means = content["rows"], content["means"]
    assert len(rows) == 2 * 2 * 2 * 2
    assert len(means) == 2 * 2 * 2
    measured = ["bytes", "bpp", *table.METRICS, "encode_s", "decode_s"]
    assert list(rows[0]) == ["image", "codec", "q", "scale", "type", "profile", *measured, "kept", "error"]
    assert {(row["type"], row["profile"]) for row in rows} == {(0, None), (7, "lite")}
    assert rows[0]["niqe"] is None, "it was not requested"
    first = [row for row in rows if (row["q"], row["scale"], row["type"]) == (90, 1, 0)]
    (mean,) = (mean for mean in means if (mean["q"], mean["scale"], mean["type"]) == (90, 1, 0))
    assert mean["psnr"] == pytest.approx(sum(row["psnr"] for row in first) / 2)
    assert mean["images"] == 2
    assert mean["failures"] == 0
    assert first[0]["bpp"] == pytest.approx(8 * first[0]["bytes"] / (SIZE[0] * SIZE[1]))
    assert mean["psnr"] > 25
    lines, rates = (part.splitlines() for part in result.stdout.split("\n\nBD-rate "))
    assert lines[0].startswith(
        "| codec |  q | scale |     type | images |   bpp |  PSNR | PSNR-Y | encode s | decode s |"
    )
    assert len(lines) == 2 + 8
    assert len({len(line) for line in lines}) == 1
    assert rates[2] == "| codec | scale |     type | BD-rate, % | images | failures |"
    assert len(rates) == 4 + 4
    assert "0 (none) |      +0.00 |      2 |        0 |" in rates[4]
    assert result.stderr.splitlines()[-1].startswith("2 evaluated  ")
    listed = list(csv.DictReader(io.StringIO((tmp_path / "e.csv").read_text())))
    assert [row["image"] for row in listed] == [row["image"] for row in rows]


@pytest.mark.usefixtures("no_gpu")
def test_a_picture_that_fails_is_counted(folder: Path, tmp_path: Path) -> None:
    (folder / "c.png").write_bytes(b"not a picture")
    result = lbic(
        "evaluate", folder, "--codec", "jpeg:20", "-j", 2, "--json", tmp_path / "e.json", code=ExitCode.FAILED
    )
    assert f"lbic: error: {folder / 'c.png'}: not a picture" in result.stderr
    (mean,) = json.loads((tmp_path / "e.json").read_text())["means"]
    assert (mean["images"], mean["failures"]) == (2, 1)
    assert result.stdout.splitlines()[-1].endswith(" 1 |")


def test_a_coding_that_fails_is_a_row(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UsageError("no")

    monkeypatch.setattr(pipeline, "decompress", fail)
    result = lbic("evaluate", folder / "a.png", "--codec", "jpeg:20", "--csv", tmp_path / "e.csv", code=ExitCode.FAILED)
    assert "jpeg q 20, type 0: no" in result.stderr
    (row,) = csv.DictReader(io.StringIO((tmp_path / "e.csv").read_text()))
    assert (row["error"], row["psnr"]) == ("no", "")
    assert " - |" in result.stdout


@pytest.mark.usefixtures("no_gpu")
def test_metrics_are_chosen(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lpips, "_network", lambda _: Judge())
    save(folder / "large.png", photo(220, 110))
    command = ("evaluate", folder, "--codec", "jpeg:20", "--metrics", "niqe,lpips", "--json", tmp_path / "e.json")
    result = lbic(*command)
    assert "lbic: note: LPIPS is not defined for 2 of 3 pictures; its means are over the others" in result.stderr
    titles = result.stdout.splitlines()[0].split()
    assert titles[15:20] == ["PSNR-Y", "|", "LPIPS", "|", "NIQE"], "in the table's order, and PSNR always"
    content = json.loads((tmp_path / "e.json").read_text())
    small, large, _ = content["rows"]
    assert (small["lpips"], small["niqe"]) == (None, None), "48x32 pixels are too small for both"
    assert large["lpips"] == 0.25
    assert large["niqe"] > 0
    assert small["error"] is large["error"] is None
    (mean,) = content["means"]
    assert (mean["lpips"], mean["niqe"], mean["images"]) == (0.25, large["niqe"], 3)
    assert content["bd_rate"] == [], "one quality makes no curve"


@pytest.mark.usefixtures("no_gpu")
def test_without_mas_model_there_is_niqe(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LBIC_WEIGHTS", str(tmp_path))
    result = lbic("evaluate", folder / "a.png", "--codec", "jpeg:20", "--metrics", "pi")
    assert "lbic: note: PI n/a (Ma model not found)" in result.stderr
    titles = result.stdout.splitlines()[0]
    assert "NIQE" in titles
    assert "PI" not in titles
    sentence = lbic("evaluate", folder, "--codec", "jpeg", "--metrics", "ma", code=ExitCode.MISSING).stderr
    assert "Ma model not found" in sentence


@pytest.mark.usefixtures("no_gpu")
def test_without_scipy_there_is_no_bd_rate(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.interpolate", None)
    command = ("evaluate", folder / "a.png", "--type", "0,7", "--json", tmp_path / "e.json", "-f", "--codec")
    result = lbic(*command, "jpeg:20,40")
    assert "lbic: note: BD-rates need SciPy: pip install 'lbic[metrics]'" in result.stderr
    assert "BD-rate" not in result.stdout
    assert json.loads((tmp_path / "e.json").read_text())["bd_rate"] == []
    assert "SciPy" not in lbic(*command, "jpeg:20").stderr, "one quality makes no curve"


class Judge:
    """A substitute for LPIPS's network."""

    def distance(self, *_: object) -> float:
        return 0.25


@pytest.mark.parametrize(
    ("options", "because", "code"),
    [
        (["--codec", "jpeg", "--metrics", "lpips"], "LPIPS needs AlexNet's weights", ExitCode.MISSING),
        (["--codec", "jpeg", "--metrics", "beauty"], "'beauty' is not one of 'psnr', 'psnr_y'", ExitCode.USAGE),
        (["--codec", "gif:3"], "unknown codec 'gif'", ExitCode.USAGE),
        (["--codec", "jpeg:0"], "quality 0 is not in jpeg's range 1..95", ExitCode.USAGE),
        (["--codec", "file:gif:3"], "unknown format 'file:gif'; the formats are file:jpeg, ", ExitCode.USAGE),
        (["--codec", "file:"], "unknown format 'file:'", ExitCode.USAGE),
        (["--codec", "file:avif:101"], "quality 101 is not in file:avif's range 0..100", ExitCode.USAGE),
        (["--codec", "jpeg", "--cache", "x", "--no-cache"], "exclude each other", ExitCode.USAGE),
        (["--codec", "jpeg", "--type", ","], "Invalid value for '--type': the list is empty", ExitCode.USAGE),
        (["--codec", "jpeg", "--scale", ""], "Invalid value for '--scale': the list is empty", ExitCode.USAGE),
        (["--codec", "jpeg", "--cache", __file__], "test_cli_evaluate.py is not a folder", ExitCode.USAGE),
        (["--codec", "jpeg:ten"], "qualities are whole numbers joined by commas", ExitCode.USAGE),
        (["--codec", "jpeg", "--scale", "1,5"], "scale 5 is not a sixteenth step within 1..4", ExitCode.USAGE),
        (["--codec", "jpeg", "--scale", "auto"], "'auto' is not a number", ExitCode.USAGE),
        (["--codec", "jpeg", "--type", "0,9"], "unknown enhancement type '9'", ExitCode.USAGE),
        (["--codec", "jpeg", "--type", "1"], "type 1 (nr) are not shipped", ExitCode.MISSING),
        ([], "Missing option '--codec'", ExitCode.USAGE),
        (["--codec", "jpeg", "--csv", "-"], "--csv takes the name of a file; stdout has the table", ExitCode.USAGE),
        (
            ["--codec", "jpeg", "--json", "x", "--csv", "x"],
            "--json and --csv would both be written to x",
            ExitCode.USAGE,
        ),
    ],
)
@pytest.mark.usefixtures("write_models")
def test_usage(folder: Path, options: list[str], because: str, code: ExitCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WEIGHTS, raising=False)
    monkeypatch.setattr(runner, "evaluate", None)  # it must not be called
    assert because in lbic("evaluate", folder, *options, code=code).stderr


def test_a_picture_that_exceeds_memory_does_not_stop_the_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = runner.evaluate

    def exhausted(name: str, *rest: Any) -> list[Row]:
        if name.endswith("b.png"):
            raise MemoryError
        return evaluate(name, *rest)

    monkeypatch.setattr(runner, "evaluate", exhausted)
    result = lbic("evaluate", folder, "--codec", "jpeg:20", "--json", tmp_path / "e.json", code=ExitCode.FAILED)
    assert "b.png: not enough memory" in result.stderr
    rows = json.loads((tmp_path / "e.json").read_text())["rows"]
    assert [row["error"] for row in rows] == [None, "not enough memory"]


def test_a_picture_named_twice_counts_once(folder: Path, tmp_path: Path) -> None:
    picture = next(path for path in sorted(folder.iterdir()))
    options = ("--codec", "jpeg:20,40", "--codec", "webp:20,40", "--no-cache", "--csv", tmp_path / "rows.csv")
    once = lbic("evaluate", picture, *options).stdout
    assert (
        lbic("evaluate", picture, picture, "-f", *options).stdout.splitlines()[2].split("|")[1:4]
        == (once.splitlines()[2].split("|")[1:4])
    )
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 5


def test_names_that_are_not_utf8_are_bytes_in_csv() -> None:
    row = runner.Row("\udcfe.png", "jpeg", 20, 1, 0)
    assert b"\n\xfe.png," in tables.to_csv([row])


def test_files_are_not_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text("precious")
    command = ("evaluate", folder, "--codec", "jpeg", "--json", tmp_path / "e.json")
    assert "e.json exists; use -f" in lbic(*command, code=ExitCode.FAILED).stderr
    assert (tmp_path / "e.json").read_text() == "precious"
    picture = folder / "a.png"
    result = lbic("evaluate", folder, "-f", "--codec", "jpeg", "--csv", picture, code=ExitCode.USAGE)
    assert "is an input" in result.stderr
    assert names(folder) == {"a.png", str(Path("sub", "b.png"))}


@pytest.mark.usefixtures("no_gpu")
def test_peers_have_one_scale_and_one_type(folder: Path, tmp_path: Path) -> None:
    command = ("evaluate", folder / "a.png", "--codec", "jpeg:20", "--codec", "file:jpeg:20")
    result = lbic(*command, "--scale", "1,2", "--type", "7", "--json", tmp_path / "e.json")
    rows = json.loads((tmp_path / "e.json").read_text())["rows"]
    assert [(row["codec"], row["scale"], row["type"]) for row in rows] == [
        ("jpeg", 1, 7),
        ("jpeg", 2, 7),
        ("file:jpeg", 1, 0),
    ]
    assert "| file:jpeg | 20 |     1 | 0 (none) |" in result.stdout


@pytest.mark.usefixtures("no_gpu")
def test_codings_listed_twice_count_once(folder: Path) -> None:
    command = ("evaluate", folder / "a.png", "--codec", "jpeg:10,20", "--codec", "jpeg:10")
    result = lbic(*command, "--scale", "1.5,1.5", "--type", "0,none")
    rows = [line.split("|")[2:6] for line in result.stdout.splitlines()[2:4]]
    assert [[cell.strip() for cell in row] for row in rows] == [[q, "1.5", "0 (none)", "1"] for q in ("10", "20")]


@pytest.mark.usefixtures("no_gpu")
def test_a_rerun_computes_only_what_is_new(
    folder: Path, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*more: object) -> list[dict[str, object]]:
        stderr = lbic("evaluate", folder, "--codec", "jpeg:20", *more, "-f", "--json", tmp_path / "e.json").stderr
        rows: list[dict[str, object]] = json.loads((tmp_path / "e.json").read_text())["rows"]
        assert ("1 of 2 results kept from earlier" in stderr) == ([row["kept"] for row in rows[:2]] == [True, False])
        return rows

    first = run()
    assert [row["kept"] for row in first] == [False, False]
    monkeypatch.setattr(pipeline, "compress", None)  # the files are in the cache
    more = run("--type", "0,7")
    assert [row["kept"] for row in more] == [True, False] * 2
    assert more[::2] == [row | {"kept": True} for row in first], "their seconds too"
    (kept / "file").write_text("foreign files are ignored")
    assert [row["kept"] for row in run("--type", "0,7", "--cache", kept)] == [True] * 4
    assert "kept from earlier" not in lbic("evaluate", folder, "--codec", "file:jpeg", "--no-cache").stderr


@pytest.mark.usefixtures("no_gpu")
def test_plots(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("evaluate", folder, "--codec", "jpeg:10,20", "--plot", tmp_path / "plots")
    with monkeypatch.context() as without:
        without.setattr(plots, "find_spec", lambda _: None)
        assert "plots need matplotlib" in lbic(*command, code=ExitCode.MISSING).stderr
    pytest.importorskip("matplotlib")
    lbic(*command, "--no-cache")
    assert names(tmp_path / "plots") == {"psnr.svg", "psnr.png", "psnr_y.svg", "psnr_y.png"}
    assert "psnr.svg exists; use -f" in lbic(*command, code=ExitCode.FAILED).stderr
