"""The loss of texture restoration, its features and discriminator, and the optimiser Muon."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from helpers import photo
from torch import nn

from lbic.errors import MissingError, UsageError
from lbic.nets import features
from lbic.nets import table as nets
from lbic.nets.discriminator import Discriminator, relativistic
from lbic.nets.features import VGG19, DistilledVGG, Features
from lbic.system.weights import VARIABLE as WEIGHTS
from lbic.train import checkpoint, config, export, loop, losses, optimize
from lbic.train.config import PerceptualConfig
from lbic.train.data import PairSet, PairWriter
from lbic.train.perceptual import Perceptual, flat_error
from lbic.train.trainer import Trainer

CPU = torch.device("cpu")
RECIPE = """
network = "hgrdn-lite"
[data]
codec = "vvc"
scale = 1
quality = [32, 42]
validation = [37]
channels = 3
[train]
steps = 2
batch = 2
patch = 16
loss = "l1"
optimizer = "muon"
[perceptual]
flat = 0.5
filters = 4
[export]
name = "tiny"
role = "tr"
"""


class Edges(Features):
    """Features that need no file: differences of neighbours."""

    def forward(self, picture: torch.Tensor) -> list[torch.Tensor]:
        return [picture[..., 1:] - picture[..., :-1]]


def _perceptual(**weights: float) -> Perceptual:
    torch.manual_seed(0)
    return Perceptual(PerceptualConfig(filters=4, **weights), losses.l1, Edges(), CPU)


def _pairs(folder: Path) -> PairSet:
    rng = np.random.default_rng(2)
    writer = PairWriter(folder, channels=3)
    truth = rng.integers(30, 256, (32, 40, 3), dtype=np.uint8)
    writer.add("a", truth, [(37, truth - 20), (40, truth - 10)])
    writer.close({})
    return PairSet(folder)


def test_terms_add_up() -> None:
    truth = torch.rand(2, 3, 16, 16)
    output = (truth + 0.1 * torch.rand_like(truth)).clamp(0, 1)
    error = torch.ones(2)
    pixel = _perceptual(pixel=1, feature=0, adversarial=0).loss(output, truth, error)
    feature = _perceptual(pixel=0, feature=1, adversarial=0).loss(output, truth, error)
    both = _perceptual(pixel=2, feature=3, adversarial=0).loss(output, truth, error)
    assert pixel == pytest.approx(float((output - truth).abs().mean()))
    assert both == pytest.approx(2 * float(pixel) + 3 * float(feature), rel=1e-5)
    assert _perceptual(pixel=1, feature=1, adversarial=0).loss(truth, truth, error) == 0


def test_flat_error_counts_flat_places_only() -> None:
    flat, noise = torch.full((1, 3, 32, 32), 0.5), torch.rand(1, 3, 32, 32)
    assert flat_error(flat + 0.01, flat) == pytest.approx(0.01, rel=1e-3)
    assert flat_error(noise + 0.01, noise) < 1e-6


def test_the_discriminator_learns_and_then_guides() -> None:
    """Here real crops are bright: the network's loss falls with brightness
    once that is learned.
    """
    perceptual = _perceptual(pixel=0, feature=0, adversarial=1, rate=1e-2)
    real, fake = torch.full((4, 3, 16, 16), 0.8), torch.full((4, 3, 16, 16), 0.2)
    for _ in range(20):
        perceptual.learn(fake, real)
    assert perceptual.discriminator is not None
    assert perceptual.discriminator(real).mean() > perceptual.discriminator(fake).mean() + 0.5
    output = fake.clone().requires_grad_(True)
    before = [value.clone() for value in perceptual.discriminator.parameters()]
    loss = perceptual.loss(output, real, torch.ones(4))
    loss.backward()  # type: ignore[no-untyped-call]
    assert output.grad is not None
    assert output.grad.mean() < 0
    assert all(value.grad is None or not value.requires_grad for value in perceptual.discriminator.parameters())
    assert all(torch.equal(*pair) for pair in zip(before, perceptual.discriminator.parameters(), strict=True))


def test_relativistic_loss() -> None:
    """ln 2 where neither looks more real; near 0 when the first does by far."""
    logits = torch.zeros(2, 1, 4, 4)
    assert relativistic(logits, logits) == pytest.approx(np.log(2))
    assert relativistic(logits + 20, logits) < 1e-6
    assert relativistic(logits, logits + 20) == pytest.approx(20, rel=1e-3)
    assert Discriminator(4)(torch.rand(2, 3, 32, 40)).shape == (2, 1, 4, 5)


def test_resume_is_exact_with_a_discriminator(tmp_path: Path) -> None:
    pairs, recipe = _pairs(tmp_path / "data"), config.parse(RECIPE)

    def trainer() -> Trainer:
        return Trainer(recipe, CPU, features=Edges())

    def go(run: Trainer, folder: Path, stop_at: int) -> None:
        loop.run(run, pairs, None, folder, loop.Pace(), lambda _: None, lambda: run.step >= stop_at)

    straight, stopped, resumed = trainer(), trainer(), trainer()
    go(straight, tmp_path / "one", 2)
    go(stopped, tmp_path / "two", 1)
    resumed.restore(checkpoint.load(tmp_path / "two" / loop.LAST))
    go(resumed, tmp_path / "two", 2)
    for name, value in straight.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name])
    assert straight.perceptual is not None
    assert resumed.perceptual is not None
    one, two = (run.perceptual.state()["discriminator"] for run in (straight, resumed))  # type: ignore[union-attr]
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_perceptual_recipe_needs_features() -> None:
    with pytest.raises(UsageError, match="needs features"):
        Trainer(config.parse(RECIPE), CPU)


def test_a_share_of_the_crops_passes_the_network_before(tmp_path: Path) -> None:
    class Black(nn.Module):
        margin = 0

        def with_quality(self, picture: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
            return picture

        def inside(self, picture: torch.Tensor) -> torch.Tensor:
            return picture * 0

    half = RECIPE.replace("batch = 2", "batch = 2\nafter_share = 0.5")
    trainer = Trainer(config.parse(half), CPU, nets.build("hgrdn-lite"), Edges())
    crops = trainer._after(Black(), torch.ones(4, 3, 8, 8), torch.zeros(4))  # type: ignore[arg-type]
    assert crops.amax((1, 2, 3)).tolist() == [0, 0, 1, 1]


def test_a_cascade_begins_with_its_two_networks(tmp_path: Path) -> None:
    torch.manual_seed(1)
    files, parts = [], []
    for name, kind in (("nr", "hgrdn-lite"), ("tr", "hgrdn-lite-texture")):
        network = nets.build(kind).eval()
        for value in network.parameters():
            nn.init.normal_(value, std=0.05)
        (tmp_path / name).write_bytes(export.to_onnx(network, {"network": kind}))
        files.append(tmp_path / name)
        parts.append(network)
    cascade = nets.build("hgrdn-lite-cascade")
    cascade.load_state_dict(export.read_start(files, cascade))
    picture = torch.rand(1, 4, 32, 32)
    with torch.inference_mode():
        expected = parts[1](torch.cat([parts[0](picture), picture[:, 3:]], dim=1))
        torch.testing.assert_close(cascade.eval()(picture), expected)
    with pytest.raises(UsageError, match="starts from one file, or one each for nr and tr, not from 3 files"):
        export.read_start([*files, files[0]], cascade)
    with pytest.raises(UsageError, match="starts from one file, not from 2 files"):
        export.read_start(files, parts[0])


def test_texture_restoration_begins_with_noise_reduction_but_for_its_enlargement(tmp_path: Path) -> None:
    from lbic.nets import table as nets

    file = tmp_path / "nr.onnx"
    nr, tr = nets.build("hgrdn-lite"), nets.build("hgrdn-lite-texture")
    for value in nr.parameters():
        nn.init.normal_(value, std=0.05)
    file.write_bytes(export.to_onnx(nr.eval(), {"network": "hgrdn-lite"}))
    start, own, others = export.read_start([file], tr), tr.state_dict(), nr.state_dict()
    assert start.keys() == own.keys()
    assert torch.equal(start["head.weight"], others["head.weight"])
    assert torch.equal(start["up.conv.weight"], own["up.conv.weight"])
    with pytest.raises(UsageError, match=r"up\.conv\.weight is missing"):
        export.read_weights(file, tr)


def test_a_deeper_network_begins_as_the_shallower_one(tmp_path: Path) -> None:
    from lbic.nets import table as nets

    file = tmp_path / "nr.onnx"
    lite, deep = nets.build("hgrdn-lite").eval(), nets.build("hgrdn-lite-deep").eval()
    for value in lite.parameters():
        nn.init.normal_(value, std=0.05)
    file.write_bytes(export.to_onnx(lite, {"network": "hgrdn-lite"}))
    deep.load_state_dict(export.read_start([file], deep))
    picture = torch.rand(1, 4, 32, 40)
    torch.testing.assert_close(deep(picture), lite(picture))
    deep(picture).sum().backward()
    gradient = deep.get_parameter("groups.1.fusion.weight").grad
    assert gradient is not None
    assert gradient[:, -32:].abs().min() > 0, "the added block can come to matter"
    with pytest.raises(UsageError, match=r"groups\.0\.blocks\.2.* is missing"):
        export.read_weights(file, deep)


def test_features_without_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WEIGHTS, str(tmp_path))
    with pytest.raises(MissingError, match=r"vgg19_distilled16x_relu5_1\.pth in the folder that LBIC_WEIGHTS names"):
        features.load("distilled")
    (tmp_path / DistilledVGG.file).write_bytes(b"not weights")
    with pytest.raises(MissingError, match="not the weights of these features"):
        features.load("distilled")
    with pytest.raises(UsageError, match="known: distilled, vgg19"):
        features.load("vgg16")


def test_vgg19_is_the_published_architecture(tmp_path: Path) -> None:
    """20,024,384 values in the sixteen convolutions; its file has torchvision's keys."""
    network = VGG19()
    assert sum(value.numel() for value in network.parameters()) == 20_024_384
    assert network(torch.rand(1, 3, 32, 48))[0].shape == (1, 512, 2, 3)
    stored = {f"features.{name.removeprefix('layers.')}": value for name, value in network.state_dict().items()}
    torch.save(stored, tmp_path / VGG19.file)
    again = VGG19.load(tmp_path / VGG19.file)
    assert all(torch.equal(*pair) for pair in zip(network.parameters(), again.parameters(), strict=True))


