"""Which pictures show the damage of a codec: enhance leaves clean ones alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import lbic, names, save
from conftest import GOLDEN, WriteCatalog
from helpers import photo, written
from PIL import Image, ImageDraw
from toys import identity, spec

from lbic.enhance.damage import is_clean
from lbic.errors import ExitCode

SIZE = (256, 192)


def camera() -> Image.Image:
    """Return a photo with the noise of a camera everywhere."""
    levels = np.asarray(photo(*SIZE), np.float32) + np.random.default_rng(3).normal(0, 1.5, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(np.uint8(np.clip(np.rint(levels), 0, 255)))


def screenshot() -> Image.Image:
    """Return text and shapes on white."""
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    for row in range(12):
        draw.text((4, 16 * row), "The quick brown fox jumps over", fill="black")
    draw.rectangle((180, 20, 250, 90), fill="teal", outline="black")
    return image


def gradient() -> Image.Image:
    """Return a picture without texture and edges."""
    return Image.fromarray(np.uint8(np.mgrid[0 : SIZE[1], 0 : SIZE[0]].sum(0) / 2)).convert("RGB")


def recoded(image: Image.Image, name: str, quality: int) -> Image.Image:
    """Return what a codec makes of a picture."""
    with Image.open(io.BytesIO(written(image, name, quality=quality))) as coded:
        return coded.convert("RGB")


@pytest.mark.parametrize("make", [camera, screenshot, gradient])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_clean_pictures(make: Callable[[], Image.Image], mode: str) -> None:
    assert is_clean(make().convert(mode))


@pytest.mark.parametrize(
    ("make", "name", "quality"),
    [
        *((camera, name, quality) for name, quality in (("JPEG", 75), ("JPEG", 30), ("WEBP", 30), ("AVIF", 40))),
        *((screenshot, "JPEG", quality) for quality in (75, 30)),
    ],
)
def test_damaged_pictures(make: Callable[[], Image.Image], name: str, quality: int) -> None:
    assert not is_clean(recoded(make(), name, quality))


@pytest.mark.parametrize("name", ["vvc-short", "jpeg-baseline"])
def test_what_codecs_decode_to_is_damaged(name: str) -> None:
    with Image.open(GOLDEN / f"{name}.png") as picture:
        assert not is_clean(picture.convert("RGB"))


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7), (8, 8), (9, 17)])
def test_pictures_too_small_to_measure_are_clean(size: tuple[int, int]) -> None:
    assert is_clean(photo(*size))


def test_large_pictures_are_measured_all_over() -> None:
    """The damage is in the last quarter only, far from the first blocks."""
    tiles = np.tile(np.asarray(camera()), (8, 4, 1))
    assert is_clean(Image.fromarray(tiles))
    tiles[-SIZE[1] :] = np.asarray(recoded(Image.fromarray(tiles[-SIZE[1] :]), "JPEG", 30))
    assert not is_clean(Image.fromarray(tiles))


@pytest.mark.usefixtures("no_gpu")
def test_enhance_leaves_clean_pictures_alone(tmp_path: Path, write_models: WriteCatalog) -> None:
    data = identity(3, 0.5)
    write_models([(spec("toy-nr", data, "nr", channels=3, quality=(22, 47)), data)])
    clean = save(tmp_path / "a.png", screenshot())
    damaged = save(tmp_path / "b.png", recoded(camera(), "JPEG", 30))
    result = lbic("enhance", clean, damaged, code=ExitCode.FAILED)
    sentence = "the picture shows no damage of a codec, and enhancement may harm it; --type 1 runs it anyway"
    assert f"lbic: error: {clean}: {sentence}" in result.stderr.splitlines()
    assert names(tmp_path) == {"a.png", "b.png", "b.enhanced.png"}
    for options in (("--type", "1"), ("--codec", "vvc"), ("-q", 37)):
        lbic("enhance", "-f", *options, clean)
    assert "a.enhanced.png" in names(tmp_path)
