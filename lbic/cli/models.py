"""The command ``lbic models``."""

from __future__ import annotations

from typing import NamedTuple

import click

from lbic.cli import options, wording
from lbic.cli.report import emit
from lbic.enhance import catalog, session
from lbic.enhance.catalog import ModelSpec
from lbic.enhance.types import TYPES
from lbic.errors import ExitCode, MissingError


class State(NamedTuple):
    """Whether a network loads on this machine."""

    provider: str | None
    """The ONNX Runtime provider that runs it; None if it does not load."""
    sentence: str | None
    """What is wrong or could be better; None if all is well."""


@click.command()
@options.json_option
def models(json: bool) -> ExitCode:
    """List the shipped networks and load each to check its file.

    The list shows each network's architecture, the pictures it is for, its training data, size and
    sha256, and the device that runs it here; then the enhancement types that are complete. Exit
    code 4 means that a model file is missing or damaged.
    """
    shipped = catalog.load()
    states = {spec: probe(spec) for spec in shipped.models}
    for spec, state in states.items():
        if json:
            emit(_record(spec, state))
        else:
            click.echo(_text(spec, state))
    if not json:
        for kind in TYPES.values():
            click.echo(f"type {kind}: {kind.summary}; {'ready' if shipped.shipped(kind) else 'not shipped yet'}")
    return ExitCode.OK if all(state.provider for state in states.values()) else ExitCode.MISSING


def probe(spec: ModelSpec) -> State:
    """Load a network and return its state; only a session knows its device."""
    try:
        opened = session.open_session(spec, "auto")
    except MissingError as error:
        return State(None, str(error))
    return State(opened.provider, opened.note)


def _text(spec: ModelSpec, state: State) -> str:
    rows = {
        "network": f"{spec.network}, profile {spec.profile}, role {spec.role}",
        "for": spec.domain(),
        "trained on": spec.trained_on,
        "licence": spec.licence,
        "file": f"{spec.file}, {spec.size:,} B",
        "sha256": spec.sha256,
        "runs on": wording.provider(state.provider) or "nothing",
        "note": state.sentence,
    }
    return "\n".join([spec.name, *(f"  {key:<11}  {value}" for key, value in rows.items() if value)])


def _record(spec: ModelSpec, state: State) -> dict[str, object]:
    return {
        "name": spec.name,
        "file": spec.file,
        "sha256": spec.sha256,
        "bytes": spec.size,
        "role": spec.role,
        "network": spec.network,
        "profile": spec.profile,
        "codecs": list(spec.codecs),
        "scales": [wording.scale_number(scale) for scale in spec.scales],
        "quality": list(spec.quality),
        "trained_on": spec.trained_on,
        "licence": spec.licence,
        "provider": state.provider,
        "note": state.sentence,
    }
