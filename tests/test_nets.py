"""The networks' shapes, sizes and reach."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from lbic.errors import UsageError
from lbic.nets import table as nets
from lbic.nets.base import Network

SMALL = [name for name in nets.NETWORKS if "full" not in name]
"""All networks but those that are only larger copies of others."""
ALONE = [name for name in SMALL if "cascade" not in name]


def _random(name: str) -> Network:
    """A network with weights that make every layer count."""
    torch.manual_seed(0)
    network = nets.build(name).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


def _picture(network: Network, height: int, width: int, batch: int = 1) -> torch.Tensor:
    """Noise as a network takes it, the quality plane included, sides brought to its multiple."""
    height, width = (-(-side // network.multiple) * network.multiple for side in (height, width))
    return network.with_quality(torch.rand(batch, network.channels, height, width), torch.full((batch,), 37.0))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("srcnn", 57_377),
        ("arcnn", 106_673),
        ("fast-arcnn", 256_276),
        ("fast", 1_425_577),
        ("fast-fine", 476_133),
        ("hgrdn-lite", 827_242),
        # a block, and its columns of the fusion, in each group
        ("hgrdn-lite-deep", 827_242 + 4 * (97_440 + 1_024)),
        ("hgrdn-lite-texture", 820_074),
        ("hgrdn-full", 22_050_346),
        ("hgrdn-lite-cascade", 827_242 + 820_074),
    ],
)
def test_parameters(name: str, count: int) -> None:
    assert nets.build(name).parameter_count() == count


def test_parameters_are_the_papers_plus_slopes() -> None:
    convolutions = (81 * 64 + 64) + (49 * 64 * 32 + 32) + (32 * 16 + 16) + (25 * 16 + 1)
    assert nets.build("arcnn").parameter_count() == convolutions + 64 + 32 + 16


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("size", [(1, 1), (5, 31), (33, 47)])
def test_output_has_the_size_of_the_input(name: str, size: tuple[int, int]) -> None:
    network = nets.build(name)
    picture = _picture(network, *size, batch=2)
    assert network(picture).shape == picture[:, : network.channels].shape


@pytest.mark.parametrize("name", SMALL)
def test_untrained_network_is_nearly_the_identity(name: str) -> None:
    network = nets.build(name)
    picture = _picture(network, 40, 40)
    assert (network(picture) - picture[:, : network.channels]).abs().max() < 0.02


@pytest.mark.parametrize("name", ALONE)
def test_a_pixel_reaches_no_farther_than_the_halo(name: str) -> None:
    """Exactly as far for plain chains; where there are blocks it depends on where in
    them the pixel lies.
    """
    network = _random(name).double()
    middle = (network.halo + 16) // 8 * 8
    picture = _picture(network, 2 * middle + 1, 2 * middle + 1).double()
    changed = picture.clone()
    changed[0, 0, middle, middle] += 0.5
    with torch.inference_mode():
        moved = (network(changed) - network(picture))[0].abs().amax(0) > 0
    rows = moved.any(dim=1).nonzero().flatten()
    reach = max(middle - int(rows.min()), int(rows.max()) - middle)
    slack = 0 if network.multiple == 1 else 8 + 2 * network.multiple
    assert network.halo - slack <= reach <= network.halo


@pytest.mark.parametrize("name", ["srcnn", "arcnn"])
def test_a_crop_with_its_context_gives_the_whole_pictures_values(name: str) -> None:
    network = _random(name)
    picture = torch.rand(1, 1, 50, 60)
    margin = network.margin
    with torch.inference_mode():
        whole = network(picture)
        crop = network.inside(picture[..., 20 - margin : 30 + margin, 25 - margin : 33 + margin])
    torch.testing.assert_close(crop, whole[..., 20:30, 25:33], atol=1e-5, rtol=1e-5)


def test_fast_cuts_off_the_margin_of_crops_and_keeps_the_size_of_pictures() -> None:
    network = _random("fast-fine")
    picture = _picture(network, 96, 96)
    inside, whole = network.inside(picture), network(picture)
    assert inside.shape == (1, 3, 96 - 2 * network.margin, 96 - 2 * network.margin)
    middle = slice(40, 56)  # farther from the border than the network sees
    crop = slice(40 - network.margin, 56 - network.margin)
    torch.testing.assert_close(inside[..., crop, crop], whole[..., middle, middle])


def test_unknown_network() -> None:
    with pytest.raises(UsageError, match="known: srcnn, arcnn, fast-arcnn, fast, fast-narrow, fast-fine, "):
        nets.build("vdsr")
