"""The table of the PyTorch networks that ``lbic train`` and ``lbic export`` can build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lbic.errors import UsageError
from lbic.nets.arcnn import ARCNN
from lbic.nets.base import Network
from lbic.nets.cascade import Cascade
from lbic.nets.farcnn import FastARCNN
from lbic.nets.fast import Fast
from lbic.nets.hgrdn import FULL, HGRDN, LITE, LITE_DEEP, LITE_TEXTURE
from lbic.nets.srcnn import SRCNN


@dataclass(frozen=True)
class NetworkRow:
    """A network that can be trained."""

    name: str
    """Its name in recipes and in the manifest."""
    title: str
    """Its name in print."""
    build: Callable[[], Network]
    """Builds it, untrained."""


NETWORKS: dict[str, NetworkRow] = {
    row.name: row
    for row in (
        NetworkRow("srcnn", "SRCNN 9-5-5", SRCNN),
        NetworkRow("arcnn", "ARCNN 9-7-1-5", ARCNN),
        NetworkRow("fast-arcnn", "Fast ARCNN", FastARCNN),
        NetworkRow("fast", "Fast, 96 x 16", partial(Fast, features=96, pairs=8)),
        NetworkRow("fast-narrow", "Fast, 64 x 16", partial(Fast, features=64, pairs=8)),
        NetworkRow(
            "fast-fine", "Fast, fine, 64 x 12", partial(Fast, features=64, pairs=6, stride=2, head=5, plain=False)
        ),
        NetworkRow("hgrdn-lite", "HGRDN lite", partial(HGRDN, LITE)),
        NetworkRow("hgrdn-lite-deep", "HGRDN lite, deep", partial(HGRDN, LITE_DEEP)),
        NetworkRow("hgrdn-lite-texture", "HGRDN lite, resizing", partial(HGRDN, LITE_TEXTURE)),
        NetworkRow("hgrdn-full", "HGRDN full", partial(HGRDN, FULL)),
        NetworkRow("hgrdn-lite-cascade", "HGRDN lite, twice", lambda: Cascade(HGRDN(LITE), HGRDN(LITE_TEXTURE))),
        NetworkRow("hgrdn-full-cascade", "HGRDN full, twice", lambda: Cascade(HGRDN(FULL), HGRDN(FULL))),
    )
}


def build(name: str) -> Network:
    """Build an untrained network by name; raises UsageError for an unknown name."""
    if name not in NETWORKS:
        raise UsageError(f"unknown network {name!r}; known: {', '.join(NETWORKS)}")
    return NETWORKS[name].build()
