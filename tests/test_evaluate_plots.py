"""Rate-distortion plots and the published curves in them."""

from __future__ import annotations

import math
import re

import pytest

from lbic.evaluate import anchors, curves, plots
from lbic.evaluate.anchors import Anchor
from lbic.evaluate.runner import Row
from lbic.evaluate.tables import Mean, means
from lbic.metrics.table import METRICS

ANCHOR = Anchor(
    "Ours & theirs", "They 2022", "their page", "MIT", ({"bpp": 0.2, "psnr": 31.0}, {"bpp": 9, "psnr": 50.0})
)


def measured() -> list[Mean]:
    points = {("vvc", 1.0, 0): [(0.4, 34.0), (0.1, 30.0)], ("jpeg", 2.0, 7): [(0.3, 29.0), (0.5, math.inf)]}
    return means(
        [
            Row("a", codec, q, scale, kind, bpp=bpp, metrics={"psnr": psnr, "lpips": None})
            for (codec, scale, kind), curve in points.items()
            for q, (bpp, psnr) in enumerate(curve)
        ]
    )


def test_curves_rise_and_leave_out_what_has_no_place() -> None:
    assert curves.measured(measured(), "psnr") == {
        "vvc": [(0.1, 30.0), (0.4, 34.0)],
        "jpeg, scale 2, type 7 (ar)": [(0.3, 29.0)],
    }
    assert curves.measured(measured(), "lpips") == {}


def test_the_files() -> None:
    pytest.importorskip("matplotlib")
    first, second = (dict(plots.draw(measured(), ["psnr", "lpips"], [ANCHOR])) for _ in range(2))
    assert list(first) == plots.names(["psnr", "lpips"]) == ["psnr.svg", "psnr.png", "lpips.svg", "lpips.png"]
    assert first == second, "no date, no random identifiers"
    assert first["psnr.png"].startswith(b"\x89PNG")
    svg = first["psnr.svg"].decode()
    said = re.findall("<!-- (.*?) -->", svg)
    assert {"PSNR", "bits per pixel", "vvc", "jpeg, scale 2, type 7 (ar)", "their page"} <= set(said)
    assert [text for text in said if text.endswith("(They 2022)")], "in the legend"
    assert "stroke-dasharray" in svg
    assert "their page" not in first["lpips.svg"].decode(), "it says nothing of that metric"


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
