"""Training with a teacher: orientations, the target, the pool, exact resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from helpers import RECIPE
from torch import Tensor, nn

from lbic.errors import UsageError
from lbic.nets.base import Network
from lbic.train import checkpoint, config, loop, teacher
from lbic.train.config import DistillConfig, TrainConfig
from lbic.train.data import PairSet, PairWriter
from lbic.train.teacher import Teacher
from lbic.train.trainer import Trainer

CPU = torch.device("cpu")
TRAIN = TrainConfig(steps=6, batch=3, patch=6)
TAUGHT = RECIPE.replace("[export]", "[distill]\npool = 4\n[export]")


class Convolution(Network):
    """One 3x3 convolution that needs a pixel of context."""

    margin = 1

    def __init__(self, kernel: Tensor) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, bias=False)
        self.conv.weight.data = kernel[None, None]

    def forward(self, picture: Tensor) -> Tensor:
        result: Tensor = self.conv(picture)
        return result


def _identity() -> Convolution:
    kernel = torch.zeros(3, 3)
    kernel[1, 1] = 1
    return Convolution(kernel)


@pytest.fixture
def pairs(tmp_path: Path) -> PairSet:
    rng = np.random.default_rng(1)
    writer = PairWriter(tmp_path / "data", channels=1)
    truth = rng.integers(30, 226, (30, 40, 1), dtype=np.uint8)
    writer.add("a", truth, [(10, truth - 20), (20, truth + 30)])
    writer.close({})
    return PairSet(tmp_path / "data")


def test_orientations() -> None:
    crop = torch.arange(9.0).reshape(1, 3, 3)
    oriented = [teacher.orient(crop, orientation) for orientation in range(8)]
    assert len({tuple(one.flatten().tolist()) for one in oriented}) == 8
    for orientation, one in enumerate(oriented):
        assert torch.equal(teacher.orient_back(one, orientation), crop)


def test_the_mean_of_orientations_is_that_of_the_kernels() -> None:
    kernel = torch.randn(3, 3, generator=torch.Generator().manual_seed(1))
    crops = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    mean = torch.stack([teacher.orient(kernel, orientation) for orientation in range(8)]).mean(0)
    with torch.no_grad():
        output = teacher.mean_of_orientations(Convolution(kernel), crops, torch.zeros(2))
        expected, once = Convolution(mean)(crops), Convolution(kernel)(crops)
    assert output.shape == (2, 1, 6, 6)
    torch.testing.assert_close(output, expected)
    assert not torch.allclose(output, once)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_target_lies_between_truth_and_teacher(pairs: PairSet, share: float) -> None:
    taught = Teacher(_identity(), DistillConfig(share=share), TRAIN, CPU)
    coded, target, error, quality = taught.sample(pairs, np.random.default_rng(0))
    assert coded.shape == (3, 1, 8, 8)
    assert target.shape == (3, 1, 6, 6)
    inner = coded[..., 1:-1, 1:-1]
    damage = torch.where(quality == 10, -20.0, 30.0).reshape(-1, 1, 1, 1) / 255
    torch.testing.assert_close(target, inner - (1 - share) * damage)
    torch.testing.assert_close(error, damage.flatten().square())


def test_the_pool_is_filled_and_then_renewed(pairs: PairSet) -> None:
    taught = Teacher(_identity(), DistillConfig(pool=5, fresh=2), TRAIN, CPU)
    rng = np.random.default_rng(0)
    sizes, kept = [], []
    for _ in range(4):
        before = list(taught.pool)
        taught.sample(pairs, rng)
        sizes.append(len(taught.pool))
        kept.append(sum(any(crop is other for other in taught.pool) for crop in before))
    assert sizes == [3, 5, 5, 5]
    assert kept == [0, 3, 3, 3]


def test_resume_is_exact(pairs: PairSet, tmp_path: Path) -> None:
    recipe = config.parse(TAUGHT)

    def trainer() -> Trainer:
        torch.manual_seed(5)
        return Trainer(recipe, CPU, teacher=Trainer(config.parse(RECIPE), CPU).network)

    def run(one: Trainer, name: str, stop_at: int = 99) -> None:
        loop.run(one, pairs, None, tmp_path / name, loop.Pace(), lambda _: None, lambda: one.step >= stop_at)

    straight, stopped, resumed = trainer(), trainer(), trainer()
    run(straight, "one")
    run(stopped, "two", stop_at=3)
    resumed.restore(checkpoint.load(tmp_path / "two" / loop.LAST))
    run(resumed, "two")
    assert resumed.step == 6
    for name, value in straight.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


def test_a_network_learns_its_teachers_mean(pairs: PairSet) -> None:
    """From another start, it comes nearer to the mean than to the truth."""
    recipe = config.parse(TAUGHT.replace("steps = 6", "steps = 150").replace("pool = 4", "pool = 16\nshare = 1"))
    taught = Trainer(config.parse(RECIPE), CPU).network  # untrained: it changes nothing
    trainer = Trainer(recipe, CPU, teacher=taught)
    dict(trainer.network.named_parameters())["body.4.bias"].data.fill_(0.2)
    first = float(trainer.advance(pairs))
    for _ in range(149):
        last = float(trainer.advance(pairs))
    assert last < first / 10


def test_teachers_and_recipes_need_each_other() -> None:
    plain, taught = config.parse(RECIPE), config.parse(TAUGHT)
    network = Trainer(plain, CPU).network
    with pytest.raises(UsageError, match=r"a teacher needs a recipe with \[distill\]"):
        Trainer(plain, CPU, teacher=network)
    with pytest.raises(UsageError, match=r"a recipe with \[distill\] needs a teacher"):
        Trainer(taught, CPU)
    with pytest.raises(UsageError, match="cannot have a teacher"):
        Trainer(taught, CPU, before=network, teacher=network)


@pytest.mark.parametrize("line", ["share = 0", "share = 1.5", "fresh = 0", "fresh = 5"])
def test_recipes_that_no_teacher_can_serve(line: str) -> None:
    with pytest.raises(UsageError, match=r"distill\.share must be"):
        config.parse(TAUGHT.replace("pool = 4", f"pool = 4\n{line}"))
