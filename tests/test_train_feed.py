"""Batches drawn ahead in a thread: the same as in turn, also after a resume."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from helpers import RECIPE

from lbic.train import config, feed, loop
from lbic.train.data import Levels, PairSet, PairWriter
from lbic.train.taught import TaughtSet, choose, teach
from lbic.train.trainer import Trainer

CPU = torch.device("cpu")
TAUGHT = RECIPE.replace("scale = 2", "scale = 1").replace("[export]", "[taught]\n[export]")


@pytest.fixture
def pairs(tmp_path: Path) -> PairSet:
    rng = np.random.default_rng(1)
    with PairWriter(tmp_path / "data", channels=1) as writer:
        truth = rng.integers(60, 160, (50, 60, 1), dtype=np.uint8)
        writer.add("a", truth, [(10, truth - 20), (20, truth + 30)])
        writer.close({})
    return PairSet(tmp_path / "data")


def test_a_batch_is_the_one_drawn_in_turn(pairs: PairSet) -> None:
    turn, fed = np.random.default_rng(3), np.random.default_rng(3)
    source = feed.Feed(lambda rng, _: pairs.draw(rng, 3, 12, 4), fed, 0, pin=False)
    for _ in range(9):
        expected = pairs.sample(turn, 3, 12, 4)
        batch = feed.on_device(source.next(), CPU)
        for values, other in zip(batch, expected, strict=True):
            assert values.dtype == torch.float32
            np.testing.assert_array_equal(values.numpy(), other)
        assert fed.bit_generator.state == turn.bit_generator.state, "what was drawn ahead does not count"
    source.close()


def test_crops_travel_as_bytes(pairs: PairSet) -> None:
    levels = pairs.draw(np.random.default_rng(3), 3, 12, 4)
    assert levels.coded.dtype == levels.truth.dtype == np.uint8


def test_what_drawing_raises_reaches_the_step() -> None:
    def draw(rng: np.random.Generator, step: int) -> Levels:
        if step == 2:
            raise OSError("disk gone")
        values = np.full(1, step, np.float32)
        return Levels(np.zeros((1, 1, 2, 2), np.uint8), np.zeros((1, 1, 2, 2), np.uint8), values, values)

    source = feed.Feed(draw, np.random.default_rng(), 0, pin=False)
    assert [float(source.next()[3]) for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="disk gone"):
        source.next()
    source.restart(7)
    assert float(source.next()[3]) == 7
    source.close()


def test_a_fed_run_equals_one_without(pairs: PairSet, tmp_path: Path) -> None:
    fed, plain = (Trainer(config.parse(RECIPE), CPU) for _ in range(2))
    loop.run(fed, pairs, None, tmp_path / "run", loop.Pace(), lambda _: None, lambda: False)
    for _ in range(6):
        plain.advance(pairs)
    assert json.dumps(fed.rng.bit_generator.state) == json.dumps(plain.rng.bit_generator.state)
    for name, value in fed.network.state_dict().items():
        assert torch.equal(value, plain.network.state_dict()[name]), name


def test_a_new_schedule_draws_waiting_batches_again(pairs: PairSet) -> None:
    network = Trainer(config.parse(RECIPE), CPU).network
    teach(network, "print", pairs, choose(pairs, 2, 40, seed=1), False, lambda *_: None)
    known, other = TaughtSet(pairs.folder), TaughtSet(pairs.folder)
    fed, plain = (Trainer(config.parse(TAUGHT.replace("steps = 6", "steps = 60")), CPU) for _ in range(2))
    fed.start_feed(known)
    for end in (60, 20, 12):
        for trainer, source in ((fed, known), (plain, other)):
            trainer.fit(end)
            for _ in range(4):
                trainer.advance(source)
    fed.stop_feed()
    assert fed.step == plain.step == fed.schedule.end
    for name, value in fed.network.state_dict().items():
        assert torch.equal(value, plain.network.state_dict()[name]), name
