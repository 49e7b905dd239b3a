"""The command ``lbic train teach``: store a network's outputs in a prepared folder."""

from __future__ import annotations

from pathlib import Path

import click

from lbic.cli.parameters import MADE_FILE, MADE_FOLDER
from lbic.cli.progress import bar
from lbic.cli.pytorch import need_torch


@click.command()
@click.argument("data", metavar="DIR", type=MADE_FOLDER)
@click.option(
    "--teacher", type=MADE_FILE, required=True, metavar="FILE.onnx", help="Exported network whose outputs to store."
)
@click.option(
    "--areas", type=click.IntRange(min=1), default=1200, help="Number of areas, one in each pair. Default 1200."
)
@click.option("--side", type=click.IntRange(min=64), default=448, help="Side of an area in pixels. Default 448.")
@click.option("--seed", type=int, default=1, help="Seed of the random choice of areas. Default 1.")
@click.option(
    "--float32",
    "precise",
    is_flag=True,
    help="Compute in float32 instead of bfloat16, which is twice as fast on new CPUs.",
)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads. Default PyTorch's choice.")
def teach(data: Path, teacher: Path, areas: int, side: int, seed: int, precise: bool, threads: int | None) -> None:
    """Store a network's outputs for areas of the coded pictures in DIR, a prepared folder.

    Recipes with [taught] train on them. Outputs stored before are replaced.
    """
    torch = need_torch()
    from lbic.train import checkpoint, export, taught
    from lbic.train.data import PairSet

    if threads:
        torch.set_num_threads(threads)
    network = export.read_network(teacher)
    pairs = PairSet(data)
    chosen = taught.choose(pairs, areas, side, seed)
    with bar("teaching", keep=True) as shown:
        pixels = taught.teach(network, checkpoint.fingerprint(network), pairs, chosen, not precise, shown.update)
    click.echo(f"{data}: {len(chosen)} areas, {pixels / 1e6:.0f} megapixels", err=True)
