"""Training: exact resume, safe stop, a schedule, and validation that only looks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from helpers import RECIPE

from lbic.errors import FileError, UsageError
from lbic.train import checkpoint, config, loop, losses
from lbic.train.config import TrainConfig
from lbic.train.data import PairSet, PairWriter

CPU = torch.device("cpu")


def _pairs(folder: Path, seed: int) -> PairSet:
    """A prepared folder of noise whose coding is a little darker."""
    rng = np.random.default_rng(seed)
    writer = PairWriter(folder, channels=1)
    for name in ("a", "b"):
        truth = rng.integers(30, 256, (30, 40, 1), dtype=np.uint8)
        writer.add(name, truth, [(10, truth - 20), (20, truth - 10)])
    writer.close({})
    return PairSet(folder)


def _run(
    trainer: loop.Trainer, pairs: PairSet, folder: Path, validation: PairSet | None = None, stop_at: int = 99
) -> tuple[bool, list[loop.Report]]:
    reports: list[loop.Report] = []
    pace = loop.Pace(validate_every=2)
    done = loop.run(trainer, pairs, validation, folder, pace, reports.append, lambda: trainer.step >= stop_at)
    return done, reports


def _same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def test_resume_is_exact(tmp_path: Path) -> None:
    pairs, recipe = _pairs(tmp_path / "data", 1), config.parse(RECIPE)
    straight = loop.Trainer(recipe, CPU)
    assert _run(straight, pairs, tmp_path / "one")[0]

    assert not _run(loop.Trainer(recipe, CPU), pairs, tmp_path / "two", stop_at=3)[0]
    resumed = loop.Trainer(recipe, CPU)
    resumed.restore(checkpoint.load(tmp_path / "two" / loop.LAST))
    assert resumed.step == 3
    assert _run(resumed, pairs, tmp_path / "two")[0]

    assert _same(straight.network.state_dict(), resumed.network.state_dict())
    assert _same(straight.average.state_dict(), resumed.average.state_dict())
    assert not _same(straight.network.state_dict(), straight.average.state_dict())


def test_validation_never_trains(tmp_path: Path) -> None:
    pairs, recipe = _pairs(tmp_path / "data", 1), config.parse(RECIPE)
    weights = []
    for name, validation in (("none", None), ("v", _pairs(tmp_path / "v", 2)), ("w", _pairs(tmp_path / "w", 3))):
        trainer = loop.Trainer(recipe, CPU)
        _run(trainer, pairs, tmp_path / f"run-{name}", validation)
        weights.append(trainer.network.state_dict())
    assert _same(weights[0], weights[1])
    assert _same(weights[0], weights[2])


def test_reports_and_log(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "data", 1)
    _, reports = _run(loop.Trainer(config.parse(RECIPE), CPU), pairs, tmp_path / "run", pairs)
    assert [report.step for report in reports] == [1, 2, 3, 4, 5, 6]
    assert [report.gains is not None for report in reports] == [False, True] * 3
    lines = [json.loads(line) for line in (tmp_path / "run" / loop.LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert set(lines[0]["gain"]) == {"10", "20"}


def test_it_learns(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "data", 1)
    recipe = config.parse(RECIPE.replace("steps = 6", "steps = 60"))
    _, reports = _run(loop.Trainer(recipe, CPU), pairs, tmp_path / "run", pairs)
    gains = reports[-1].gains
    assert gains is not None
    assert gains[10] > 3


def test_time_budget_stops_after_a_step_and_saves(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "data", 1)
    trainer = loop.Trainer(config.parse(RECIPE), CPU)
    done = loop.run(trainer, pairs, None, tmp_path / "run", loop.Pace(minutes=1e-9), lambda _: None, lambda: False)
    assert not done
    assert checkpoint.load(tmp_path / "run" / loop.LAST)["step"] == 1


def test_bf16_autocast_trains(tmp_path: Path) -> None:
    recipe = config.parse(RECIPE.replace("warmup = 2", 'warmup = 2\nautocast = "bf16"'))
    done, reports = _run(loop.Trainer(recipe, CPU), _pairs(tmp_path / "data", 1), tmp_path / "run")
    assert done
    assert np.isfinite(reports[-1].loss)


def test_rate_warms_up_and_decays() -> None:
    plan = TrainConfig(steps=100, rate=1.0, final_rate=0.1, warmup=10)
    rates = [loop.rate_at(step, plan) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_losses() -> None:
    output, truth = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    truth[1] = 0.5
    error = torch.tensor([0.01, 0.5])
    assert losses.find("mse")(output, truth, error) == pytest.approx(0.125)
    assert losses.find("l1")(output, truth, error) == pytest.approx(0.25)
    assert losses.find("rmse")(output, truth, error) == pytest.approx(0.25, abs=1e-3)
    assert losses.find("relative")(output, truth, error) == pytest.approx(0.25)
    with pytest.raises(UsageError, match="known: mse"):
        losses.find("ssim")


def test_checkpoints_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not a readable checkpoint"):
        checkpoint.load(tmp_path / "none.pt")
    (tmp_path / "bad.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(FileError, match="not a readable checkpoint"):
        checkpoint.load(tmp_path / "bad.pt")


def test_checkpoint_of_another_network(tmp_path: Path) -> None:
    state = loop.Trainer(config.parse(RECIPE), CPU).state()
    other = loop.Trainer(config.parse(RECIPE.replace("srcnn", "arcnn")), CPU)
    with pytest.raises(UsageError, match="not of the network 'arcnn'"):
        other.restore(state)
