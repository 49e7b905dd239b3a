"""lbic evaluate: rows, means, BD-rates, tables, files; and the PSNR they are made of."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import SIZE, lbic, names, save
from conftest import WriteCatalog
from helpers import gray, photo, ramp
from PIL import Image
from toys import identity, spec

from lbic import pipeline
from lbic.errors import ExitCode, UsageError
from lbic.evaluate import runner, tables
from lbic.evaluate.bdrates import bd_rates
from lbic.evaluate.runner import Row
from lbic.image import with_alpha
from lbic.metrics import lpips, table
from lbic.metrics.psnr import luma, psnr, psnr_luma, psnr_rgb


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
    assert list(rows[0]) == ["image", "codec", "q", "scale", "type", *measured, "error"]
    assert rows[0]["niqe"] is None, "it was not asked for"
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
    assert result.stderr.splitlines()[-1] == "2 evaluated"
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
    titles = lbic(*command).stdout.splitlines()[0].split()
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


class Judge:
    """Stands in for LPIPS's network."""

    def distance(self, *_: object) -> float:
        return 0.25


@pytest.mark.parametrize(
    ("options", "because", "code"),
    [
        (["--codec", "jpeg", "--metrics", "lpips"], "LPIPS needs AlexNet's weights", ExitCode.MISSING),
        (["--codec", "jpeg", "--metrics", "beauty"], "'beauty' is not one of 'psnr', 'psnr_y'", ExitCode.USAGE),
        (["--codec", "webp:3"], "unknown codec 'webp'", ExitCode.USAGE),
        (["--codec", "jpeg:0"], "quality 0 is not in jpeg's range 1..95", ExitCode.USAGE),
        (["--codec", "jpeg:ten"], "qualities are whole numbers joined by commas", ExitCode.USAGE),
        (["--codec", "jpeg", "--scale", "1,5"], "5 is not in 1..4", ExitCode.USAGE),
        (["--codec", "jpeg", "--type", "0,9"], "unknown enhancement type '9'", ExitCode.USAGE),
        (["--codec", "jpeg", "--type", "1"], "type 1 (nr) are not shipped", ExitCode.MISSING),
        ([], "Missing option '--codec'", ExitCode.USAGE),
        (
            ["--codec", "jpeg", "--json", "x", "--csv", "x"],
            "--json and --csv would both be written to x",
            ExitCode.USAGE,
        ),
    ],
)
def test_usage(folder: Path, options: list[str], because: str, code: ExitCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(lpips.VARIABLE, raising=False)
    monkeypatch.setattr(runner, "evaluate", None)  # nothing may have begun
    assert because in lbic("evaluate", folder, *options, code=code).stderr


def test_files_are_not_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text("precious")
    command = ("evaluate", folder, "--codec", "jpeg", "--json", tmp_path / "e.json")
    assert "e.json exists; use -f" in lbic(*command, code=ExitCode.FAILED).stderr
    assert (tmp_path / "e.json").read_text() == "precious"
    picture = folder / "a.png"
    result = lbic("evaluate", folder, "-f", "--codec", "jpeg", "--csv", picture, code=ExitCode.USAGE)
    assert "is an input" in result.stderr
    assert names(folder) == {"a.png", str(Path("sub", "b.png"))}


def test_alpha_and_gray_are_measured_without_alpha() -> None:
    plan = runner.Plan((runner.Coding("jpeg", 80),))
    for picture in (photo(*SIZE), gray(*SIZE)):
        plain, with_plane = (
            runner.evaluate("a", saved(image), plan)[0] for image in (picture, with_alpha(picture, ramp(*SIZE)))
        )
        assert (plain.bytes, plain.metrics) == (with_plane.bytes, with_plane.metrics)


def saved(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("vvc:37", [("vvc", 37)]), ("jpeg:10,20", [("jpeg", 10), ("jpeg", 20)]), ("jpeg", [("jpeg", 20)])],
)
def test_codings_are_parsed(text: str, expected: list[tuple[str, int]]) -> None:
    assert runner.parse_codings(text) == expected


