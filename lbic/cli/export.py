"""The command ``lbic export``."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lbic.cli.parameters import MADE_FILE, MADE_FOLDER
from lbic.cli.pytorch import need_torch
from lbic.cli.train_run import after_option
from lbic.errors import FileError, UsageError

if TYPE_CHECKING:
    from lbic.enhance.catalog import Default


@click.command()
@click.argument("checkpoint_path", metavar="CHECKPOINT", type=MADE_FILE)
@click.option(
    "-o", "--output", type=MADE_FOLDER, default=Path("models"), metavar="DIR", help="Models folder. Default models."
)
@click.option("--val", type=MADE_FOLDER, metavar="DIR", help="Prepared validation pictures to measure on.")
@after_option
@click.option(
    "--weights",
    type=click.Choice(["fp32", "fp16", "int8"]),
    default="fp32",
    help="Format in which the file stores the weights; fp16 and int8 round them. Default fp32.",
)
@click.option(
    "--compute",
    type=click.Choice(["fp32", "fp16"]),
    default="fp32",
    help="Format in which the network computes; fp16 is for GPUs and slow elsewhere. Default fp32.",
)
@click.option(
    "--default",
    "defaults",
    multiple=True,
    metavar="CODEC,...:SCALE,...:TYPE[:LOW..HIGH]",
    help="Make this type the default for codecs, scales and, if given, qualities. Repeatable.",
)
def export(
    checkpoint_path: Path,
    output: Path,
    val: Path | None,
    after: Path | None,
    weights: str,
    compute: str,
    defaults: tuple[str, ...],
) -> None:
    """Turn a checkpoint into a model: an ONNX file, its manifest row and its card.

    The file is compared with PyTorch. With --val its gain, CPU time and halo are measured.
    """
    new_defaults = [default for text in defaults for default in parse_defaults(text)]
    need_torch()
    from lbic.nets import table as nets
    from lbic.train import beside, manifest, rows, shrink
    from lbic.train import export as exporter
    from lbic.train import halo as halos
    from lbic.train.data import PairSet
    from lbic.train.measure import OnnxNetwork, measure

    recipe, network, steps = exporter.read_checkpoint(checkpoint_path)
    if val and not after and recipe.export.role in ("sr-ar", "tr"):
        raise UsageError(
            f"the gain of the role {recipe.export.role} is measured after another network; name it with --after"
        )
    before = exporter.read_network(after) if after else None
    beside.check_before(network, before)
    half = compute == "fp16"
    data = exporter.to_onnx(network, rows.facts(recipe, steps), half=half)
    if weights != "fp32":
        data = shrink.shrink(data, weights)
        exporter.take_weights(network, data)  # rounded as in the file
    difference = exporter.largest_difference(network, data, exporter.HALF_TOLERANCE if half else exporter.TOLERANCE)
    gain: dict[str, float] = {}
    seconds: float | None = None
    halo: int | None = None
    if val:
        multiple = math.lcm(network.multiple, before.multiple if before else 1)
        pairs = PairSet(val)
        pairs.check(recipe.data)
        gain, seconds = measure(data, pairs, multiple, _read(after) if after else None)
        halo = halos.measure(OnnxNetwork(data), pairs, network.multiple, network.halo)
    title = nets.NETWORKS[recipe.network].title
    stored = "fp16" if half and weights == "fp32" else weights
    about = manifest.About(title, network.parameter_count(), steps, difference, gain, seconds, stored, network.halo)
    spec = rows.spec(recipe, network, data, halo)
    for name in manifest.add(output, spec, about, data, new_defaults):
        click.echo(f"{name} is removed: {spec.name} serves the same pictures", err=True)
    click.echo(f"{output / spec.file}: {spec.size:,} bytes, largest difference from PyTorch {difference:.1e}", err=True)


def parse_defaults(text: str) -> list[Default]:
    """Parse a value of --default; returns a default for each of its codecs at each of its scales.

    Raises UsageError if the value is malformed, or a codec, scale, type or quality is unknown.
    """
    from lbic.api import scale_in_sixteenths
    from lbic.codecs.table import check_quality, get
    from lbic.enhance.catalog import Default
    from lbic.enhance.types import parse

    number = r"\d(?:\.\d+)?"
    match = re.fullmatch(rf"([^:]+):({number}(?:,{number})*):([^:]+)(?::(\d+)\.\.(\d+))?", text)
    if not match:
        raise UsageError(f"--default {text}: must be CODEC:SCALE:TYPE, such as vvc,vtm:1,1.5:1 or jpeg:1:7:5..40")
    codecs, scales, kind, low, high = match.groups()
    quality = (int(low), int(high)) if low else None
    if quality and not quality[0] <= quality[1]:
        raise UsageError(f"--default {text}: the qualities must be LOW..HIGH with LOW at most HIGH")
    defaults = [
        Default(get(codec).name, scale_in_sixteenths(float(scale)), parse(kind).id, quality)
        for codec in codecs.split(",")
        for scale in scales.split(",")
    ]
    for default in defaults:
        for end in default.quality or ():
            check_quality(get(default.codec), end)
    return defaults


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot read: {error.strerror}") from error
