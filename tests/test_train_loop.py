"""Training: exact resume, safe stop, a schedule, and validation that only looks."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from helpers import RECIPE

from lbic.errors import FileError, UsageError
from lbic.nets import table as nets
from lbic.train import checkpoint, config, log, loop, losses, optimize
from lbic.train.config import TrainConfig
from lbic.train.data import PairSet, PairWriter
from lbic.train.trainer import Trainer
from lbic.train.validate import gains

CPU = torch.device("cpu")


def _pairs(folder: Path, seed: int, size: tuple[int, int] = (30, 40)) -> PairSet:
    """A prepared folder of noise whose coding is a little darker."""
    rng = np.random.default_rng(seed)
    writer = PairWriter(folder, channels=1)
    for name in ("a", "b"):
        truth = rng.integers(30, 256, (*size, 1), dtype=np.uint8)
        writer.add(name, truth, [(10, truth - 20), (20, truth - 10)])
    writer.close({})
    return PairSet(folder)


def _run(
    trainer: Trainer, pairs: PairSet, folder: Path, validation: PairSet | None = None, stop_at: int = 99
) -> tuple[bool, list[loop.Report]]:
    reports: list[loop.Report] = []
    pace = loop.Pace(validate_every=2)
    done = loop.run(trainer, pairs, validation, folder, pace, reports.append, lambda: trainer.step >= stop_at)
    return done, reports


def _same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def test_resume_is_exact(tmp_path: Path) -> None:
    pairs, recipe = _pairs(tmp_path / "data", 1), config.parse(RECIPE)
    straight = Trainer(recipe, CPU)
    assert _run(straight, pairs, tmp_path / "one")[0]

    assert not _run(Trainer(recipe, CPU), pairs, tmp_path / "two", stop_at=3)[0]
    resumed = Trainer(recipe, CPU)
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
        trainer = Trainer(recipe, CPU)
        _run(trainer, pairs, tmp_path / f"run-{name}", validation)
        weights.append(trainer.network.state_dict())
    assert _same(weights[0], weights[1])
    assert _same(weights[0], weights[2])


def test_reports_and_log(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "data", 1)
    _, reports = _run(Trainer(config.parse(RECIPE), CPU), pairs, tmp_path / "run", pairs)
    assert [report.step for report in reports] == [1, 2, 3, 4, 5, 6]
    assert [report.gains is not None for report in reports] == [False, True] * 3
    lines = [json.loads(line) for line in (tmp_path / "run" / log.LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert set(lines[0]["gain"]) == {"10", "20"}


def test_it_learns(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "data", 1)
    recipe = config.parse(RECIPE.replace("steps = 6", "steps = 60"))
    _, reports = _run(Trainer(recipe, CPU), pairs, tmp_path / "run", pairs)
    gains = reports[-1].gains
    assert gains is not None
    assert gains[10] > 3


def test_time_budget_stops_after_a_step_and_saves(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "data", 1)
    trainer = Trainer(config.parse(RECIPE), CPU)
    done = loop.run(trainer, pairs, None, tmp_path / "run", loop.Pace(minutes=1e-9), lambda _: None, lambda: False)
    assert not done
    assert checkpoint.load(tmp_path / "run" / loop.LAST)["step"] == 1


def test_bf16_autocast_trains(tmp_path: Path) -> None:
    recipe = config.parse(RECIPE.replace("warmup = 2", 'warmup = 2\nautocast = "bf16"'))
    done, reports = _run(Trainer(recipe, CPU), _pairs(tmp_path / "data", 1), tmp_path / "run")
    assert done
    assert np.isfinite(reports[-1].loss)


def test_rate_warms_up_and_decays() -> None:
    plan = TrainConfig(steps=100, rate=1.0, final_rate=0.1, warmup=10)
    rates = [optimize.rate_at(step, plan) for step in range(101)]
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
    colour = torch.zeros(1, 3, 4, 4)
    colour[:, 0] = 0.5  # red: 0.25 / 3 in RGB, (0.5 * 0.299)^2 in luma
    expected = 0.5 * (0.25 / 3 + 0.1495**2) / 0.1
    assert losses.find("relative-luma")(colour, torch.zeros(1, 3, 4, 4), torch.tensor([0.1])) == pytest.approx(expected)
    small = torch.tensor([0.1 * expected / 20])  # the loss would be 20
    far = losses.find("relative-luma")(colour, torch.zeros(1, 3, 4, 4), small)
    assert far == pytest.approx(2 * (1 + np.log(10))), "far from the truth a crop counts by its logarithm"
    with pytest.raises(UsageError, match="known: mse"):
        losses.find("ssim")


def test_checkpoints_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not a readable checkpoint"):
        checkpoint.load(tmp_path / "none.pt")
    (tmp_path / "bad.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(FileError, match=r"bad\.pt: not a checkpoint"):
        checkpoint.load(tmp_path / "bad.pt")
    for content in (b"", b"hello world"):
        (tmp_path / "bad.pt").write_bytes(content)
        with pytest.raises(FileError, match=r"bad\.pt: not a (readable )?checkpoint"):
            checkpoint.load(tmp_path / "bad.pt")
    for state in (torch.zeros(2), [1], {"format": 1}):
        torch.save(state, tmp_path / "bad.pt")
        with pytest.raises(FileError, match=r"bad\.pt: not a checkpoint"):
            checkpoint.load(tmp_path / "bad.pt")


def test_checkpoint_of_another_network(tmp_path: Path) -> None:
    state = Trainer(config.parse(RECIPE), CPU).state()
    other = Trainer(config.parse(RECIPE.replace("srcnn", "arcnn")), CPU)
    with pytest.raises(UsageError, match="not of the network 'arcnn'"):
        other.restore(state)
    with pytest.raises(UsageError, match="optimizer 'muon'"):
        Trainer(config.parse(RECIPE.replace("batch = 2", 'batch = 2\noptimizer = "muon"')), CPU).restore(state)


def test_a_run_goes_on_beside_the_networks_it_began_with() -> None:
    recipe, before, other = config.parse(RECIPE), nets.build("srcnn"), nets.build("srcnn")
    state = Trainer(recipe, CPU, before).state()
    Trainer(recipe, CPU, copy.deepcopy(before)).restore(state)
    for stranger in (other, None):
        with pytest.raises(UsageError, match="a run with another network 'after', or with none"):
            Trainer(recipe, CPU, stranger).restore(state)


def test_the_steps_are_saved_before_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> dict[int, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "gains", killed)
    pairs = _pairs(tmp_path / "data", 1)
    with pytest.raises(KeyboardInterrupt):
        _run(Trainer(config.parse(RECIPE), CPU), pairs, tmp_path / "run", pairs, stop_at=1)
    assert checkpoint.load(tmp_path / "run" / loop.LAST)["step"] == 1


def test_a_loss_that_is_no_number_ends_the_run_and_is_not_saved(tmp_path: Path) -> None:
    trainer = Trainer(config.parse(RECIPE), CPU)
    with torch.no_grad():
        next(trainer.network.parameters()).fill_(float("nan"))
    with pytest.raises(UsageError, match="the loss is nan at step 1"):
        _run(trainer, _pairs(tmp_path / "data", 1), tmp_path / "run")
    assert not (tmp_path / "run" / loop.LAST).exists()


def test_weights_that_are_no_numbers_leave_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = _pairs(tmp_path / "data", 1)
    trainer = Trainer(config.parse(RECIPE), CPU)
    _run(trainer, pairs, tmp_path / "run", stop_at=1)

    def diverge(_: PairSet) -> torch.Tensor:
        trainer.step += 1
        with torch.no_grad():
            next(trainer.average.parameters()).fill_(float("nan"))
        return torch.tensor(0.5)

    monkeypatch.setattr(trainer, "advance", diverge)
    with pytest.raises(UsageError, match="the weights are not finite at step 2"):
        _run(trainer, pairs, tmp_path / "run", stop_at=2)
    assert checkpoint.load(tmp_path / "run" / loop.LAST)["step"] == 1


def test_networks_that_do_not_fit_are_told_before_training(tmp_path: Path) -> None:
    recipe = config.parse(RECIPE)
    with pytest.raises(UsageError, match=r"the network 'srcnn' needs data\.channels = 1"):
        Trainer(config.parse(RECIPE.replace("scale = 2", "scale = 2\nchannels = 3")), CPU)
    with pytest.raises(UsageError, match="runs before has 3 channels, the one after it 1"):
        Trainer(recipe, CPU, nets.build("hgrdn-lite"))
    with pytest.raises(UsageError, match="the teacher has 1 channels and a margin of 9 pixels, the network 1 and 8"):
        Trainer(config.parse(RECIPE + "[distill]"), CPU, teacher=nets.build("arcnn"))


def test_pictures_of_any_size_validate(tmp_path: Path) -> None:
    odd = _pairs(tmp_path / "odd", 1, size=(31, 37))
    trainer = Trainer(config.parse(RECIPE.replace("srcnn", "fast-arcnn")), CPU)
    assert trainer.multiple > 1
    found = gains(trainer.restore_picture, odd, trainer.multiple)
    assert found == pytest.approx({10: 0, 20: 0}, abs=0.1), "untrained, it is the identity"


@pytest.mark.parametrize(("name", "value"), [("codec", "webp"), ("scale", 1), ("channels", 3)])
def test_pictures_that_were_prepared_for_another_recipe(tmp_path: Path, name: str, value: object) -> None:
    writer = PairWriter(tmp_path / "data", channels=3 if name == "channels" else 1)
    about = {"codec": "jpeg", "scale": 2} | ({name: value} if name != "channels" else {})
    writer.close({"data": about})
    (tmp_path / "data" / "truth.u8").write_bytes(b"0")
    (tmp_path / "data" / "coded.u8").write_bytes(b"0")
    with pytest.raises(UsageError, match=f"was prepared with {name} {value}, the recipe has "):
        _run(Trainer(config.parse(RECIPE), CPU), PairSet(tmp_path / "data"), tmp_path / "run")


def test_recipes_that_lack_a_network_before(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="after_share needs the network that runs before"):
        Trainer(config.parse(RECIPE.replace("batch = 2", "batch = 2\nafter_share = 0.5")), CPU)
    with pytest.raises(UsageError, match="sides that are multiples of 8"):
        Trainer(config.parse(RECIPE.replace("srcnn", "hgrdn-lite").replace("[data]", "[data]\nchannels = 3")), CPU)
