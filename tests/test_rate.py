"""Targets: the search, the sizes and PSNRs reached, the scale chosen, targets out of reach."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_helpers import lbic, records, save
from conftest import WriteCatalog
from helpers import gray, noise, photo
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from toys import identity, spec

from lbic import api, pipeline
from lbic.codecs.jpeg import JpegCodec
from lbic.enhance.choice import AUTO, Auto
from lbic.enhance.types import parse
from lbic.errors import CodecError, ExitCode, TargetError, TooLargeError, UsageError
from lbic.format import container
from lbic.metrics.psnr import psnr_rgb
from lbic.picture.load import Picture, from_pillow
from lbic.pipeline import Compressed, CompressSettings, decompress
from lbic.rate import target
from lbic.rate.search import last_that_fits
from lbic.rate.trials import Target, Trials

pytestmark = pytest.mark.usefixtures("write_models", "no_gpu")  # no networks

JPEG = CompressSettings("jpeg")
PICTURE = from_pillow(photo(160, 120))


@given(st.integers(-5, 40), st.integers(0, 30), st.integers(-3, 33))
def test_the_search_finds_the_last_that_fits_in_few_trials(limit: int, high: int, start: int) -> None:
    tried = []

    def fits(number: int) -> bool:
        tried.append(number)
        return number <= limit

    last = last_that_fits(fits, 0, high, start)
    assert last == (None if limit < 0 else min(limit, high))
    assert len(set(tried)) == len(tried), "no number twice"
    assert all(0 <= number <= high for number in tried)
    assert len(tried) <= 2 * high.bit_length() + 2


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 39))
def test_what_the_search_finds_fits_whatever_the_order(fitting: list[bool], start: int) -> None:
    last = last_that_fits(lambda number: fitting[number], 0, len(fitting) - 1, start)
    if last is not None:
        assert fitting[last]
        assert last == len(fitting) - 1 or not fitting[last + 1]


def one(wanted: Target, settings: CompressSettings = JPEG, picture: Picture = PICTURE) -> Compressed:
    return target.compress(picture, settings, wanted, (16,))


@pytest.mark.parametrize("size", [600, 1000, 2500, 6000])
def test_one_quality_finer_would_exceed_the_size(codec: str, size: int) -> None:
    settings = CompressSettings(codec, effort=1)
    result = one(Target(size=size), settings)
    trials = Trials(PICTURE, settings)
    rank = trials.qualities.index(result.header.quality)
    assert trials.size(rank) <= len(result.data) <= size < trials.size(rank + 1)
    assert len(result.data) in [trials.size(rank, step) for step in range(len(trials.lambda_scales))]


@pytest.mark.usefixtures("needs_vvc")
@pytest.mark.parametrize("wanted", [Target(size=1300), Target(psnr=27.5)])
def test_steps_between_two_qualities_come_closer(wanted: Target) -> None:
    settings = CompressSettings("vvc", effort=0)
    trials = Trials(PICTURE, settings)
    rank = trials.rank(wanted, 20)
    assert rank is not None
    reached, step = trials.step(wanted, rank)
    assert step > 0
    if wanted.size is not None:
        assert reached == rank
        assert trials.size(rank) < trials.size(reached, step) <= wanted.size < trials.size(reached, step + 1)
    else:
        assert reached == rank - 1
        assert trials.size(reached, step) < trials.size(rank)
        assert trials.psnr(reached, step) >= (wanted.psnr or 0) > trials.psnr(reached, step - 1)


def test_a_psnr_is_reached_and_one_quality_coarser_would_miss_it() -> None:
    result = one(Target(psnr=30))
    trials = Trials(PICTURE, JPEG)
    rank = trials.qualities.index(result.header.quality)
    assert psnr_rgb(PICTURE.image, decompress(result.data).image) == pytest.approx(trials.psnr(rank))
    assert trials.psnr(rank) >= 30 > trials.psnr(rank - 1)


def test_all_that_fits_is_the_finest_quality() -> None:
    assert Target.of("bpp", 1e308, 10_000) == Target.of("bpp", 1e300, 10_000)
    assert one(Target(size=10**9)).header.quality == 95
    assert one(Target(psnr=0.1)).header.quality == 1


@pytest.mark.usefixtures("needs_vvc")
def test_a_quality_that_the_encoder_has_no_room_for_is_too_large() -> None:
    wild = from_pillow(noise(64, 64))
    result = one(Target(size=10**9), CompressSettings("vvc", effort=0), wild)
    assert result.header.quality > 0
    with pytest.raises(TargetError, match=r"the highest is 1\d\.\d\d dB"):
        one(Target(psnr=99), CompressSettings("vvc", effort=0), wild)


@pytest.mark.parametrize("wanted", [Target(psnr=25), Target(size=5000)])
def test_a_scale_at_which_the_codec_does_not_take_the_picture_is_left_out(wanted: Target) -> None:
    long = from_pillow(photo(65_510, 1))
    assert target.compress(long, JPEG, wanted, (16, 48)).header.scale == 48
    with pytest.raises(TooLargeError, match="65510x1: a JPEG's sides"):
        one(wanted, JPEG, long)


@pytest.mark.parametrize("wanted", [Target(psnr=25), Target(size=5000)])
def test_an_encoder_that_fails_is_not_taken_for_a_large_file(wanted: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(picture: Picture, settings: CompressSettings) -> Compressed:
        raise CodecError("the encoder was killed")

    monkeypatch.setattr(pipeline, "compress", killed)
    with pytest.raises(CodecError, match="was killed"):
        one(wanted)


@pytest.mark.parametrize("make", [photo, gray])
def test_the_scale_with_the_highest_psnr_is_chosen(make: Callable[[int, int], Image.Image]) -> None:
    # The picture is soft, so a small file is better spent on fewer pixels.
    image = make(60, 60).resize((240, 240), Image.Resampling.BICUBIC)
    picture = from_pillow(image)
    best = {scale: Trials(picture, CompressSettings("jpeg", scale=scale)) for scale in target.SCALES}
    wanted = Target(size=700)
    reached = {
        scale: trials.psnr(rank) for scale, trials in best.items() if (rank := trials.rank(wanted, 20)) is not None
    }
    result = target.compress(picture, JPEG, wanted, target.SCALES)
    assert result.header.scale != 16
    assert len(result.data) <= 700
    assert reached[result.header.scale] == max(reached.values())


def test_the_scale_with_the_smallest_file_is_chosen_for_a_psnr() -> None:
    picture = from_pillow(photo(60, 60).resize((240, 240), Image.Resampling.BICUBIC))
    sizes = {scale: len(target.compress(picture, JPEG, Target(psnr=31), (scale,)).data) for scale in (16, 32)}
    assert len(target.compress(picture, JPEG, Target(psnr=31), (16, 32)).data) == min(sizes.values())


def test_what_is_impossible_is_said_with_what_is_possible() -> None:
    least = Trials(PICTURE, JPEG).size(0)
    with pytest.raises(TargetError, match=f"as small as 30 B; the smallest is {least:,} B"):
        one(Target(size=30))
    with pytest.raises(TargetError, match=r"no quality reaches 99 dB; the highest is \d\d\.\d\d dB"):
        one(Target(psnr=99))
    for nothing in ((None, None), (3, 3.0)):
        with pytest.raises(UsageError):
            Target(*nothing)


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
    at_end, beyond = trials.psnr(39), trials.psnr(49)
    assert at_end > beyond + 1
    result = one(Target(size=int(trials.size(49))), settings, dotted)
    assert (result.header.quality, result.header.type) == (40, 1)
    result = one(Target(psnr=at_end - 0.5), settings, dotted)
    assert result.header.quality <= 40
    assert trials.psnr(result.header.quality - 1) >= at_end - 0.5 > trials.psnr(result.header.quality - 2)
    result = one(Target(psnr=at_end + 1), settings, dotted)
    assert (result.header.quality > 41, result.header.type) == (True, 0)


def test_a_coarser_quality_whose_file_is_too_large_is_none_to_choose(
    dotted: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trials, "size", lambda _, rank, step=0: 9_999 if rank == 39 else 100 + rank)
    reached = target.reach(dotted, JPEG, Target(size=160), [16])
    assert [one.rank for one in reached] == [60]


def test_scales_that_the_fast_trials_wrote_off_are_tried_before_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    size = min(len(pipeline.compress(PICTURE, CompressSettings("jpeg", 1, scale)).data) for scale in (16, 48))
    assert size < len(pipeline.compress(PICTURE, CompressSettings("jpeg", 1, 16)).data)
    monkeypatch.setattr(target, "_plausible", lambda *_: [16])
    assert target.compress(PICTURE, JPEG, Target(size=size), [16, 48]).header.scale == 48


def test_a_fixed_type_has_an_end_of_its_training_too(dotted: Picture) -> None:
    settings = CompressSettings("jpeg", type=parse("nr"))
    assert Trials(dotted, settings).stretches == [range(4), range(4, 40), range(40, 95)]
    assert Trials(dotted, CompressSettings("jpeg", type=parse(0))).stretches == [range(95)]


def test_what_networks_bring_is_known_after_one_trial(dotted: Picture) -> None:
    settings = CompressSettings("jpeg", type=parse("nr"))
    trials = Trials(dotted, settings)
    wanted = Target(psnr=trials.psnr(30))
    guess = target._Guess.make(dotted, settings, wanted)
    assert abs(guess.start(trials, wanted) - 30) < abs(guess.rank - 30)


@pytest.mark.usefixtures("needs_vvc")
def test_no_quality_is_coded_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    compress, coded = pipeline.compress, list[CompressSettings]()

    def counted(picture: Picture, settings: CompressSettings) -> Compressed:
        coded.append(settings)
        return compress(picture, settings)

    monkeypatch.setattr(pipeline, "compress", counted)
    trials = Trials(from_pillow(noise(64, 64)), CompressSettings("vvc", effort=0))
    for _ in range(2):
        assert not trials.has_room(63)
        assert trials.size(63) == trials.psnr(63) == math.inf
    assert len(coded) == 1


def test_the_highest_psnr_may_be_where_training_ends(dotted: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JpegCodec, "quality_range", (1, 50))
    most = Trials(dotted, JPEG).psnr(39)
    with pytest.raises(TargetError, match=f"the highest is {most:.2f} dB"):
        one(Target(psnr=99), JPEG, dotted)


def test_scales_that_cannot_reach_a_psnr_are_no_yardstick_of_size() -> None:
    fast = Trials(PICTURE, JPEG)
    sizes = ((300, 30.0), (700, 40.1), (1000, 40.1))
    short, small, large = (target._Guess(fast, 9, size, psnr) for size, psnr in sizes)
    assert target._plausible({16: large, 24: small, 48: short}, Target(psnr=40)) == [16, 24, 48]
    assert target._plausible({16: large, 24: large, 32: small}, Target(psnr=40)) == [16, 32]


@pytest.mark.parametrize(
    ("wanted", "because"),
    [
        ({"target_bpp": math.nan}, "target bpp nan is not above 0"),
        ({"target_psnr": math.inf}, "target psnr inf is not above 0 and finite"),
        ({"target_size": -5}, "target size -5 is not above 0"),
        ({"target_bpp": 1e309}, "target bpp inf is not above 0 and finite"),
    ],
)
def test_values_out_of_range(wanted: dict[str, Any], because: str) -> None:
    with pytest.raises(UsageError, match=because):
        api.compress(PICTURE.image, codec="jpeg", **wanted)
    with pytest.raises(UsageError, match="unknown target 'sise'; known: size, bpp, psnr"):
        Target.of("sise", 3, 1)


def test_the_command(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png", photo(160, 120))
    (record,) = records(lbic("compress", "--codec", "jpeg", "--json", "--target-bpp", "0.5", picture))
    assert record["bytes"] == (tmp_path / "a.lbic").stat().st_size <= 160 * 120 * 0.5 / 8
    (record,) = records(lbic("compress", "-f", "--codec", "jpeg", "--json", "--scale", "1.5", "-q", "10", picture))
    assert record["scale"] == 1.5
    assert container.read_header((tmp_path / "a.lbic").read_bytes()).scale == 24
    said = lbic("compress", "-f", "--codec", "jpeg", "--target-size", "30", picture, code=ExitCode.FAILED).stderr
    assert "no quality makes the file as small as 30 B; the smallest is" in said
    lbic("compress", "-f", "--codec", "jpeg", "--target-psnr", "28", "--scale", "auto", picture)


@pytest.mark.parametrize(
    ("options", "because"),
    [
        (["--target-size", "9", "--target-bpp", "1"], "--target-size and --target-bpp exclude each other"),
        (["--target-psnr", "30", "-q", "20"], "target psnr finds the quality; quality 20 is given too; leave out -q"),
        (["--scale", "auto"], "--scale auto needs a target"),
        (["--scale", "5"], "scale 5 is not a sixteenth step within 1..4"),
        (["--scale", "1.03"], "scale 1.03 is not a sixteenth step"),
        (["--scale", "big"], "'big' is not a number"),
        (["--target-bpp", "0"], "0 is not above 0"),
        (["--target-size", "few"], "'few' is not a valid integer"),
    ],
)
def test_usage(tmp_path: Path, options: list[str], because: str) -> None:
    picture = save(tmp_path / "a.png")
    assert because in lbic("compress", "--codec", "jpeg", *options, picture, code=ExitCode.USAGE).stderr
