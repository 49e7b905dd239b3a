"""A request to compress: values are checked and resolved once, before any picture is read."""

from __future__ import annotations

import pickle

import pytest
from helpers import gray

from lbic import pipeline
from lbic.api import make_request
from lbic.enhance.types import TYPES
from lbic.errors import QualityAndTargetError, UsageError
from lbic.picture.load import from_pillow
from lbic.pipeline import CompressSettings
from lbic.rate.request import CompressRequest
from lbic.rate.target import SCALES


def test_scales_are_one_or_those_to_choose_from() -> None:
    assert CompressRequest().scales == (16,)
    assert CompressRequest(scale=24).scales == (24,)
    assert CompressRequest(target=("size", 900)).scales == SCALES
    assert CompressRequest(target=("psnr", 30), scale=24).scales == (24,)


def test_settings_are_those_of_the_request() -> None:
    request = CompressRequest("jpeg", 30, None, 24, 4, TYPES[7], None, frozenset({"exif"}))
    assert request.settings == CompressSettings("jpeg", 30, 24, 4, TYPES[7], frozenset({"exif"}))
    picture = from_pillow(gray(20, 12))
    assert request.compress(picture) == pipeline.compress(picture, request.settings)
    assert pickle.loads(pickle.dumps(request)) == request


def test_the_words_of_the_api_make_the_same_request() -> None:
    request = make_request(codec="jpeg", target_bpp=0.5, scale=1.5, type="ar", keep=frozenset({"icc"}))
    assert request == CompressRequest("jpeg", None, ("bpp", 0.5), 24, type=TYPES[7], keep=frozenset({"icc"}))
    assert make_request(goal="perceptual").settings.type == "auto"


def test_a_goal_needs_something_to_choose() -> None:
    assert CompressRequest(goal="perceptual").settings.type == "auto"
    assert CompressRequest(type="auto").settings.goal == "fidelity"
    assert CompressRequest(goal="perceptual", type=TYPES[1], target=("bpp", 1)).settings.type is TYPES[1]
    assert CompressRequest(goal="perceptual", type=TYPES[1]).settings.goal == "perceptual", "the encoder's mode"
    with pytest.raises(UsageError, match=r"goal perceptual has nothing to choose with type 1 \(nr\)"):
        CompressRequest("jpeg", goal="perceptual", type=TYPES[1])
    for target, scale in ((None, None), (("psnr", 30.0), None), (("bpp", 1.0), 16)):
        with pytest.raises(UsageError, match=r"goal fidelity has nothing to choose with type 1 \(nr\)"):
            CompressRequest(goal="fidelity", type=TYPES[1], target=target, scale=scale)


def test_a_target_finds_the_quality() -> None:
    with pytest.raises(QualityAndTargetError, match="target size finds the quality; quality 30 is given too"):
        CompressRequest("jpeg", 30, ("size", 900))


@pytest.mark.parametrize(
    ("request_of", "because"),
    [
        (lambda: CompressRequest("gif"), "unknown codec 'gif'"),
        (lambda: CompressRequest("jpeg", 96), r"quality 96 is not in jpeg's range"),
        (lambda: CompressRequest(effort=5), r"effort 5 is not in 0\.\.4"),
        (lambda: CompressRequest(keep=frozenset({"gps"})), "cannot keep gps"),
        (lambda: CompressRequest(target=("size", 0)), "target size 0 is not above 0"),
        (lambda: CompressRequest(target=("sise", 9)), "unknown target 'sise'"),
    ],
)
def test_values_out_of_range_are_refused_at_once(request_of: type[CompressRequest], because: str) -> None:
    with pytest.raises(UsageError, match=because):
        request_of()