def test_distilled_features_are_vgg_like(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five maps of VGG-19's widths and sizes; a blurred picture is nearer than another picture."""
    monkeypatch.setenv(WEIGHTS, str(weights))
    network = features.load("distilled")
    picture = torch.from_numpy(np.array(photo(96, 80))).permute(2, 0, 1)[None].float() / 255
    maps = network(picture)
    assert [values.shape[1] for values in maps] == [64, 128, 256, 512, 512]
    blurred = network(nn.functional.avg_pool2d(picture, 3, 1, 1, count_include_pad=False))
    other = network(1 - picture)
    for own, near, far in zip(maps, blurred, other, strict=True):
        assert 0 < (own - near).abs().mean() < (own - far).abs().mean()


def test_muon_steps_have_equal_singular_values() -> None:
    torch.manual_seed(0)
    for shape in ((3, 8, 72), (2, 72, 8)):
        spread = torch.linalg.svdvals(optimize.orthogonalise(torch.randn(shape)))
        assert 0.5 < float(spread.min()) <= float(spread.max()) < 1.3


def test_muon_leaves_the_ends_of_a_network_of_blocks_to_short_steps_of_adam() -> None:
    network = nets.build("fast-fine")
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    optimizer = optimize.find("muon")(network, 1e-3)
    network(torch.rand(1, 4, 16, 16)).square().mean().backward()
    optimizer.step()
    moved = {name: float((value.detach() - before[name]).abs().max()) for name, value in network.named_parameters()}
    assert moved["head.weight"] == pytest.approx(2e-4, rel=0.01)
    assert moved["tail.bias"] == pytest.approx(2e-4, rel=0.01)
    change = network.state_dict()["pairs.0.second.weight"] - before["pairs.0.second.weight"]
    assert 5e-5 < float(change.square().mean().sqrt()) < 2.5e-4


def test_muon_finds_a_badly_scaled_minimum() -> None:
    """One input is a hundred times weaker than the other, so Adam has hardly begun with it."""
    torch.manual_seed(0)
    scale = torch.cat([torch.ones(8), torch.full((8,), 0.01)]).reshape(1, -1, 1, 1)
    conv, wanted = nn.Conv2d(16, 8, 1), torch.randn(8, 16, 1, 1)
    optimizer = optimize.find("muon")(conv, 0.05)
    losses_seen = []
    for _ in range(150):
        inputs = torch.randn(4, 16, 4, 4) * scale
        loss = (conv(inputs) - nn.functional.conv2d(inputs, wanted)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses_seen.append(float(loss.detach()))
    assert losses_seen[-1] < losses_seen[0] / 50
    with pytest.raises(UsageError, match="known: adam, muon"):
        optimize.find("sgd")
