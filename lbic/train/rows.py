"""The manifest row of an exported network, from its recipe and the network itself."""

from __future__ import annotations

import hashlib

from lbic.api import scale_in_sixteenths
from lbic.enhance.catalog import ModelSpec
from lbic.nets.base import Network
from lbic.train.config import Config


def facts(recipe: Config, steps: int) -> dict[str, str]:
    """Return the metadata_props of an exported ONNX file."""
    export, data = recipe.export, recipe.data
    return {
        "name": export.name,
        "role": export.role,
        "network": recipe.network,
        "profile": export.profile,
        "codecs": ",".join(_codecs(recipe)),
        "scale": str(data.scale),
        "quality": f"{data.quality[0]}..{data.quality[1]}",
        "steps": str(steps),
        "trained_on": export.trained_on,
        "licence": export.licence,
    }


def spec(recipe: Config, network: Network, data: bytes, halo: int | None = None) -> ModelSpec:
    """Return the manifest row of an exported file, given as its bytes.

    ``halo`` is the measured halo in pixels (halo.py); None takes the halo by the kernel sizes.
    """
    export = recipe.export
    return ModelSpec(
        name=export.name,
        file=f"{export.name}.onnx",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        role=export.role,
        network=recipe.network,
        profile=export.profile,
        channels=network.channels,
        halo=network.halo if halo is None else halo,
        multiple=network.multiple,
        quality_plane=network.quality_plane,
        codecs=_codecs(recipe),
        scales=tuple(map(scale_in_sixteenths, export.scales or (recipe.data.scale,))),
        quality=recipe.data.quality,
        trained_on=export.trained_on,
        licence=export.licence,
        also=export.also,
        automatic=export.automatic,
        least_pixels=export.least_pixels,
    )


def _codecs(recipe: Config) -> tuple[str, ...]:
    return recipe.export.codecs or (recipe.data.codec,)
