"""The networks' shapes, sizes and reach."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from lbic import nets
from lbic.errors import UsageError
from lbic.nets.base import Network


def _random(name: str) -> Network:
    """A network with weights that make every layer count."""
    torch.manual_seed(0)
    network = nets.build(name).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


@pytest.mark.parametrize(("name", "count"), [("srcnn", 57_377), ("arcnn", 106_673)])
def test_parameters(name: str, count: int) -> None:
    assert nets.build(name).parameter_count() == count


def test_parameters_are_the_papers_plus_slopes() -> None:
    convolutions = (81 * 64 + 64) + (49 * 64 * 32 + 32) + (32 * 16 + 16) + (25 * 16 + 1)
    assert nets.build("arcnn").parameter_count() == convolutions + 64 + 32 + 16


@pytest.mark.parametrize("name", list(nets.NETWORKS))
@pytest.mark.parametrize("size", [(1, 1), (5, 31), (33, 47)])
def test_output_has_the_size_of_the_input(name: str, size: tuple[int, int]) -> None:
    picture = torch.rand(2, 1, *size)
    assert nets.build(name)(picture).shape == picture.shape


@pytest.mark.parametrize("name", list(nets.NETWORKS))
def test_untrained_network_is_nearly_the_identity(name: str) -> None:
    picture = torch.rand(1, 1, 40, 40)
    assert (nets.build(name)(picture) - picture).abs().max() < 0.02


@pytest.mark.parametrize("name", list(nets.NETWORKS))
def test_a_pixel_reaches_exactly_as_far_as_the_halo(name: str) -> None:
    network = _random(name)
    picture = torch.rand(1, 1, 61, 61)
    changed = picture.clone()
    changed[0, 0, 30, 30] += 0.5
    with torch.inference_mode():
        moved = (network(changed) - network(picture))[0, 0].abs() > 1e-7
    rows = moved.any(dim=1).nonzero().flatten()
    assert rows.min() == 30 - network.halo
    assert rows.max() == 30 + network.halo


@pytest.mark.parametrize("name", list(nets.NETWORKS))
def test_a_crop_with_its_context_gives_the_whole_pictures_values(name: str) -> None:
    network = _random(name)
    picture = torch.rand(1, 1, 50, 60)
    margin = network.margin
    with torch.inference_mode():
        whole = network(picture)
        crop = network.inside(picture[..., 20 - margin : 30 + margin, 25 - margin : 33 + margin])
    torch.testing.assert_close(crop, whole[..., 20:30, 25:33], atol=1e-5, rtol=1e-5)


def test_unknown_network() -> None:
    with pytest.raises(UsageError, match="known: srcnn, arcnn"):
        nets.build("vdsr")
