"""A teacher's stored outputs: what is stored, what becomes the target, the
recipe's share of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from cli_helpers import lbic
from helpers import RECIPE
from torch import Tensor

from lbic.errors import FileError, UsageError
from lbic.nets import table as nets
from lbic.nets.base import Network
from lbic.train import config, export, taught
from lbic.train.data import PairSet, PairWriter
from lbic.train.taught import TaughtSet
from lbic.train.trainer import Trainer

CPU = torch.device("cpu")
RECIPE_TAUGHT = RECIPE.replace("scale = 2", "scale = 1").replace("[export]", "[taught]\n[export]")


class Brighter(Network):
    """Adds ten and a quarter levels, more at a higher quality."""

    quality_plane = True
    multiple = 4

    def forward(self, picture: Tensor) -> Tensor:
        assert picture.shape[2] % 4 == picture.shape[3] % 4 == 0
        brighter: Tensor = picture[:, :1] + (10.25 / 255) * picture[:, 1:] * 63 / 10
        return brighter


@pytest.fixture
def pairs(tmp_path: Path) -> PairSet:
    rng = np.random.default_rng(1)
    with PairWriter(tmp_path / "data", channels=1) as writer:
        for name, size in (("a", (150, 170, 1)), ("b", (40, 33, 1))):
            truth = rng.integers(60, 160, size, dtype=np.uint8)
            writer.add(name, truth, [(10, truth - 20), (20, truth + 30)])
        writer.close({})
    return PairSet(tmp_path / "data")


def _teach(pairs: PairSet, count: int = 4, side: int = 64) -> list[taught.Area]:
    areas = taught.choose(pairs, count, side, seed=1)
    taught.teach(Brighter(), "print", pairs, areas, False, lambda done, of: None)
    return areas


def test_areas_lie_in_the_pictures(pairs: PairSet) -> None:
    areas = taught.choose(pairs, 9, 64, seed=1)
    assert [area.pair for area in areas] == [0, 1, 2, 3]
    assert [(area.height, area.width) for area in areas] == [(64, 64)] * 2 + [(40, 33)] * 2
    for area in areas:
        pair = pairs.pairs[area.pair]
        assert 0 <= area.top <= pair.height - area.height
        assert 0 <= area.left <= pair.width - area.width
    assert len({(area.top, area.left) for area in areas[:2]}) == 2


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_the_target_is_between_the_truth_and_the_output(pairs: PairSet, share: float) -> None:
    _teach(pairs)
    known = TaughtSet(pairs.folder)
    known.share = share
    coded, target, _, quality = known.sample(np.random.default_rng(2), batch=32, patch=16, margin=4)
    for crop, goal, q in zip(coded, target, quality, strict=True):
        inner = crop[:, 4:-4, 4:-4] * 255
        truth = inner + (20 if q == 10 else -30)
        output = inner + (10.25 if q == 10 else 20.5)
        np.testing.assert_allclose(goal * 255, truth + share * (output - truth), atol=1e-3)


def test_without_a_share_crops_come_from_everywhere(pairs: PairSet) -> None:
    _teach(pairs, count=1)
    known, plain = TaughtSet(pairs.folder), PairSet(pairs.folder)
    for drawn, expected in zip(
        *(each.sample(np.random.default_rng(5), 8, 16, 2) for each in (known, plain)), strict=True
    ):
        np.testing.assert_array_equal(drawn, expected)
    known.share = 0.5
    quality = known.sample(np.random.default_rng(5), 8, 16, 2).quality
    assert len(set(quality.tolist())) == 1, "one area alone was taught"


def test_a_folder_without_outputs_is_refused(pairs: PairSet) -> None:
    with pytest.raises(FileError, match="holds no teacher's outputs"):
        TaughtSet(pairs.folder)


def test_the_share_goes_from_the_first_to_the_last() -> None:
    assert [taught.share_at(step, 5, 0.9, 0.1) for step in range(5)] == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1])
    assert taught.share_at(0, 1, 0.9, 0.1) == 0.9


def test_a_run_moves_the_share(pairs: PairSet) -> None:
    _teach(pairs)
    known = TaughtSet(pairs.folder)
    trainer = Trainer(config.parse(RECIPE_TAUGHT), CPU)
    shares = []
    for _ in range(6):
        trainer.advance(known)
        shares.append(known.share)
    assert shares == pytest.approx([0.9, 0.72, 0.54, 0.36, 0.18, 0.0])


def test_a_recipe_with_stored_outputs_needs_them(pairs: PairSet) -> None:
    trainer = Trainer(config.parse(RECIPE_TAUGHT), CPU)
    with pytest.raises(UsageError, match="lbic train teach"):
        trainer.advance(pairs)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [("[taught]\nfirst = 1.5", "taught.first and taught.last"), ("[distill]\n[taught]", "exclude each other")],
)
def test_recipes_are_checked(lines: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        config.parse(RECIPE.replace("[export]", f"{lines}\n[export]"))


def test_the_command_stores_what_the_network_makes(pairs: PairSet, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = nets.build("srcnn").eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=1e-2)
        if parameter.ndim == 4:  # the same in every orientation, which crops are drawn in
            parameter.data[:] = parameter.data.mean((2, 3), keepdim=True)
    (tmp_path / "t.onnx").write_bytes(export.to_onnx(network, {"network": "srcnn"}))
    options = ("--teacher", tmp_path / "t.onnx", "--areas", "2", "--side", "64", "--float32")
    result = lbic("train", "teach", pairs.folder, *options)
    assert result.exit_code == 0, result.output
    assert "2 areas, 0 megapixels" in result.stderr
    known = TaughtSet(pairs.folder)
    known.share = 1
    coded, target, *_ = known.sample(np.random.default_rng(2), batch=4, patch=16, margin=network.margin)
    with torch.inference_mode():
        expected = network.inside(torch.from_numpy(coded)).numpy()
    np.testing.assert_allclose(target, expected, atol=0.13 / 255)
