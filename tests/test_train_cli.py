"""lbic train and lbic export on the command line, from pictures to a model."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_helpers import lbic
from PIL import Image

from lbic.errors import ExitCode

RECIPE = """
network = "srcnn"
[data]
codec = "jpeg"
scale = 2
quality = [20, 40]
validation = [30]
per_picture = 1
[train]
steps = 2
batch = 1
patch = 12
[export]
name = "tiny"
role = "sr"
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a recipe and two pictures."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        Image.fromarray(rng.integers(0, 256, (40, 36, 3), dtype=np.uint8)).save(tmp_path / "pictures" / name)
    return tmp_path


def test_from_pictures_to_a_model(work: Path) -> None:
    pytest.importorskip("torch")
    recipe = ("--config", work / "recipe.toml")
    lbic("train", "prepare", work / "pictures", *recipe, "-o", work / "data", "-j", 1)
    lbic("train", "prepare", work / "pictures", *recipe, "-o", work / "val", "--validation")
    run = ("train", "srcnn", *recipe, "--data", work / "data", "--val", work / "val", "-o", work / "run")
    assert "step 2 of 2" in lbic(*run).output
    assert "already holds a run; --resume continues it" in lbic(*run, code=ExitCode.USAGE).output
    lbic(*run, "--resume")

    export = ("export", work / "run" / "last.pt", "-o", work / "models", "--val", work / "val")
    lbic(*export, "--default", "jpeg,vvc:1.5,2:5", "--default", "jpeg:2:6:10..20")
    content = json.loads((work / "models" / "manifest.json").read_text())
    assert [tuple(default.values()) for default in content["defaults"]] == [
        ("jpeg", 24, 5, None),
        ("jpeg", 32, 6, [10, 20]),
        ("jpeg", 32, 5, None),
        ("vvc", 24, 5, None),
        ("vvc", 32, 5, None),
    ]
    assert content["models"][0]["about"]["gain"].keys() == {"30"}
    assert "| tiny |" in lbic("train", "table", "--models", work / "models").output

    tiny = work / "models" / "tiny.onnx"
    lbic(*run[:-1], work / "second", "--init", tiny, "--after", tiny, "--minutes", 1)
    lbic("export", work / "second" / "last.pt", "-o", work / "models2", "--val", work / "val", "--after", tiny)


def test_weights_and_plots(work: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    recipe = ("--config", work / "recipe.toml")
    lbic("train", "prepare", work / "pictures", *recipe, "-o", work / "data")
    lbic("train", "prepare", work / "pictures", *recipe, "-o", work / "val", "--validation")
    lbic("train", "srcnn", *recipe, "--data", work / "data", "--val", work / "val", "-o", work / "run")
    lbic("train", "plot", work / "run", "-o", work / "course.svg")
    assert "quality 30" in (work / "course.svg").read_text()
    assert "cannot write" in lbic("train", "plot", work / "run", "-o", work / "a.exe", code=ExitCode.FAILED).output
    assert "not a readable log" in lbic("train", "plot", work, "-o", work / "b.svg", code=ExitCode.FAILED).output
    sizes = []
    for weights in ("fp32", "fp16", "int8"):
        lbic("export", work / "run" / "last.pt", "-o", work / weights, "--weights", weights)
        row = json.loads((work / weights / "manifest.json").read_text())["models"][0]
        assert row["about"]["weights"] == weights
        sizes.append(row["size"])
    assert sizes == sorted(sizes, reverse=True)


def test_a_perceptual_recipe_says_what_it_lacks(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("LBIC_WEIGHTS", str(work))
    text = RECIPE.replace('"sr"', '"tr"') + "[perceptual]\nfeature = 1.0\n"
    (work / "recipe.toml").write_text(text)
    command = ("train", "tr", "--config", work / "recipe.toml", "--data", work, "-o", work / "run")
    assert "vgg19_distilled16x" in lbic(*command, code=ExitCode.MISSING).output
    assert "vgg19-dcbb9e9d.pth" in lbic(*command, "--features", "vgg19", code=ExitCode.MISSING).output


def test_a_network_that_runs_after_another_needs_it(work: Path) -> None:
    pytest.importorskip("torch")
    (work / "recipe.toml").write_text(RECIPE.replace('"sr"', '"sr-ar"').replace('"srcnn"', '"arcnn"'))
    command = ("train", "arcnn", "--config", work / "recipe.toml", "--data", work, "-o", work / "run")
    assert "trained after another one; name it with --after" in lbic(*command, code=ExitCode.USAGE).output


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_run_that_was_stopped_ends_as_interrupted(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from lbic.train.trainer import Trainer

    lbic("train", "prepare", work / "pictures", "--config", work / "recipe.toml", "-o", work / "data", "-j", 1)
    advance = Trainer.advance

    def stopped(trainer: Trainer, pairs: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return advance(trainer, pairs)

    monkeypatch.setattr(Trainer, "advance", stopped)
    command = ("train", "srcnn", "--config", work / "recipe.toml", "--data", work / "data", "-o", work / "run")
    result = lbic(*command, code=ExitCode.INTERRUPTED)
    assert "step 1 of 2; --resume continues" in result.stderr


def test_recipe_of_another_network(work: Path) -> None:
    command = ("train", "arcnn", "--config", work / "recipe.toml", "--data", work, "-o", work / "run")
    assert "use lbic train srcnn" in lbic(*command, code=ExitCode.USAGE).output


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jpeg-2", "must be CODEC:SCALE:TYPE"),
        ("jpeg:1.3:1", "scale 1.3 is not a sixteenth step within 1..4"),
        ("jpeg:1:7:40..5", "the qualities must be LOW..HIGH"),
        ("jpeg:1:7:5..96", "quality 96 is not in jpeg's range"),
    ],
)
def test_bad_default(work: Path, text: str, sentence: str) -> None:
    assert sentence in lbic("export", work / "last.pt", "--default", text, code=ExitCode.USAGE).output


def test_without_torch(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for command in (
        ("train", "srcnn", "--config", work / "recipe.toml", "--data", work, "-o", work / "run"),
        ("export", work / "last.pt"),
    ):
        assert "pip install 'lbic[train]'" in lbic(*command, code=ExitCode.MISSING).output


def test_what_is_no_checkpoint_and_no_models_folder(work: Path, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"no checkpoint")
    error = lbic("export", tmp_path / "a.pt", code=ExitCode.FAILED).stderr
    assert error == f"lbic: error: {tmp_path / 'a.pt'}: not a checkpoint\n"
    error = lbic("train", "table", "--models", tmp_path, code=ExitCode.FAILED).stderr
    assert "has no manifest.json" in error


def test_train_alone_shows_its_help() -> None:
    shown = lbic("train", code=ExitCode.USAGE).stderr
    assert shown.startswith("Usage: ")
    assert "prepare" in shown and len(shown.splitlines()) > 10
