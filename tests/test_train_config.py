"""Recipes: what is in them is used, and nothing is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbic.errors import FileError, UsageError
from lbic.train import config

RECIPE = """
network = "arcnn"

[data]
codec = "jpeg"
scale = 1
quality = [5, 40]
validation = [10, 20]

[train]
steps = 100
rate = 1

[export]
name = "a"
role = "ar"
codecs = ["jpeg"]
"""


def test_values_and_defaults() -> None:
    recipe = config.parse(RECIPE)
    assert recipe.data.quality == (5, 40)
    assert recipe.data.validation == (10, 20)
    assert recipe.train.rate == 1.0
    assert isinstance(recipe.train.rate, float)
    assert recipe.train.loss == "mse"
    assert recipe.export.codecs == ("jpeg",)
    assert recipe.text == RECIPE


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("rate = 1", "raet = 1", "unknown key 'train.raet'; did you mean 'train.rate'?"),
        ("rate = 1", "zzzzz = 1", "unknown key 'train.zzzzz'; known: steps, batch"),
        ("network =", "netwrok =", "unknown key 'netwrok'; did you mean 'network'?"),
        ("network =", 'text = "x"\nnetwork =', "unknown key 'text'"),
        ("steps = 100", "", "'train.steps' is missing"),
        ("steps = 100", 'steps = "many"', "'train.steps' must be of type int, not 'many'"),
        ("steps = 100", "steps = true", "'train.steps' must be of type int"),
        ("steps = 100", "steps = 0", "must be at least 1"),
        ('role = "ar"', 'role = "arr"', "export.role must be one of nr, tr, cas, sr, sr-ar, ar"),
        ('role = "ar"', 'role = "ar"\nprofile = "half"', "export.profile must be one of fast, lite, full"),
        ("[5, 40]", "[5]", "'data.quality' must be a list of 2 values"),
        ("[5, 40]", "[40, 5]", "lowest, highest"),
        ("[5, 40]", "5", "'data.quality' must be a list"),
        ("[10, 20]", '["ten"]', "'data.validation' must be of type int"),
        ("[10, 20]", "[]", "must name a quality"),
        ("scale = 1", "scale = 9", "must be 1..4"),
        ('codecs = ["jpeg"]', "scales = [1, 1.3]", "export.scales: scale 1.3 is not a sixteenth step within 1..4"),
        ('codecs = ["jpeg"]', "scales = [0.5]", "export.scales: scale 0.5 is not a sixteenth step within 1..4"),
        ("rate = 1", 'autocast = "fp8"', "must be 'none' or 'bf16'"),
        ("[export]", "export = 3\n[other]", "must be a table"),
        ("rate = 1", "rate =", "not a TOML file"),
    ],
)
def test_mistakes_are_named(old: str, new: str, sentence: str) -> None:
    text = RECIPE.replace(old, new)
    if new.startswith("export = 3"):
        text = "export = 3\n" + RECIPE.split("[export]")[0]
    with pytest.raises(UsageError) as caught:
        config.parse(text, "recipe.toml")
    assert sentence in str(caught.value)
    assert "recipe.toml" in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot read"):
        config.load(tmp_path / "none.toml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_bytes(RECIPE.encode("utf-16"))
    with pytest.raises(UsageError, match=r"recipe\.toml: not a TOML file: not UTF-8 text"):
        config.load(tmp_path / "recipe.toml")


def test_shipped_recipes_are_valid() -> None:
    folder = Path(__file__).parent.parent / "models" / "configs"
    names = [config.load(path).export.name for path in sorted(folder.glob("*.toml"))]
    assert names == [path.stem for path in sorted(folder.glob("*.toml"))]
    assert len(names) == len(set(names)) >= 5
