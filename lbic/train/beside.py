"""The networks beside the one that is trained: the one that runs before it, and its teacher."""

from __future__ import annotations

from lbic.errors import UsageError
from lbic.nets.base import Network
from lbic.train.config import Config


def check(config: Config, network: Network, before: Network | None, teacher: Network | None) -> None:
    """Raise UsageError where a recipe lacks what it needs, or has no use for what is given."""
    if config.data.channels != network.channels:
        raise UsageError(f"the network {config.network!r} needs data.channels = {network.channels}")
    if bool(config.distill) != bool(teacher):
        raise UsageError("a teacher and a recipe with [distill] need each other")
    if teacher and before:
        raise UsageError("a network that runs after another one has no teacher")
    if config.train.after_share != 1 and not before:
        raise UsageError("train.after_share needs the network that runs before this one")
    check_before(network, before)
    if teacher and (teacher.channels, teacher.margin) != (network.channels, network.margin):
        raise UsageError("a teacher is of as many channels as the network, and takes as much from around a picture")


def check_before(network: Network, before: Network | None) -> None:
    """Raise UsageError when a network cannot take the pictures of the one before it."""
    if before and before.channels != network.channels:
        raise UsageError(
            f"the network that runs before has {before.channels} channels and the one after it {network.channels}"
        )
