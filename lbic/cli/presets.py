"""Presets of compress: settings by the use of the file, which every other option overrides."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

from lbic.cli.options import Function
from lbic.cli.parameters import KEEPABLE, TIME
from lbic.enhance.choice import PERCEPTUAL


@dataclass(frozen=True)
class Preset:
    """Settings of compress."""

    options: str
    """The options that it stands for, as a user types them."""
    use: str
    """What the files are for."""
    values: Mapping[str, Any]
    """The same by the names of the parameters."""


PRESETS = {
    "web": Preset("--target-ssimulacra2 60", "pages on the web", {"target_ssimulacra2": 60.0}),
    "photo": Preset(
        "--target-ssimulacra2 80 --keep all",
        "photos to keep: hard to tell from the original, with all metadata",
        {"target_ssimulacra2": 80.0, "keep": (*KEEPABLE, TIME)},
    ),
    "tiny": Preset(
        "--target-bpp 0.1 --goal perceptual",
        "the smallest files that look good: networks restore texture",
        {"target_bpp": 0.1, "goal": PERCEPTUAL},
    ),
}
_RIVALS = (
    ("quality", "target_size", "target_bpp", "target_psnr", "target_ssimulacra2"),
    ("kind", "goal"),
)
"""Parameters that exclude each other: where one is set, a rival with a weaker source is not."""


def preset_option(function: Function) -> Function:
    """Add --preset, and settle which source of each option counts.

    The command line is stronger than a preset on it, and both are stronger than lbic.toml, whose
    own preset is the weakest.
    """
    meanings = "; ".join(f"{name}: {preset.options}" for name, preset in PRESETS.items())

    @click.option(
        "--preset",
        type=click.Choice(list(PRESETS)),
        help=f"Settings by use, which other options override. {meanings}.",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, preset: str | None, **values: Any) -> Any:
        return function(*args, **_settled(preset, values))

    return wrapper


def _settled(preset: str | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters' values with a preset's, without rivals of stronger ones."""
    strengths = {name: _strength(name) for name in values}
    settled = dict(values)
    if preset:
        strength = _strength("preset") - 1
        for name, value in PRESETS[preset].values.items():
            if strengths[name] < strength:
                settled[name], strengths[name] = value, strength
    for rivals in _RIVALS:
        strongest = max(strengths[name] for name in rivals)
        for name in rivals:
            if strengths[name] < strongest:
                settled[name] = None
    return settled


def _strength(name: str) -> int:
    """Return 4 for the command line, 2 for lbic.toml, 0 for the option's own default."""
    source = click.get_current_context().get_parameter_source(name)
    return {ParameterSource.COMMANDLINE: 4, ParameterSource.DEFAULT_MAP: 2}.get(source or ParameterSource.DEFAULT, 0)