def test_infinity_is_null_in_json_and_inf_elsewhere() -> None:
    row = Row("a.png", "jpeg", 95, 1, 0, 10, 0.1, {"psnr": math.inf, "psnr_y": math.inf}, 0.1, 0.1)
    assert json.loads(tables.to_json([row]))["means"][0]["psnr"] is None
    assert b",inf,inf," in tables.to_csv([row])
    assert tables.markdown(tables.means([row])).count(" inf |") == 2


# --- BD-rate --------------------------------------------------------------------------------------------------------


def curve(image: str, codec: str, kind: int, bpps: tuple[float, ...], psnrs: tuple[float, ...]) -> list[Row]:
    points = enumerate(zip(bpps, psnrs, strict=True))
    return [Row(image, codec, q, 1, kind, 1, bpp, {"psnr": psnr}) for q, (bpp, psnr) in points]


def test_bd_rate_is_the_mean_over_pictures() -> None:
    psnrs = (30.0, 33.0, 36.0)
    rows = [
        *curve("a", "vvc", 1, (0.09, 0.18, 0.36), psnrs),
        *curve("a", "vvc", 0, (0.1, 0.2, 0.4), psnrs),
        *curve("b", "vvc", 1, (0.8, 1.6, 3.2), psnrs),
        *curve("b", "vvc", 0, (1.0, 2.0, 4.0), psnrs),
        *curve("b", "jpeg", 0, (2.0,), (30.0,)),
    ]
    anchor, other = bd_rates(rows)
    assert (anchor.codec, anchor.type) == ("vvc", 0), "type 0, though not the first"
    assert anchor.bd_rate == pytest.approx(0)
    assert (other.type, other.images, other.failures) == (1, 2, 0)
    assert other.bd_rate == pytest.approx(-15), "not weighted by rate, which would give -19; and jpeg has no curve"


@pytest.mark.parametrize("psnrs", [(40.0, 44.0), (33.0, 30.0), (30.0, math.inf)])
def test_a_picture_without_bd_rate_is_a_failure(psnrs: tuple[float, float]) -> None:
    rows = curve("a", "jpeg", 0, (0.1, 0.2), (30.0, 33.0)) + curve("a", "jpeg", 7, (0.1, 0.2), psnrs)
    _, other = bd_rates(rows)
    assert (other.bd_rate, other.images, other.failures) == (None, 0, 1)
    assert "7 (ar) |          - |      0 |        1 |" in tables.bd_markdown(bd_rates(rows))


def test_one_curve_has_nothing_to_be_compared_with() -> None:
    assert bd_rates(curve("a", "jpeg", 0, (0.1, 0.2), (30.0, 33.0))) == []


# --- PSNR -----------------------------------------------------------------------------------------------------------


def test_psnr_by_hand() -> None:
    zero = np.zeros((4, 4), np.uint8)
    assert psnr(zero, zero + 1) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(zero, zero + 255) == pytest.approx(0)
    assert psnr(zero, zero) == math.inf
    assert psnr(zero + 1, zero) == psnr(zero, zero + 1), "no wrap-around of unsigned levels"
    with pytest.raises(ValueError, match="different shapes"):
        psnr(zero, zero[:2])


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((0, 0, 0), 16),
        ((255, 255, 255), 235),
        ((255, 0, 0), 81),
        ((0, 255, 0), 145),
        ((0, 0, 255), 41),
        ((128, 128, 128), 126),
    ],
)
def test_luma_is_matlabs(colour: tuple[int, int, int], expected: int) -> None:
    assert luma(Image.new("RGB", (1, 1), colour))[0, 0] == expected


def test_gray_pictures_are_luma_already() -> None:
    picture = gray(*SIZE)
    assert np.array_equal(luma(picture), np.asarray(picture))
    darker = picture.point(lambda level: max(0, level - 3))
    assert psnr_rgb(picture, darker) == pytest.approx(psnr_luma(picture, darker))
