"""Tables of an evaluation: means, BD-rates and files; and PSNR by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from cli_helpers import SIZE
from helpers import gray
from PIL import Image

from lbic.evaluate import tables
from lbic.evaluate.bdrates import bd_rates
from lbic.evaluate.runner import Row
from lbic.metrics.psnr import luma, psnr, psnr_luma, psnr_rgb


def test_infinity_is_null_in_json_and_inf_elsewhere() -> None:
    row = Row("a.png", "jpeg", 95, 1, 0, bytes=10, bpp=0.1, metrics={"psnr": math.inf, "psnr_y": math.inf})
    assert json.loads(tables.to_json([row], []))["means"][0]["psnr"] is None
    assert b",inf,inf," in tables.to_csv([row])
    assert tables.markdown(tables.means([row])).count(" inf |") == 2


def test_json_has_the_bd_rates() -> None:
    curves = [
        Row(f"{name}/a.png", "jpeg", q, 1, kind, bytes=1, bpp=q / 10 - kind / 100, metrics={"psnr": 30.0 + q})
        for name in "xy"
        for kind in (0, 7)
        for q in (1, 2, 3, 4)
    ]
    content = json.loads(tables.to_json(curves, bd_rates(curves)))
    assert {one["image"] for one in content["rows"]} == {"x/a.png", "y/a.png"}
    assert [one["images"] for one in content["bd_rate"]] == [2, 2]


# --- BD-rate -------------------------------------------------------------------------------------


def curve(image: str, codec: str, kind: int, bpps: tuple[float, ...], psnrs: tuple[float, ...]) -> list[Row]:
    points = enumerate(zip(bpps, psnrs, strict=True))
    return [Row(image, codec, q, 1, kind, bytes=1, bpp=bpp, metrics={"psnr": psnr}) for q, (bpp, psnr) in points]


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


def test_one_curve_has_no_bd_rate() -> None:
    assert bd_rates(curve("a", "jpeg", 0, (0.1, 0.2), (30.0, 33.0))) == []


# --- PSNR ----------------------------------------------------------------------------------------


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
