"""Check the other networks of a training: the one that runs before, and the teacher."""

from __future__ import annotations

from lbic.errors import UsageError
from lbic.nets.base import Network
from lbic.train.config import Config


def check(config: Config, network: Network, before: Network | None, teacher: Network | None) -> None:
    """Check that a recipe gets the other networks it needs, and no more.

    ``network`` is the one to train, ``before`` runs before it, ``teacher`` gives its targets.
    Raises UsageError if one of them is missing, is not used by the recipe, or does not fit
    ``network``.
    """
    if config.data.channels != network.channels:
        raise UsageError(f"the network {config.network!r} needs data.channels = {network.channels}")
    if config.distill and not teacher:
        raise UsageError("a recipe with [distill] needs a teacher")
    if teacher and not config.distill:
        raise UsageError("a teacher needs a recipe with [distill]")
    if teacher and before:
        raise UsageError("a network that runs after another one cannot have a teacher")
    if config.train.after_share != 1 and not before:
        raise UsageError("train.after_share needs the network that runs before this one")
    check_before(network, before)
    if teacher and (teacher.channels, teacher.margin) != (network.channels, network.margin):
        raise UsageError(
            f"the teacher has {teacher.channels} channels and a margin of {teacher.margin} pixels, "
            f"the network {network.channels} and {network.margin}: they must be equal"
        )


def check_before(network: Network, before: Network | None) -> None:
    """Raise UsageError if a network and the one before it differ in their channels."""
    if before and before.channels != network.channels:
        raise UsageError(
            f"the network that runs before has {before.channels} channels, the one after it {network.channels}"
        )
