"""``lbic train teach``: an exported network's outputs beside the pairs of a prepared folder."""

from __future__ import annotations

from pathlib import Path

import click

from lbic.cli.parameters import MADE_FILE, MADE_FOLDER
from lbic.cli.progress import bar
from lbic.cli.train import need_torch


@click.command()
@click.argument("data", metavar="DIR", type=MADE_FOLDER)
@click.option(
    "--teacher", type=MADE_FILE, required=True, metavar="FILE.onnx", help="The network whose outputs are stored."
)
@click.option("--areas", type=click.IntRange(min=1), default=1200, help="Areas, one in a pair each; default 1200.")
@click.option("--side", type=click.IntRange(min=64), default=448, help="Side of an area in pixels; default 448.")
@click.option("--seed", type=int, default=1, help="Which areas; default 1.")
@click.option("--float32", "precise", is_flag=True, help="Compute in float32; bf16 is twice as fast on newer CPUs.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads; default PyTorch's choice.")
def teach(data: Path, teacher: Path, areas: int, side: int, seed: int, precise: bool, threads: int | None) -> None:
    """Store what a network makes of the coded pictures of DIR, a prepared folder, for recipes with [taught].

    A teacher that was stored there before is replaced.
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
