"""Targets: the search, the sizes and PSNRs reached, the scale chosen, targets out of reach."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import WriteCatalog
from helpers import gray, noise, photo
from PIL import Image
from toys import identity, spec

from lbic import pipeline
from lbic.codecs.jpeg import JpegCodec
from lbic.enhance.choice import AUTO, Auto
from lbic.enhance.types import parse
from lbic.errors import CodecError, TargetError, TooLargeError, UsageError
from lbic.metrics.psnr import psnr_rgb
from lbic.picture.load import Picture, from_pillow
from lbic.pipeline import Compressed, CompressSettings, decompress
from lbic.rate import target
from lbic.rate.guess import Guess
from lbic.rate.scores import SCORES
from lbic.rate.trials import Point, Target, Trials

pytestmark = pytest.mark.usefixtures("write_models", "no_gpu")  # no networks

JPEG = CompressSettings("jpeg")
PICTURE = from_pillow(photo(160, 120))


def one(wanted: Target, settings: CompressSettings = JPEG, picture: Picture = PICTURE) -> Compressed:
    return target.compress(picture, settings, wanted, (16,))


def psnr(least: float) -> Target:
    return Target.of("psnr", least, pixels=1)


def eye(least: float) -> Target:
    return Target.of("ssimulacra2", least, pixels=1)


def rank_of(trials: Trials, result: Compressed) -> int:
    return trials.qualities.index(result.header.quality)


@pytest.mark.parametrize("size", [600, 1000, 2500, 6000])
def test_one_quality_finer_would_exceed_the_size(codec: str, size: int) -> None:
    settings = CompressSettings(codec, effort=1)
    result = one(Target(size=size), settings)
    trials = Trials(PICTURE, settings)
    rank = rank_of(trials, result)
    assert trials.size(Point(rank)) <= len(result.data) <= size
    # Where there are steps, the last one of a quality may be as large as the next quality.
    assert size < trials.size(Point(rank + 1)) or len(result.data) > 0.97 * size
    assert len(result.data) in [trials.size(Point(rank, step)) for step in range(len(trials.lambda_scales))]


@pytest.mark.usefixtures("needs_vvc")
def test_steps_between_two_qualities_come_closer() -> None:
    settings = CompressSettings("vvc", effort=0)
    trials = Trials(PICTURE, settings)
    for size in (1300, 2100, 4000):
        result = one(Target(size=size), settings)
        assert 0.95 * size < len(result.data) <= size
    for wanted in (27.5, 31):
        reached = target.reach(PICTURE, settings, psnr(wanted), (16,))
        assert wanted <= reached.psnr < wanted + 0.25
        assert trials.size(Point(reached.point.rank)) <= len(reached.file.data)


def test_a_psnr_is_reached_and_one_quality_coarser_would_miss_it() -> None:
    result = one(psnr(30))
    trials = Trials(PICTURE, JPEG)
    rank = rank_of(trials, result)
    assert psnr_rgb(PICTURE.image, decompress(result.data).image) == pytest.approx(trials.score(Point(rank)))
    assert trials.score(Point(rank)) >= 30 > trials.score(Point(rank - 1))


@pytest.mark.parametrize("least", [20, 55, 80])
@pytest.mark.parametrize("picture", [PICTURE, from_pillow(gray(160, 120))])
def test_an_ssimulacra2_is_reached_and_one_quality_coarser_would_miss_it(least: float, picture: Picture) -> None:
    result = one(eye(least), picture=picture)
    measure = SCORES["ssimulacra2"].measure
    trials = Trials(picture, JPEG)
    rank = rank_of(trials, result)
    assert measure(picture.image, decompress(result.data).image) == pytest.approx(trials.score(Point(rank), measure))
    assert trials.score(Point(rank), measure) >= least > trials.score(Point(rank - 1), measure)


def test_an_ssimulacra2_that_is_impossible_is_said_with_what_is_possible() -> None:
    with pytest.raises(
        TargetError, match=r"no quality reaches SSIMULACRA2 99\.9; the highest is SSIMULACRA2 \d\d\.\d\d"
    ):
        one(eye(99.9))
    with pytest.raises(UsageError, match="target ssimulacra2 101 is above 100"):
        eye(101)
    with pytest.raises(TargetError, match="target ssimulacra2 needs sides of 8 pixels; the picture has 7x90"):
        one(eye(50), picture=from_pillow(photo(7, 90)))


def test_all_that_fits_is_the_finest_quality() -> None:
    assert Target.of("bpp", 1e308, 10_000) == Target.of("bpp", 1e300, 10_000)
    assert one(Target(size=10**9)).header.quality == 95
    assert one(psnr(0.1)).header.quality == 1


@pytest.mark.usefixtures("needs_vvc")
def test_a_quality_that_the_encoder_has_no_room_for_is_too_large() -> None:
    wild = from_pillow(noise(64, 64))
    result = one(Target(size=10**9), CompressSettings("vvc", effort=0), wild)
    assert result.header.quality > 0
    with pytest.raises(TargetError, match=r"the highest is 1\d\.\d\d dB"):
        one(psnr(99), CompressSettings("vvc", effort=0), wild)


@pytest.mark.parametrize("wanted", [psnr(25), Target(size=5000)])
def test_a_scale_at_which_the_codec_does_not_take_the_picture_is_left_out(wanted: Target) -> None:
    long = from_pillow(photo(65_510, 1))
    assert target.compress(long, JPEG, wanted, (16, 48)).header.scale == 48
    with pytest.raises(TooLargeError, match="65510x1: a JPEG's sides"):
        one(wanted, JPEG, long)


@pytest.mark.parametrize("wanted", [psnr(25), Target(size=5000)])
def test_an_encoder_that_fails_is_not_taken_for_a_large_file(wanted: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(picture: Picture, settings: CompressSettings) -> Compressed:
        raise CodecError("the encoder was killed")

    monkeypatch.setattr(pipeline, "compress", killed)
    with pytest.raises(CodecError, match="was killed"):
        one(wanted)


@pytest.mark.parametrize("make", [photo, gray])
def test_the_scale_with_a_high_psnr_is_chosen(make: Callable[[int, int], Image.Image]) -> None:
    # The picture is soft, so a small file is better spent on fewer pixels.
    image = make(60, 60).resize((240, 240), Image.Resampling.BICUBIC)
    picture = from_pillow(image)
    wanted = Target(size=700)
    alone = {scale: target.reach(picture, JPEG, wanted, (scale,)).psnr for scale in target.SCALES}
    result = target.compress(picture, JPEG, wanted, target.SCALES)
    assert result.header.scale != 16
    assert len(result.data) <= 700
    assert alone[result.header.scale] >= max(alone.values()) - 0.1


def test_the_scale_with_the_smallest_file_is_chosen_for_a_psnr() -> None:
    picture = from_pillow(photo(60, 60).resize((240, 240), Image.Resampling.BICUBIC))
    sizes = {scale: len(target.compress(picture, JPEG, psnr(31), (scale,)).data) for scale in (16, 32)}
    assert len(target.compress(picture, JPEG, psnr(31), (16, 32)).data) == min(sizes.values())


def test_what_is_impossible_is_said_with_what_is_possible() -> None:
    least = Trials(PICTURE, JPEG).size(Point(0))
    with pytest.raises(TargetError, match=f"as small as 30 B; the smallest is {least:,.0f} B"):
        one(Target(size=30))
    with pytest.raises(TargetError, match=r"no quality reaches 99 dB; the highest is \d\d\.\d\d dB"):
        one(psnr(99))
    refused: list[dict[str, Any]] = [{}, {"size": 3, "least": 3.0}]
    for fields in refused:
        with pytest.raises(UsageError, match="a target is a size or a score"):
            Target(**fields)


@pytest.fixture
def dotted(write_models: WriteCatalog) -> Picture:
    """Black dots on white, and a network for JPEG qualities to 40 that clips their ringing."""
    brighter = identity(3, 1.1)
    write_models([(spec("toy", brighter, "nr", channels=3, quality=(5, 40)), brighter)], [("jpeg", 16, 1)])
    black = np.random.default_rng(1).random((96, 96, 1)) < 0.05
    return from_pillow(Image.fromarray(np.where(black, np.uint8(0), np.uint8(255)).repeat(3, axis=2)))


@pytest.mark.parametrize("kind", [None, AUTO])
def test_where_training_ends_the_coarser_quality_may_be_better(dotted: Picture, kind: Auto | None) -> None:
    settings = CompressSettings("jpeg", type=kind)
    trials = Trials(dotted, settings)
    assert trials.stretches == [range(4), range(4, 40), range(40, 95)]
    at_end, beyond = trials.score(Point(39)), trials.score(Point(49))
    assert at_end > beyond + 1
    result = one(Target(size=int(trials.size(Point(49)))), settings, dotted)
    assert (result.header.quality, result.header.type) == (40, 1)
    result = one(psnr(at_end - 0.5), settings, dotted)
    assert result.header.quality <= 40
    rank = rank_of(trials, result)
    assert trials.score(Point(rank)) >= at_end - 0.5 > trials.score(Point(rank - 1))
    result = one(psnr(at_end + 1), settings, dotted)
    assert (result.header.quality > 41, result.header.type) == (True, 0)


def test_a_coarser_quality_whose_file_is_too_large_is_none_to_choose(
    dotted: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trials, "size", lambda _, point: 9_999 if point.rank == 39 else 100 + point.rank)
    assert target.reach(dotted, JPEG, Target(size=160), [16]).point.rank == 60


def test_scales_that_the_fast_trials_wrote_off_are_tried_before_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    size = min(len(pipeline.compress(PICTURE, CompressSettings("jpeg", 1, scale)).data) for scale in (16, 48))
    assert size < len(pipeline.compress(PICTURE, CompressSettings("jpeg", 1, 16)).data)
    assert target.compress(PICTURE, JPEG, Target(size=size), [16, 48]).header.scale == 48
    monkeypatch.setattr(target, "_plausible", lambda guesses, _: guesses[:1])
    assert target.compress(PICTURE, JPEG, Target(size=size), [16, 48]).header.scale == 48


def test_a_fixed_type_has_an_end_of_its_training_too(dotted: Picture) -> None:
    settings = CompressSettings("jpeg", type=parse("nr"))
    assert Trials(dotted, settings).stretches == [range(4), range(4, 40), range(40, 95)]
    assert Trials(dotted, CompressSettings("jpeg", type=parse(0))).stretches == [range(95)]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[CompressSettings]:
    """Return the settings of all codings from now on."""
    compress, coded = pipeline.compress, list[CompressSettings]()

    def count(picture: Picture, settings: CompressSettings) -> Compressed:
        coded.append(settings)
        return compress(picture, settings)

    monkeypatch.setattr(pipeline, "compress", count)
    return coded


@pytest.mark.usefixtures("needs_vvc")
@pytest.mark.parametrize(
    ("wanted", "most"),
    # The SSIMULACRA2 of so small a picture jumps by five points from step to step.
    [(Target(size=1300), 4), (Target(size=3000), 4), (psnr(29), 4), (eye(50), 5)],
)
def test_few_trials_at_the_real_effort(wanted: Target, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    coded = counted(monkeypatch)
    one(wanted, CompressSettings("vvc", effort=1))
    assert sum(settings.effort == 1 for settings in coded) <= most
    assert sum(settings.effort == 0 for settings in coded) <= 8


@pytest.mark.usefixtures("needs_vvc")
def test_scales_are_tried_only_where_they_may_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    coded = counted(monkeypatch)
    pixels = PICTURE.image.width * PICTURE.image.height
    target.compress(PICTURE, CompressSettings("vvc", effort=0), Target(size=int(0.5 * pixels / 8)), target.SCALES)
    assert {settings.scale for settings in coded} == {16}
    target.compress(PICTURE, CompressSettings("vvc", effort=0), Target(size=int(0.05 * pixels / 8)), (16, 24))
    assert {settings.scale for settings in coded} == {16, 24}


def test_every_trial_is_told() -> None:
    lines: list[str] = []
    result = target.compress(PICTURE, JPEG, Target(size=1500), (16,), lines.append)
    assert f"jpeg quality {result.header.quality}, scale 1: {len(result.data):,} B" in lines
    lines.clear()
    result = target.compress(PICTURE, JPEG, eye(60), (16,), lines.append)
    score = SCORES["ssimulacra2"].measure(PICTURE.image, decompress(result.data).image)
    assert f"jpeg quality {result.header.quality}, scale 1: SSIMULACRA2 {score:.2f}" in lines


@pytest.mark.usefixtures("needs_vvc")
def test_no_quality_is_coded_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    coded = counted(monkeypatch)
    trials = Trials(from_pillow(noise(64, 64)), CompressSettings("vvc", effort=0))
    for _ in range(2):
        assert trials.size(Point(63)) == trials.score(Point(63)) == trials.plain_score(Point(63)) == math.inf
    assert len(coded) == 1


def test_the_highest_psnr_may_be_where_training_ends(dotted: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JpegCodec, "quality_range", (1, 50))
    most = Trials(dotted, JPEG).score(Point(39))
    with pytest.raises(TargetError, match=f"the highest is {most:.2f} dB"):
        one(psnr(99), JPEG, dotted)


def test_scales_that_cannot_reach_a_psnr_are_no_yardstick_of_size(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {16: 1000.0, 24: 300.0, 32: 700.0}
    monkeypatch.setattr(Guess, "size", property(lambda guess: sizes[guess.fast.settings.scale]))
    guesses = {
        scale: Guess(Trials(PICTURE, CompressSettings("jpeg", scale=scale)), 9, scale != 24, 0.5, 0.1, 0.3)
        for scale in sizes
    }
    assert target._plausible(list(guesses.values()), psnr(40)) == [guesses[32]]
    sizes[16] = 800.0
    assert target._plausible(list(guesses.values()), psnr(40)) == [guesses[16], guesses[32]]
