"""Type "auto" and the goals: the encoder records the type that comes closest to the original."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_helpers import lbic as run
from cli_helpers import records, save
from conftest import WriteCatalog
from helpers import gray, noise, photo
from PIL import Image
from toys import identity, spec

import lbic
from lbic.coding import Coding
from lbic.enhance.choice import candidates
from lbic.errors import ExitCode, UsageError

pytestmark = pytest.mark.usefixtures("no_gpu")

FLAT = Image.new("L", (32, 24), 130)


def coded_level() -> int:
    """Return the level that JPEG at its coarsest decodes FLAT to."""
    level = int(np.asarray(lbic.decompress(lbic.compress(FLAT, codec="jpeg", q=1, type=0))).flat[0])
    assert level != 130
    return level


def ship(write_models: WriteCatalog, gain: float, **changes: object) -> None:
    """Ship one network for type 7, recorded by default."""
    data = identity(1, gain)
    write_models([(spec("toy", data, "ar", **changes), data)], [("jpeg", 16, 7)])


@pytest.mark.parametrize(("better", "chosen"), [(True, 7), (False, 0)])
def test_the_closest_is_recorded(write_models: WriteCatalog, better: bool, chosen: int) -> None:
    write_models([])
    ship(write_models, 130 / coded_level() if better else 0.9)
    assert lbic.info(lbic.compress(FLAT, codec="jpeg", q=1)).type == 7, "the catalog's advice, unmeasured"
    data = lbic.compress(FLAT, codec="jpeg", q=1, type="auto")
    assert lbic.info(data).type == chosen
    level = 130 if better else coded_level()
    assert np.all(np.asarray(lbic.decompress(data)) == level)


def test_on_a_tie_no_network_runs(write_models: WriteCatalog) -> None:
    ship(write_models, 1)
    assert lbic.info(lbic.compress(gray(32, 24), codec="jpeg", q=10, type="auto")).type == 0


def test_candidates(write_models: WriteCatalog) -> None:
    luma, colour = identity(1), identity(3)
    roles = {"sr-ar": luma, "sr": luma, "ar": luma, "nr": colour, "tr": colour, "cas": colour}
    models = [
        (
            spec(role, data, role, channels=3 if data is colour else 1, quality=(20, 40) if role == "ar" else (0, 95)),
            data,
        )
        for role, data in roles.items()
    ]
    write_models(models)
    assert [kind.id for kind in candidates(Coding("jpeg", 30))] == [0, 1, 5, 7, 6]
    assert [kind.id for kind in candidates(Coding("jpeg", 10))] == [0, 1, 5, 6], "type 7 was not trained for it"
    assert [kind.id for kind in candidates(Coding("jpeg", 10), "perceptual")] == [0, 1, 2, 4, 5, 3, 6]


def test_the_goal_decides_between_error_and_contrast(write_models: WriteCatalog) -> None:
    # Coded at quality 1, noise is nearly flat: more contrast is closer to the original's,
    # and increases the error.
    louder = identity(3, 1.3)
    write_models([(spec("toy", louder, "tr", channels=3), louder)], [])
    picture = noise(64, 64)

    def recorded(**wanted: Any) -> int:
        return lbic.info(lbic.compress(picture, codec="jpeg", **wanted)).type

    least = len(lbic.compress(picture, codec="jpeg", q=1))
    assert recorded(q=1, type="auto") == recorded(q=1, goal="fidelity") == 0
    assert recorded(q=1, goal="perceptual") == recorded(target_size=least, scale=1, goal="perceptual") == 2
    assert recorded(target_size=least, goal="perceptual", type=0) == 0
    for chosen in ({"q": 1}, {"target_psnr": 5}, {"target_size": least, "scale": 1}):
        with pytest.raises(UsageError, match="goal perceptual has nothing to choose with type 0"):
            recorded(goal="perceptual", type=0, **chosen)
    with pytest.raises(UsageError, match="unknown goal 'best'; known: fidelity, perceptual"):
        recorded(goal="best")


def test_on_the_command_line(write_models: WriteCatalog, tmp_path: Path) -> None:
    ship(write_models, 0.9)
    source = save(tmp_path / "a.png", photo(32, 24))
    (record,) = records(run("compress", "--codec", "jpeg", "--type", "auto", "--json", source))
    assert record["type"] == 0
    run("compress", "-f", "--codec", "jpeg", "--goal", "perceptual", source)
    for more in ((), ("--target-psnr", "20"), ("--target-size", "900", "--scale", "1")):
        useless = ("compress", "-f", "--codec", "jpeg", "--goal", "fidelity", "--type", "7", *more)
        assert "nothing to choose" in run(*useless, source, code=ExitCode.USAGE).stderr
    refused = run("decompress", "--type", "auto", tmp_path / "a.lbic", code=ExitCode.USAGE)
    assert "unknown enhancement type 'auto'" in refused.stderr


@pytest.mark.usefixtures("needs_vvc", "write_models")
def test_the_perceptual_goal_moves_bytes_to_smooth_areas() -> None:
    """A picture with a soft left half and noise on the right."""
    halves = np.asarray(photo(192, 96)).copy()
    halves[:, :96] = np.asarray(photo(24, 24).resize((96, 96), Image.Resampling.BICUBIC))
    halves[:, 96:] = np.asarray(noise(96, 96))
    picture = Image.fromarray(halves)
    errors = {}
    for goal in ("fidelity", "perceptual"):
        data = lbic.compress(picture, q=37, effort=0, goal=goal)
        assert lbic.info(data).quality == 37
        difference = np.asarray(lbic.decompress(data)).astype(float) - halves
        errors[goal] = [float(np.mean(difference[:, half] ** 2)) for half in (slice(96), slice(96, None))]
    assert errors["perceptual"][0] < errors["fidelity"][0]
    assert errors["perceptual"][1] > errors["fidelity"][1]


def test_codecs_without_such_a_mode_code_the_same(write_models: WriteCatalog) -> None:
    write_models([])
    assert lbic.compress(photo(64, 48), codec="jpeg", goal="perceptual") == lbic.compress(photo(64, 48), codec="jpeg")
