"""Colours that files state without an ICC profile: the pixels are those of the standards."""

from __future__ import annotations

import io
from collections.abc import Callable

import formulas
import numpy as np
import pytest
from formulas import ADOBE, BT2020, D65, P3, SRGB, converted, srgb_decoded, tone_mapped
from helpers import photo, png_of, profile, wide_profile, written
from numpy.typing import NDArray
from PIL import Image

from lbic.picture.load import Picture, from_pillow, load

COLOURS = np.array(
    [(250, 20, 20), (20, 200, 40), (128, 128, 128), (10, 60, 240), (255, 255, 255), (90, 12, 3)], np.uint8
)
Formula = Callable[[list[float]], list[int]]
"""From a colour, 0..1, to sRGB's levels."""
POINTS = (D65, *SRGB)


def png(*chunks: tuple[bytes, bytes], samples: NDArray[np.generic] = COLOURS[None]) -> bytes:
    """Return a PNG file of one row, 8 or 16 bits, with chunks before its image data."""
    return png_of(samples, chunks)


def chrm(white: tuple[float, float], *primaries: tuple[float, float]) -> tuple[bytes, bytes]:
    return b"cHRM", b"".join(round(v * 100_000).to_bytes(4, "big") for point in (white, *primaries) for v in point)


def gama(gamma: float) -> tuple[bytes, bytes]:
    return b"gAMA", round(gamma * 100_000).to_bytes(4, "big")


