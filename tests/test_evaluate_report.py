"""Presets of evaluate, their reports, and metrics at equal rates."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import lbic, names, save
from conftest import WriteCatalog
from helpers import gray, photo
from PIL import Image
from toys import identity, spec

from lbic.enhance import types
from lbic.errors import ExitCode
from lbic.evaluate import cache, curves, plan, presets, report, table1, table1_report
from lbic.evaluate.anchors import Anchor
from lbic.evaluate.presets import PRESETS, Preset
from lbic.evaluate.runner import Row
from lbic.evaluate.table1 import Point, Way
from lbic.evaluate.tables import means
from lbic.metrics import table
from lbic.metrics.psnr import psnr_luma

TOY = Preset("toy", "A toy", "any pictures", "What it shows.", ("jpeg:10,50", "file:jpeg:10,50"), anchors="kodak")


@pytest.fixture(autouse=True)
def _kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "default_folder", lambda: tmp_path / "cache")


def test_at_a_rate_between_two_points_the_metric_follows_the_logarithm_of_the_rate() -> None:
    curve = [(0.1, 30.0), (0.4, 34.0)]
    assert curves.at_rate(curve, 0.2) == pytest.approx(32)
    assert [curves.at_rate(curve, rate) for rate in (0.1, 0.4)] == pytest.approx([30, 34])


@pytest.mark.parametrize("rate", [0.09, 0.41])
def test_there_is_nothing_beyond_the_ends_of_a_curve(rate: float) -> None:
    assert curves.at_rate([(0.1, 30.0), (0.4, 34.0)], rate) is None
    assert curves.at_rate([(rate, 30.0)], rate) is None


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
    assert [line[6] for line in lpips] == ["**0.2000**", "**0.2000**"], "what looks equal shares the first place"
    assert "![PSNR](psnr.svg)" in page and "lbic evaluate DIR --preset peers --report OUT" in page


@pytest.mark.parametrize("preset", [preset for preset in PRESETS.values() if preset.codecs], ids=lambda one: one.name)
def test_presets_are_plans(preset: Preset) -> None:
    assert plan.codings((*preset.codecs, *preset.optional), [16])
    assert all(types.parse(word) for word in preset.types.split(","))
    assert set(preset.metrics.split(",")) <= set(table.METRICS)


@pytest.mark.usefixtures("no_gpu", "write_models")
def test_a_preset_writes_its_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    lbic("evaluate", "-h")  # loads the command: its help is not to know of the toy
    monkeypatch.setitem(presets.PRESETS, "types", TOY)
    save(tmp_path / "pictures" / "a.png", photo(64, 64))
    command = ("evaluate", tmp_path / "pictures", "--preset", "types", "--report", tmp_path / "report")
    lbic(*command)
    drawn = {f"{metric}.{suffix}" for metric in ("psnr", "psnr_y") for suffix in ("svg", "png")}
    assert names(tmp_path / "report") == {"README.md", "rows.json", *drawn}
    page = (tmp_path / "report" / "README.md").read_text()
    assert page.startswith("# A toy\n\nWhat it shows.\n")
    assert "ELIC (He et al. 2022)" in (tmp_path / "report" / "psnr.svg").read_text()
    rows = json.loads((tmp_path / "report" / "rows.json").read_text())["rows"]
    assert [row["image"] for row in rows] == ["a.png"] * 4
    assert str(tmp_path) not in page + json.dumps(rows)
    assert "README.md exists; use -f" in lbic(*command, code=ExitCode.FAILED).stderr


@pytest.mark.usefixtures("no_gpu", "write_models")
def test_a_presets_optional_codecs_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LBIC_VTM_DIR", raising=False)
    lbic("evaluate", "-h")
    monkeypatch.setitem(presets.PRESETS, "types", replace(TOY, optional=("file:vtm:37", "file:webp:40")))
    save(tmp_path / "pictures" / "a.png", photo(64, 64))
    result = lbic("evaluate", tmp_path / "pictures", "--preset", "types")
    assert "file:webp" in result.stdout
    assert "file:vtm" not in result.stdout
    assert "note: file:vtm left out: " in result.stderr


@pytest.fixture
def seven(tmp_path: Path, write_models: WriteCatalog) -> Path:
    """Stand-ins for Table I's pictures, and networks of types 5 to 7 that brighten."""
    brighter = identity(1, 1.01)
    write_models([(spec(f"toy-{role}", brighter, role), brighter) for role in ("sr", "sr-ar", "ar", "nr")])
    for seed, name in enumerate(table1.PICTURES):
        save(tmp_path / "seven" / f"{name}.png", photo(96, 96, seed=seed))
    return tmp_path / "seven"


WAYS = (Way("jpeg", 32, types.parse("sr")), table1.ARCNN_FIRST)


@pytest.mark.usefixtures("no_gpu")
def test_table_one(seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("lbic.cli.table1.WAYS", (Way("jpeg", 32, types.parse("sr+ar")), *WAYS))
    monkeypatch.setattr(table1_report, "process_seconds", lambda _: (0.25, 0.5))
    monkeypatch.setattr(table1, "RATES", (0.5, 0.6, 0.7, 0.8, 0.9))
    result = lbic("evaluate", seven, "--preset", "table1", "--report", tmp_path / "report")
    lines = [line for line in result.stdout.splitlines() if line.startswith("|")]
    titles = [line.strip("|").split("|")[0].strip() for line in lines]
    assert titles[2:7] == [
        "paper, JPEG",
        "paper, proposed",
        "jpeg, scale 2, type 6 (sr+ar)",
        "jpeg, scale 2, type 5 (sr)",
        str(table1.ARCNN_FIRST),
    ]
    assert names(tmp_path / "report") == set(table1_report.names())
    content = json.loads((tmp_path / "report" / "rows.json").read_text())
    assert len(content["rows"]) == 3 * 7 * 5
    assert content["seconds"] == {"compress": 0.25, "decompress": 0.5}
    assert "0.25 s to compress, 0.50 s to decompress" in (tmp_path / "report" / "README.md").read_text()
    (seven / "bird.png").write_bytes(b"damaged")
    result = lbic("evaluate", seven, "--preset", "table1", code=ExitCode.FAILED)
    assert "bird.png: " in result.stderr and not result.stdout, "means over six are another table"


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
