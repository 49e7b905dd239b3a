"""Rate-distortion plots, and reference curves in them."""

from __future__ import annotations

import math
import re

import pytest

from lbic.evaluate import curves, plots
from lbic.evaluate.curves import Reference
from lbic.evaluate.runner import Row
from lbic.evaluate.tables import Mean, means

REFERENCE = Reference("Ours & theirs (They 2022)", "their page", [(0.2, 31.0), (9.0, 50.0)])


def measured() -> list[Mean]:
    points = {("vvc", 1.0, 0): [(0.4, 34.0), (0.1, 30.0)], ("jpeg", 2.0, 7): [(0.3, 29.0), (0.5, math.inf)]}
    return means(
        [
            Row("a", codec, q, scale, kind, bpp=bpp, metrics={"psnr": psnr, "lpips": None})
            for (codec, scale, kind), curve in points.items()
            for q, (bpp, psnr) in enumerate(curve)
        ]
    )


def test_curves_are_sorted_and_have_no_infinite_values() -> None:
    assert curves.measured(measured(), "psnr") == {
        "vvc": [(0.1, 30.0), (0.4, 34.0)],
        "jpeg, scale 2, type 7 (ar)": [(0.3, 29.0)],
    }
    assert curves.measured(measured(), "lpips") == {}


def test_plots_are_reproducible_files() -> None:
    pytest.importorskip("matplotlib")
    first, second = (dict(plots.draw(measured(), ["psnr", "lpips"])) for _ in range(2))
    assert list(first) == plots.names(["psnr", "lpips"]) == ["psnr.svg", "psnr.png", "lpips.svg", "lpips.png"]
    assert first == second, "no date, no random identifiers"
    assert first["psnr.png"].startswith(b"\x89PNG")
    assert {"PSNR", "bits per pixel", "vvc", "jpeg, scale 2, type 7 (ar)"} <= texts(first["psnr.svg"])
    assert "stroke-dasharray" not in first["psnr.svg"].decode()


def test_reference_curves_are_dashed_and_have_a_source() -> None:
    pytest.importorskip("matplotlib")
    ours = curves.measured(measured(), "psnr")
    svg = dict(plots.draw_curves("psnr", "PSNR", ours, [REFERENCE]))["psnr.svg"]
    assert {"vvc", "their page"} <= texts(svg)
    assert [text for text in texts(svg) if text.endswith("(They 2022)")], "in the legend"
    assert "stroke-dasharray" in svg.decode()
    far = Reference("Far", "far away", [(9.0, 50.0)])
    assert "far away" not in texts(dict(plots.draw_curves("psnr", "PSNR", ours, [far]))["psnr.svg"])


def texts(svg: bytes) -> set[str]:
    """The words of a plot, which matplotlib writes into comments beside their outlines."""
    return set(re.findall("<!-- (.*?) -->", svg.decode()))
