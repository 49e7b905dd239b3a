"""Weights in parts for another machine, what a training prints, and compilation that fails."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from cli_helpers import lbic
from helpers import RECIPE, photo

from lbic.errors import ExitCode, FileError
from lbic.nets import table as nets
from lbic.train import config, export, flops, parts
from lbic.train.data import PairSet, PairWriter
from lbic.train.trainer import Trainer

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[1]


@pytest.fixture
def pairs(tmp_path: Path) -> PairSet:
    rng = np.random.default_rng(1)
    with PairWriter(tmp_path / "data", channels=1) as writer:
        truth = rng.integers(60, 160, (50, 60, 1), dtype=np.uint8)
        writer.add("a", truth, [(10, truth - 20)])
        writer.close({})
    return PairSet(tmp_path / "data")


def _joined(folder: Path) -> bytes:
    """Join the parts, and check every line of the list of checksums."""
    data = b"".join(path.read_bytes() for path in sorted(folder.glob("weights.pt.*")))
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        content = data if name == "weights.pt" else (folder / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, name
    return data


def test_parts_make_a_checkpoint(tmp_path: Path) -> None:
    trainer = Trainer(config.parse(RECIPE), CPU)
    (tmp_path / "log.jsonl").write_text("a line\n")
    for step in (7, 8):  # the second replaces the first
        trainer.step = step
        also = (tmp_path / "log.jsonl", tmp_path / "missing")
        paths = parts.write(tmp_path / "out" / "weights", trainer.state(), 50_000, also)
        assert len(paths) == 3
        assert max(path.stat().st_size for path in paths) <= 50_000
        assert (tmp_path / "out" / "weights" / "log.jsonl").read_text() == "a line\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["weights"]
    whole = tmp_path / "weights.pt"
    whole.write_bytes(_joined(tmp_path / "out" / "weights"))
    assert whole.stat().st_size < 0.6 * sum(4 * p.numel() for p in trainer.network.parameters())
    recipe, network, step = export.read_checkpoint(whole)
    assert (recipe.export.name, step) == ("tiny", 8)
    for one in (network, export.read_network(whole)):
        for name, value in trainer.average.state_dict().items():
            torch.testing.assert_close(one.state_dict()[name], value, rtol=1e-3, atol=1e-7)


def test_a_training_starts_from_a_checkpoint(tmp_path: Path) -> None:
    parts.write(tmp_path / "weights", Trainer(config.parse(RECIPE), CPU).state(), 1 << 20)
    (tmp_path / "weights.pt").write_bytes(_joined(tmp_path / "weights"))
    weights = export.read_start([tmp_path / "weights.pt"], nets.build("srcnn"))
    assert weights["body.0.weight"].dtype == torch.float32
    with pytest.raises(FileError, match="not a checkpoint"):
        (tmp_path / "bad.pt").write_bytes(b"nothing")
        export.read_network(tmp_path / "bad.pt")


def test_parts_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="cannot write"):
        parts.write(tmp_path / "file" / "weights", Trainer(config.parse(RECIPE), CPU).state(), 1 << 20)


def test_the_operations_of_a_step() -> None:
    trainer = Trainer(config.parse(RECIPE), CPU)
    network = trainer.network
    kernels = [p for p in network.parameters() if p.ndim == 4]
    areas = []
    side = 12 + 2 * network.margin
    for kernel in kernels:
        side -= kernel.shape[2] - 1
        areas.append(side * side)
    expected = sum(kernel.numel() * area for kernel, area in zip(kernels, areas, strict=True))
    crops, passes, operations = 2, 3, 2
    assert flops.of_a_step(trainer) == crops * passes * operations * expected


def test_compilation_that_fails(pairs: PairSet, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> object:
        def inside(_: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no compiler here\nand more")

        return inside

    monkeypatch.setattr(torch, "compile", refuse)
    trainer = Trainer(config.parse(RECIPE.replace("batch = 2", "batch = 2\ncompile = true")), CPU)
    plain = Trainer(config.parse(RECIPE), CPU)
    for _ in range(2):
        assert trainer.advance(pairs) == plain.advance(pairs)
    assert trainer.compiled is not None
    assert trainer.compiled.failure == "no compiler here"
    with pytest.raises(ValueError, match="bad batch"):
        monkeypatch.setattr(trainer, "loss", lambda *_: (_ for _ in ()).throw(ValueError("bad batch")))
        trainer.advance(pairs)


def test_blocks_are_compiled_and_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda call, **_: lambda *args: call(*args))
    recipe = RECIPE.replace("srcnn", "hgrdn-lite").replace("scale = 2", "scale = 1\nchannels = 3")
    trainer = Trainer(config.parse(recipe.replace("patch = 12", "patch = 16\ncompile = true")), CPU)
    blocks = [m for m in trainer.network.modules() if isinstance(m, trainer.network.repeated)]
    assert len(blocks) == 8
    assert all(block._compiled_call_impl is not None for block in blocks)
    assert trainer.compiled is not None
    assert trainer.compiled.undo(RuntimeError("no"))
    assert all(block._compiled_call_impl is None for block in blocks)
    assert not trainer.compiled.undo(RuntimeError("again"))


SCRIPT_RECIPE = """
network = "srcnn"
[data]
codec = "jpeg"
scale = 2
quality = [20, 40]
validation = [30]
per_picture = 1
[train]
steps = 4
batch = 1
patch = 12
[export]
name = "tiny"
role = "sr"
"""


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_the_script_for_a_borrowed_gpu(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(SCRIPT_RECIPE)
    for name, more in (("train", ()), ("val", ("--validation",))):
        (tmp_path / name).mkdir()
        photo(60, 50).save(tmp_path / name / f"{name}.png")
        lbic("train", "prepare", tmp_path / name, "--config", recipe, "-o", tmp_path / f"{name}-data", *more)
        lbic("train", "pack", tmp_path / name, "--data", tmp_path / f"{name}-data", "-o", tmp_path / "parts" / name)
    script = [ROOT / "models" / "train_full.sh", "--parts", tmp_path / "parts", "--out", tmp_path / "out"]
    command = [*script, "--recipe", recipe, "--work", tmp_path / "work", "--minutes", "9"]
    options = ["--", "--fit-minutes", "0", "--threads", "1"]  # the recipe's four steps, no time
    environment = os.environ | {"PYTHON": sys.executable}
    result = subprocess.run(list(map(str, command + options)), env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "out" / "train.log").read_text() == result.stdout
    assert "step 4 of 4" in result.stdout
    assert "dB at 30" in result.stdout
    assert (tmp_path / "out" / "log.jsonl").is_file()
    (tmp_path / "weights.pt").write_bytes(_joined(tmp_path / "out" / "weights"))
    assert export.read_checkpoint(tmp_path / "weights.pt")[2] == 4
    lbic("export", tmp_path / "weights.pt", "-o", tmp_path / "models")

    late = subprocess.run(
        list(map(str, [*command[:-1], "0.01", *options])), env=environment, capture_output=True, text=True
    )
    assert late.returncode == 2
    assert "no time is left to train" in late.stdout


def test_lines_with_the_speed(pairs: PairSet, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("steps = 6", "steps = 30"))
    run = ("train", "srcnn", "--config", tmp_path / "recipe.toml", "--data", pairs.folder, "-o", tmp_path / "run")
    more = ("--val", pairs.folder, "--print-every", "1e-9", "--parts", tmp_path / "weights", "--mib", 1)
    lines = lbic(*run, *more).stderr.splitlines()
    assert "step 1 of 30" in lines[0]
    assert "steps/s" not in lines[0]
    assert "steps/s" in lines[20] and "TFLOP/s" in lines[20]
    assert any("dB at 10" in line for line in lines)
    assert b"".join(path.read_bytes() for path in sorted((tmp_path / "weights").glob("weights.pt.*")))
    assert "exclude each other" in lbic(*run, "--minutes", 1, "--fit-minutes", 1, code=ExitCode.USAGE).output
