"""Pages of the benchmarks: evaluations of Kodak, published curves, and Table I."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import names, save
from conftest import WriteCatalog
from helpers import gray, photo
from PIL import Image
from toys import identity, spec

pytest.importorskip("benchmarks", reason="a source distribution has no benchmarks")

from benchmarks import __main__ as benchmarks
from benchmarks import anchors, evaluations, report, table1, table1_report
from benchmarks.anchors import Anchor
from benchmarks.presets import PRESETS, Preset
from benchmarks.table1 import Point, Way
from lbic.enhance import types
from lbic.errors import LbicError, MissingError, UsageError
from lbic.evaluate import cache, plan, plots
from lbic.evaluate.runner import Row
from lbic.evaluate.tables import means
from lbic.metrics import table
from lbic.metrics.psnr import psnr_luma
from lbic.metrics.table import METRICS

TOY = Preset(
    "toy", "A toy", "any pictures", "What it shows.", codecs=("jpeg:10,50", "file:jpeg:10,50"), anchors="kodak"
)


@pytest.fixture(autouse=True)
def _kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "default_folder", lambda: tmp_path / "cache")


def test_a_value_is_interpolated_over_the_logarithm_of_the_rate() -> None:
    curve = [(0.1, 30.0), (0.4, 34.0)]
    assert report.at_rate(curve, 0.2) == pytest.approx(32)
    assert [report.at_rate(curve, rate) for rate in (0.1, 0.4)] == pytest.approx([30, 34])


@pytest.mark.parametrize("rate", [0.09, 0.41])
def test_a_curve_has_no_values_beyond_its_ends(rate: float) -> None:
    assert report.at_rate([(0.1, 30.0), (0.4, 34.0)], rate) is None
    assert report.at_rate([(rate, 30.0)], rate) is None


def test_the_page_marks_the_best_of_every_rate() -> None:
    points = {"vvc": [(0.1, 30.0, 0.3), (0.4, 34.0, 0.2)], "jpeg": [(0.1, 26.0, 0.25), (0.4, 30.0, 0.2)]}
    rows = [
        Row("a", codec, q, 1.0, 0, bpp=bpp, metrics={"psnr": psnr, "lpips": lpips})
        for codec, curve in points.items()
        for q, (bpp, psnr, lpips) in enumerate(curve)
    ]
    anchor = Anchor("Far", "They", "there", "MIT", ({"bpp": 0.1, "psnr": 31.0}, {"bpp": 0.2, "psnr": 31.5}))
    page = report.page(PRESETS["peers"], means(rows), [], [anchor], ["psnr.svg", "psnr.png", "lpips.svg", "lpips.png"])
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if "|" in line]
    at = {line[0]: line[1:] for line in lines[:5]}
    assert at["PSNR, mean"][1:3] == ["0.10 bpp", "0.15 bpp"]
    assert at["vvc"][:4] == ["-", "30.00", "31.17", "**32.00**"]
    assert at["jpeg"][:2] == ["-", "26.00"]
    assert at["Far (They), published"][:4] == ["-", "**31.00**", "**31.29**", "31.50"]
    lpips = [line for line in lines if line[0] in ("vvc", "jpeg")][2:4]
    assert [line[2] for line in lpips] == ["0.3000", "**0.2500**"], "lower is better"
    assert [line[6] for line in lpips] == ["**0.2000**", "**0.2000**"], "equal text shares the first place"
    assert "![PSNR](psnr.svg)" in page and "    python -m benchmarks peers --pictures DIR --out OUT" in page


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda one: one.name)
def test_presets_are_plans(preset: Preset) -> None:
    assert plan.codings((*preset.codecs, *preset.optional), [16])
    assert all(types.parse(word) for word in preset.types.split(","))
    assert set(preset.metrics.split(",")) <= set(table.METRICS)


@pytest.mark.usefixtures("no_gpu", "write_models")
def test_an_evaluation_writes_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    save(tmp_path / "pictures" / "a.png", photo(64, 64))
    evaluations.write(TOY, tmp_path / "pictures", tmp_path / "page")
    drawn = {f"{metric}.{suffix}" for metric in ("psnr", "psnr_y") for suffix in ("svg", "png")}
    assert names(tmp_path / "page") == {"README.md", "rows.json", *drawn}
    page = (tmp_path / "page" / "README.md").read_text()
    assert page.startswith("# A toy\n\nWhat it shows.\n")
    assert "ELIC (He et al. 2022)" in (tmp_path / "page" / "psnr.svg").read_text()
    rows = json.loads((tmp_path / "page" / "rows.json").read_text())["rows"]
    assert [row["image"] for row in rows] == ["a.png"] * 4
    assert str(tmp_path) not in page + json.dumps(rows)
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    monkeypatch.setattr(evaluations, "measure", None)  # it must not be called
    with pytest.raises(MissingError, match="plots need matplotlib"):
        evaluations.write(TOY, tmp_path / "pictures", tmp_path / "page")


@pytest.mark.usefixtures("no_gpu", "write_models")
def test_optional_codecs_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.delenv("LBIC_VTM_DIR", raising=False)
    save(tmp_path / "pictures" / "a.png", photo(64, 64))
    preset = replace(TOY, optional=("file:vtm:37", "file:webp:40"))
    evaluations.write(preset, tmp_path / "pictures", tmp_path / "page")
    page = (tmp_path / "page" / "README.md").read_text()
    assert "file:webp" in page
    assert "file:vtm" not in page
    assert "file:vtm left out: " in capsys.readouterr().err
    with pytest.raises(MissingError):
        evaluations.write(replace(TOY, codecs=("file:vtm:37",)), tmp_path / "pictures", tmp_path / "page")


@pytest.mark.usefixtures("no_gpu", "write_models")
def test_a_coding_that_fails_ends_the_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("lbic.pipeline.decompress", raise_usage_error)
    save(tmp_path / "pictures" / "a.png", photo(64, 64))
    with pytest.raises(LbicError, match=r"^a\.png: jpeg at quality 10, type 0: no$"):
        evaluations.write(TOY, tmp_path / "pictures", tmp_path / "page")
    assert not (tmp_path / "page").exists()


def raise_usage_error(*_: object) -> None:
    raise UsageError("no")


def test_published_figures() -> None:
    (name, kodak), *others = anchors.sets().items()
    assert name == "kodak" and not others
    for anchor in kodak:
        assert anchor.source and anchor.by and ("BSD-3-Clause-Clear" in anchor.licence or "MIT" in anchor.licence)
        rates = [point["bpp"] for point in anchor.points]
        assert rates == sorted(rates)
        for metric, rises in (("psnr", True), ("lpips", False)):
            values = [point[metric] for point in anchor.points if metric in point]
            assert values == sorted(values, reverse=not rises)
        assert {key for point in anchor.points for key in point} <= {"bpp", *METRICS}
    by_name = {anchor.name: anchor for anchor in kodak}
    assert by_name["VTM 9.1"].points[1]["psnr"] == pytest.approx(28.49, abs=0.005)
    assert by_name["MS-ILLM"].points[2] == pytest.approx({"bpp": 0.153, "psnr": 27.53, "lpips": 0.073}, abs=0.005)


def test_a_published_curve_has_the_points_of_its_metric() -> None:
    anchor = Anchor("X", "They 2022", "there", "MIT", ({"bpp": 0.4, "psnr": 33.0}, {"bpp": 0.2, "psnr": 31.0}))
    (curve,) = anchors.references([anchor], "psnr")
    assert (curve.title, curve.source, curve.curve) == ("X (They 2022)", "there", [(0.2, 31.0), (0.4, 33.0)])
    assert anchors.references([anchor], "lpips") == []


@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (["table1", "--pictures", "x"], "--out DIR takes one page, and a page needs it"),
        (["table1", "types", "--pictures", "x", "--out", "y"], "--out DIR takes one page"),
        (["arcnn", "--pictures", "x", "--out", "y"], "--out DIR takes one page"),
        (["table1", "--out", "y"], "--pictures DIR is missing"),
        (["arcnn", "load"], "--pictures DIR is missing"),
        (["arcnn", "--pictures", "x", "--count", "3"], "--count is for hgrdn and load"),
        (["blend", "--pictures", "x"], "invalid choice: 'blend'"),
    ],
)
def test_usage(arguments: list[str], because: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        benchmarks.main(arguments)
    assert exit.value.code == 2
    assert because in capsys.readouterr().err


def test_a_section_is_written_between_its_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "benchmark.md"
    document.write_text("before\n<!-- load -->\nold\n<!-- /load -->\nafter\n")
    monkeypatch.setattr(benchmarks, "DOCUMENT", document)
    monkeypatch.setitem(benchmarks.SECTIONS, "load", lambda _: "new")
    benchmarks.main(["load"])
    first, *_, last = document.read_text().splitlines()
    assert (first, last) == ("before", "after")
    assert document.read_text() == f"before\n<!-- load -->\nnew\n\n{report.environment()}\n<!-- /load -->\nafter\n"
    monkeypatch.setitem(benchmarks.SECTIONS, "arcnn", lambda _: "new")
    with pytest.raises(SystemExit, match="0 sections named arcnn"):
        benchmarks.main(["arcnn", "--pictures", str(tmp_path)])


@pytest.fixture
def seven(tmp_path: Path, write_models: WriteCatalog) -> Path:
    """Substitutes for Table I's pictures, and networks of types 5 to 7 that brighten."""
    brighter = identity(1, 1.01)
    write_models([(spec(f"toy-{role}", brighter, role), brighter) for role in ("sr", "sr-ar", "ar", "nr")])
    for seed, name in enumerate(table1.PICTURES):
        save(tmp_path / "seven" / f"{name}.png", photo(96, 96, seed=seed))
    return tmp_path / "seven"


