"""What an evaluation codes: codings by name, alpha and gray, efforts."""

from __future__ import annotations

import io

import pytest
from cli_helpers import SIZE
from helpers import gray, photo, ramp
from PIL import Image

from lbic import pipeline
from lbic.coding import SCALE_ONE
from lbic.enhance.types import NONE
from lbic.errors import UsageError
from lbic.evaluate import plan, runner
from lbic.evaluate.plan import Plan, PlannedCoding
from lbic.picture.load import with_alpha
from lbic.pipeline import CompressSettings


def test_alpha_and_gray_are_measured_without_alpha() -> None:
    plain_jpeg = Plan((PlannedCoding("jpeg", 80),))
    for picture in (photo(*SIZE), gray(*SIZE)):
        plain, with_plane = (
            runner.evaluate("a", saved(image), plain_jpeg)[0] for image in (picture, with_alpha(picture, ramp(*SIZE)))
        )
        assert (plain.bytes, plain.metrics) == (with_plane.bytes, with_plane.metrics)


def saved(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vvc:37", [PlannedCoding("vvc", 37)]),
        ("jpeg:10,20", [PlannedCoding("jpeg", 10), PlannedCoding("jpeg", 20)]),
        ("jpeg", [PlannedCoding("jpeg", 20)]),
        ("file:jpeg:10,20", [PlannedCoding("file:jpeg", 10), PlannedCoding("file:jpeg", 20)]),
        ("file:hevc", [PlannedCoding("file:hevc", 37)]),
        ("vvc@4:30,37", [PlannedCoding("vvc", 30, effort=4), PlannedCoding("vvc", 37, effort=4)]),
        ("vvc@perceptual:30", [PlannedCoding("vvc", 30, goal="perceptual")]),
        ("vvc@4,perceptual", [PlannedCoding("vvc", 37, effort=4, goal="perceptual")]),
        ("file:vvc@0", [PlannedCoding("file:vvc", 37, effort=0)]),
    ],
)
def test_codings_are_parsed(text: str, expected: list[PlannedCoding]) -> None:
    assert plan.parse_codings(text) == expected


@pytest.mark.parametrize("text", ["vvc@5:37", "vvc@:37", "vvc@-1", "vvc@fast:37"])
def test_invalid_efforts(text: str) -> None:
    with pytest.raises(UsageError, match=r"the effort after @ is 0\.\.4, as in vvc@4:37"):
        plan.parse_codings(text)


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("jpeg@perceptual:20", "jpeg has no perceptual mode"),
        ("file:vvc@perceptual", "file:vvc has no perceptual mode"),
        ("vvc@1,2:37", "a coding has one effort"),
    ],
)
def test_invalid_modes(text: str, because: str) -> None:
    with pytest.raises(UsageError, match=because):
        plan.parse_codings(text)


def test_a_coding_with_an_effort_of_its_own(needs_vvc: None) -> None:
    """The coding uses its own effort, and rows name it."""
    evaluation = Plan(plan.codings(["vvc:37", "vvc@0:37", "vvc@1:37"], [SCALE_ONE]), effort=0)
    rows = runner.evaluate("a.png", saved(photo(96, 80)), evaluation)
    assert [row.codec for row in rows] == ["vvc", "vvc@0", "vvc@1"]
    assert all(row.error is None for row in rows)
    assert rows[0].bytes == rows[1].bytes != rows[2].bytes


def test_a_coding_in_the_perceptual_mode(needs_vvc: None) -> None:
    evaluation = Plan(plan.codings(["vvc@0:37", "vvc@0,perceptual:37"], [SCALE_ONE]))
    rows = runner.evaluate("a.png", saved(photo(96, 80)), evaluation)
    assert [row.codec for row in rows] == ["vvc@0", "vvc@0,perceptual"]
    settings = CompressSettings("vvc", 37, effort=0, type=NONE, goal="perceptual")
    assert rows[1].bytes == len(pipeline.compress(photo(96, 80), settings).data)
    assert rows[0].metrics != rows[1].metrics