def cicp(*numbers: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes(numbers)


def assert_levels(
    picture: Picture, expected: Callable[[list[float]], list[int]], colours: object = COLOURS / 255
) -> None:
    """Compare a picture of one row with what a function gives for its colours, 0..1."""
    levels = [expected([float(v) for v in colour]) for colour in np.asarray(colours)]
    assert np.abs(np.asarray(picture.image, int)[0] - np.array(levels)).max() <= 1


@pytest.mark.parametrize(
    ("chunk", "name", "expected"),
    [
        (cicp(12, 13, 0, 1), "Display P3", lambda c: converted(c, P3, srgb_decoded)),
        (cicp(9, 1, 0, 1), "BT.2020", lambda c: converted(c, BT2020, srgb_decoded)),
        (cicp(1, 8, 0, 1), "sRGB primaries, linear", lambda c: converted(c, SRGB, lambda v: v)),
        (cicp(1, 4, 0, 1), "sRGB primaries, gamma 2.2", lambda c: converted(c, SRGB, lambda v: v**2.2)),
        (cicp(12, 5, 0, 1), "Display P3, gamma 2.8", lambda c: converted(c, P3, lambda v: v**2.8)),
        (
            cicp(6, 7, 0, 1),
            "BT.601 (525 lines), SMPTE 240M's curve",
            lambda c: converted(
                c,
                ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
                lambda v: v / 4 if v < 0.0912 else ((v + 0.1115) / 1.1115) ** (1 / 0.45),
            ),
        ),
        (
            cicp(1, 9, 0, 1),
            "sRGB primaries, logarithmic (100:1)",
            lambda c: converted(c, SRGB, lambda v: 0.0 if v == 0 else 10 ** (2 * (v - 1))),
        ),
        (
            cicp(1, 17, 0, 1),
            "sRGB primaries, ST 428-1's curve",
            lambda c: converted(c, SRGB, lambda v: v**2.6 * 52.37 / 48),
        ),
        (
            cicp(1, 13, 0, 0),
            "sRGB, narrow range",
            lambda c: converted(c, SRGB, lambda v: srgb_decoded(min(max((v * 255 - 16) / 219, 0), 1))),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_code_points_of_h273(chunk: tuple[bytes, bytes], name: str, expected: Formula) -> None:
    picture = load(png(chunk))
    assert picture.notes == (f"converted from {name} to sRGB",)
    assert_levels(picture, expected)


def test_bt709s_curve_is_shown_as_srgbs() -> None:
    picture = load(png(cicp(1, 1, 0, 1)))
    assert picture.notes == ("BT.709's curve read as sRGB's",)
    assert np.array_equal(np.asarray(picture.image)[0], COLOURS)


@pytest.mark.parametrize(
    "chunks", [(cicp(1, 13, 0, 1),), (cicp(2, 2, 0, 1),), (gama(0.45455), chrm(*POINTS)), (gama(0.4545),)]
)
def test_what_states_srgb_changes_nothing(chunks: list[tuple[bytes, bytes]]) -> None:
    picture = load(png(*chunks))
    assert picture.notes == ()
    assert np.array_equal(np.asarray(picture.image)[0], COLOURS)


def test_reserved_code_points_are_noted() -> None:
    picture = load(png(cicp(3, 200, 0, 1)))
    assert picture.notes == ("the file states primaries 3 and transfer function 200, unknown to lbic; read as sRGB's",)
    assert np.array_equal(np.asarray(picture.image)[0], COLOURS)


@pytest.mark.parametrize("content", [bytes([12, 13, 1, 1]), bytes([12, 13, 0])])
def test_an_invalid_cicp_is_noted(content: bytes) -> None:
    assert load(png((b"cICP", content))).notes == ("the chunk cICP is invalid and was ignored",)


@pytest.mark.parametrize(
    ("chunks", "name", "expected"),
    [
        ((gama(1),), "sRGB primaries, linear", lambda c: converted(c, SRGB, lambda v: v)),
        ((gama(0.55556),), "sRGB primaries, gamma 1.8", lambda c: converted(c, SRGB, lambda v: v**1.8)),
        ((gama(0.45455), chrm(D65, *ADOBE)), "Adobe RGB", lambda c: converted(c, ADOBE, lambda v: v**2.2)),
        ((gama(1), chrm(D65, *BT2020)), "BT.2020, linear", lambda c: converted(c, BT2020, lambda v: v)),
        ((chrm(D65, *P3),), "Display P3", lambda c: converted(c, P3, srgb_decoded)),
        (
            (chrm(D65, (0.6, 0.35), (0.3, 0.55), (0.2, 0.1)), gama(0.5)),
            "other primaries, gamma 2",
            lambda c: converted(c, ((0.6, 0.35), (0.3, 0.55), (0.2, 0.1)), lambda v: v**2),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_gama_and_chrm(chunks: tuple[tuple[bytes, bytes], ...], name: str, expected: Formula) -> None:
    picture = load(png(*chunks))
    assert picture.notes == (f"converted from {name} to sRGB",)
    assert_levels(picture, expected)
    opened = Image.open(io.BytesIO(png(*chunks)))
    assert from_pillow(opened).image.tobytes() == picture.image.tobytes(), "the API reads these chunks too"


def test_another_white_becomes_white() -> None:
    picture = load(png(chrm((0.3457, 0.3585), (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), gama(0.5556)))
    assert picture.notes == ("converted from ProPhoto RGB, gamma 1.8 to sRGB",)
    levels = np.asarray(picture.image)[0]
    assert np.ptp(levels[2].astype(int)) <= 1 and levels[4].tolist() == [255, 255, 255]


def test_impossible_primaries_are_noted() -> None:
    picture = load(png(chrm(D65, (0, 0), (0, 0), (0, 0))))
    assert picture.notes == ("the chunk cHRM is invalid and was ignored",)


def test_precedence_of_pngs_chunks() -> None:
    """PNG, third edition, 4.3: cICP, iCCP, sRGB, then gAMA and cHRM."""
    wide, srgb = (gama(1), chrm(D65, *P3)), (b"sRGB", b"\0")
    assert load(png(srgb, *wide)).notes == ()
    assert load(png(cicp(12, 13, 0, 1), srgb, *wide)).notes == ("converted from Display P3 to sRGB",)
    image = Image.open(io.BytesIO(png(*wide)))
    image.info["icc_profile"] = profile("sRGB")
    assert from_pillow(image).notes == ()
    with_profile = written(photo(8, 4), "PNG", icc_profile=wide_profile())
    chunk = png(cicp(1, 13, 0, 1))
    start = chunk.index(b"cICP") - 4
    both = with_profile[:33] + chunk[start : start + 16] + with_profile[33:]
    assert load(both).image.tobytes() == photo(8, 4).tobytes()


def test_gray_has_a_curve_and_no_primaries() -> None:
    levels = np.arange(0, 256, 5).astype(np.uint8)[None]
    picture = load(png(cicp(9, 8, 0, 1), samples=levels))
    assert picture.image.mode == "L"
    expected = [formulas.srgb_level(v / 255) for v in levels[0]]
    assert np.abs(np.asarray(picture.image, int)[0] - expected).max() <= 1


# --- high dynamic range --------------------------------------------------------------------------


def signals(*light: float) -> NDArray[np.float64]:
    return np.array([formulas.pq_signal(each) for each in light])


LIGHT = [(0, 0, 0), (1, 2, 3), (50, 50, 50), (203, 203, 203), (1000, 1000, 1000), (300, 250, 200), (9000, 9000, 9000)]
PQ16 = np.array([[round(65_535 * v) for v in signals(*light)] for light in LIGHT], np.uint16)


def test_pq_is_tone_mapped() -> None:
    picture = load(png(cicp(9, 16, 0, 1), samples=PQ16[None]))
    assert picture.notes[-1] == "tone-mapped from BT.2020 PQ to sRGB (BT.2408)"
    assert_levels(picture, tone_mapped, LIGHT)
    levels = np.asarray(picture.image)[0]
    assert levels[2].tolist() == [formulas.srgb_level(50 / 203)] * 3, "below the knee light is only scaled"
    assert levels[3].min() > 220 and levels[4].tolist() == levels[6].tolist() == [255, 255, 255]


def test_hlg_is_tone_mapped() -> None:
    picture = load(png(cicp(9, 18, 0, 1)))
    assert picture.notes == ("tone-mapped from BT.2020 HLG to sRGB (BT.2408)",)
    assert_levels(picture, lambda colour: tone_mapped(formulas.hlg_light(colour)))


@pytest.mark.parametrize("transfer", [16, 18])
def test_gray_of_high_dynamic_range(transfer: int) -> None:
    levels = np.linspace(0, 65_535, 50).astype(np.uint16)[None]
    gray = load(png(cicp(9, transfer, 0, 1), samples=levels))
    colour = load(png(cicp(9, transfer, 0, 1), samples=np.stack([levels] * 3, axis=-1)))
    assert gray.image.mode == "L"
    assert np.abs(np.asarray(gray.image, int) - np.asarray(colour.image, int)[..., 1]).max() <= 1