WAYS = (Way("jpeg", 32, types.parse("sr")), table1.ARCNN_FIRST)


@pytest.mark.usefixtures("no_gpu")
def test_table_one(
    seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(table1_report, "WAYS", (Way("jpeg", 32, types.parse("sr+ar")), *WAYS))
    monkeypatch.setattr(table1_report, "process_seconds", lambda _: (0.25, 0.5))
    monkeypatch.setattr(table1, "RATES", (0.5, 0.6, 0.7, 0.8, 0.9))
    command = ["table1", "--pictures", str(seven), "--out", str(tmp_path / "page")]
    benchmarks.main(command)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    titles = [line.strip("|").split("|")[0].strip() for line in lines]
    assert titles[2:7] == [
        "paper, JPEG",
        "paper, proposed",
        "jpeg, scale 2, type 6 (sr+ar)",
        "jpeg, scale 2, type 5 (sr)",
        str(table1.ARCNN_FIRST),
    ]
    assert names(tmp_path / "page") == {
        "README.md",
        "rows.json",
        *(f"figure{number}.{suffix}" for number in (3, 5) for suffix in ("svg", "png")),
    }
    content = json.loads((tmp_path / "page" / "rows.json").read_text())
    assert len(content["rows"]) == 3 * 7 * 5
    assert content["seconds"] == {"compress": 0.25, "decompress": 0.5}
    assert "0.25 s to compress, 0.50 s to decompress" in (tmp_path / "page" / "README.md").read_text()
    (seven / "bird.png").write_bytes(b"damaged")
    with pytest.raises(SystemExit, match=r"table1: bird\.png: "):
        benchmarks.main(command)
    assert not capsys.readouterr().out, "means over six are another table"
    (seven / "bird.png").unlink()
    with pytest.raises(SystemExit, match=r"has no picture named bird"):
        benchmarks.main(command)


@pytest.mark.usefixtures("no_gpu")
def test_arcnn_before_the_enlargement_sees_the_small_picture(seven: Path) -> None:
    from lbic import pipeline

    data = pipeline.compress(gray(96, 80), pipeline.CompressSettings("jpeg", 50, 32)).data
    plain, after, before = (
        table1.restore(data, way) for way in (Way("jpeg", 32, types.NONE), WAYS[0], table1.ARCNN_FIRST)
    )
    levels = [float(np.asarray(image).mean()) for image in (plain, after, before)]
    assert levels[1] / levels[0] == pytest.approx(1.01, abs=0.004)
    assert levels[2] / levels[0] == pytest.approx(1.01**2, abs=0.004)


def test_the_best_way_of_each_picture() -> None:
    none, low, high = None, Point(1, 2), Point(2, 3)
    assert table1.best_of([[[none, low]], [[high, high]], [[none, none]]]) == [[high, high]]
    assert table1.best_of([[[none]], [[none]]]) == [[None]]
    both = dict(table1.rows({WAYS[0]: [[low] * 5], table1.ARCNN_FIRST: [[high] * 5]}))
    assert both["jpeg, best way for each picture"][0] == low.enhanced, "no .lbic file has ARCNN first"
    assert dict(table1.rows({WAYS[0]: [[low] * 5]}))["paper, proposed"][0] == 26.84


def test_the_papers_jpeg_row_counts_whole_files_with_standard_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table1, "RATES", (0.01, 2.0))
    picture = gray(96, 80)
    out = io.BytesIO()
    picture.save(out, "PNG")
    ((beyond, point),) = table1.measure(out.getvalue(), (table1.JPEG,)).values()
    assert beyond is None and point is not None
    around = []
    for quality in range(1, 96):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        with Image.open(file) as decoded:
            around.append((8 * len(file.getvalue()) / (96 * 80), psnr_luma(picture, decoded)))
    below = max(index for index, (bpp, _) in enumerate(around) if bpp <= 2)
    assert around[below][1] <= point.plain == point.enhanced <= around[below + 1][1]


def test_seconds_are_of_whole_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table1_report, "_REPEATS", 1)
    compress, decompress = table1_report.process_seconds(save(tmp_path / "a.png", gray(300, 350)))
    assert compress > 0 and decompress > 0


def test_prose_of_a_page_is_wrapped_and_its_tables_are_not() -> None:
    row = f"| {'cell ' * 30} |"
    text = report.wrapped(f"{'word ' * 30}\n\n{row}\nshort")
    assert row in text.split("\n") and "short" in text.split("\n")
    assert max(len(line) for line in text.split("\n") if line != row) < 100
    assert text.replace(row, "").split() == ["word"] * 30 + ["short"]
