"""The length of a run fitted to a time, with a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from helpers import RECIPE

from lbic.errors import UsageError
from lbic.train import checkpoint, config, loop, optimize
from lbic.train.data import PairSet, PairWriter
from lbic.train.fit import Fit
from lbic.train.schedule import Schedule
from lbic.train.trainer import Trainer

CPU = torch.device("cpu")
LONG = RECIPE.replace("steps = 6", "steps = 1000").replace("warmup = 2", "warmup = 20")


class Clock:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> PairSet:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(1)
    with PairWriter(folder, channels=1) as writer:
        truth = rng.integers(60, 160, (30, 40, 1), dtype=np.uint8)
        writer.add("a", truth, [(10, truth - 20), (20, truth + 30)])
        writer.close({})
    return PairSet(folder)


class Steps:
    """Replaces the training steps by steps that only take time; keeps the rates."""

    def __init__(self, trainer: Trainer, clock: Clock, seconds: Callable[[int], float]) -> None:
        self.trainer, self.clock, self.seconds = trainer, clock, seconds
        self.rates: list[float] = []

    def __call__(self, _: PairSet) -> torch.Tensor:
        trainer = self.trainer
        trainer.rate = optimize.rate_at(trainer.schedule.at(trainer.step), trainer.config.train)
        self.rates.append(trainer.rate)
        self.clock.seconds += self.seconds(trainer.step)
        trainer.step += 1
        return torch.tensor(0.5)


@pytest.fixture
def slow_checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """A clock with which a validation takes 2 seconds and a checkpoint 1."""
    clock = Clock()

    def save(*_: object) -> None:
        clock.seconds += 1

    def gains(*_: object) -> dict[int, float]:
        clock.seconds += 2
        return {10: 0.1}

    monkeypatch.setattr(checkpoint, "save", save)
    monkeypatch.setattr(loop, "gains", gains)
    yield clock


def _run(
    pairs: PairSet, folder: Path, clock: Clock, minutes: float, seconds: Callable[[int], float]
) -> tuple[Trainer, list[float], bool]:
    trainer = Trainer(config.parse(LONG), CPU)
    trainer.start_feed = lambda _: None  # type: ignore[method-assign,assignment]
    steps = Steps(trainer, clock, seconds)
    trainer.advance = steps  # type: ignore[method-assign,assignment]
    pace = loop.Pace(save_minutes=1, validate_every=100)
    finished = loop.run(trainer, pairs, pairs, folder, pace, lambda _: None, lambda: False, fit=Fit(minutes, clock))
    return trainer, steps.rates, finished


@pytest.mark.parametrize("speed", [0.05, 0.4, 3.0])
def test_the_rate_reaches_its_end_in_time(pairs: PairSet, tmp_path: Path, slow_checks: Clock, speed: float) -> None:
    def seconds(step: int) -> float:
        return 40.0 if step == 0 else speed  # the first step compiles

    _, rates, finished = _run(pairs, tmp_path, slow_checks, 8, seconds)
    assert finished
    assert 0.95 * 480 < slow_checks.seconds - 1000 <= 480 + speed
    assert rates[-1] < 2e-6
    assert max(rates) == pytest.approx(1e-3, rel=0.01)
    peak = int(np.argmax(rates))
    assert rates[peak:] == sorted(rates[peak:], reverse=True), "it falls without a jump upwards"
    drops = -np.diff(rates[peak:])
    assert drops.max() < 0.2 * max(rates), "and without a jump downwards"


@pytest.mark.parametrize("change", [0.4, 2.5])
def test_a_speed_that_changes(pairs: PairSet, tmp_path: Path, slow_checks: Clock, change: float) -> None:
    def seconds(step: int) -> float:
        return 0.2 * (change if slow_checks.seconds > 1300 else 1)

    _, rates, finished = _run(pairs, tmp_path, slow_checks, 8, seconds)
    assert finished
    assert 0.95 * 480 < slow_checks.seconds - 1000 <= 480
    assert rates[-1] < 2e-6


def test_a_machine_that_stalls_near_the_end_stops_in_time(pairs: PairSet, tmp_path: Path, slow_checks: Clock) -> None:
    trainer, _, _ = _run(pairs, tmp_path, slow_checks, 8, lambda _: 0.2 if slow_checks.seconds < 1470 else 9)
    assert 2000 < trainer.step < 2400
    assert slow_checks.seconds - 1000 <= 480 + 9


def test_the_time_counts_earlier_sittings() -> None:
    clock = Clock()
    fit = Fit(10, clock)
    fit.begin(500, 480)
    assert not fit.over()
    clock.seconds += 60
    ends = []
    for step in range(501, 510):
        clock.seconds += 1
        ends.append(fit.last_step(step, 100, 3))
    assert ends == [None] * 7 + [508 + 52, None], "60 and 8 of 120 seconds are over"
    clock.seconds += 51
    assert fit.over()


def test_a_schedule_maps_the_run_to_its_recipe() -> None:
    plain = Schedule(1000, 1000)
    assert [plain.at(step) for step in (0, 17, 999)] == [0, 17, 999]
    fitted = plain.refit(100, 400)
    assert (fitted.at(100), fitted.at(399), fitted.at(500)) == (100, 999, 999)
    assert fitted.at(250) == pytest.approx(100 + 899 * 150 / 299)
    assert fitted.refit(250, 401) is fitted, "one percent more is no change"
    assert fitted.refit(250, 399).end == 399
    again = fitted.refit(250, 300)
    assert again.at(250) == fitted.at(250)
    assert again.at(299) == 999
    assert Schedule(1000, 1000).restored(again.state()) == again
    assert Schedule(900, 900).restored(plain.state()) == Schedule(900, 900), "a plain one follows the recipe"
    with pytest.raises(UsageError, match="fitted to a recipe of 1000 steps; this recipe has 900"):
        Schedule(900, 900).restored(again.state())


def test_resume_keeps_the_fitted_schedule_exactly(pairs: PairSet, tmp_path: Path) -> None:
    def trainer() -> Trainer:
        return Trainer(config.parse(LONG), CPU)

    def go(run: Trainer, folder: str, fit_at: int, stop_at: int) -> None:
        def stopped() -> bool:
            if run.step == fit_at:
                run.fit(40)
            return run.step >= stop_at

        loop.run(run, pairs, None, tmp_path / folder, loop.Pace(), lambda _: None, stopped)

    straight, first, second = trainer(), trainer(), trainer()
    go(straight, "one", fit_at=10, stop_at=99)
    go(first, "two", fit_at=10, stop_at=17)
    second.restore(checkpoint.load(tmp_path / "two" / loop.LAST))
    assert second.schedule == straight.schedule != trainer().schedule
    assert second.seconds > 0
    go(second, "two", fit_at=-1, stop_at=99)
    assert straight.step == second.step == 40
    assert straight.rate == second.rate == optimize.rate_at(999, straight.config.train)
    for name, value in straight.average.state_dict().items():
        assert torch.equal(value, second.average.state_dict()[name]), name
