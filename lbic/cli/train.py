"""The command ``lbic train``: its data and tools. train_run.py has the commands that train."""

from __future__ import annotations

from pathlib import Path

import click

from lbic.cli.parameters import MADE_FILE, MADE_FOLDER
from lbic.cli.progress import bar
from lbic.cli.pytorch import need_torch
from lbic.cli.teach import teach
from lbic.cli.train_run import TRAININGS, config_option, training_command
from lbic.errors import FileError, UsageError


@click.group()
def train() -> None:
    """Train a network on pictures coded by a real codec.

    'lbic train prepare' codes the pictures: run it once for training and once for validation
    pictures. 'lbic train arcnn' (or another of the commands) trains. 'lbic export' turns the
    result into a model.
    """


@train.command()
@click.argument("pictures", metavar="DIR", type=MADE_FOLDER)
@config_option
@click.option("-o", "--output", type=MADE_FOLDER, required=True, metavar="DIR", help="Prepared folder to write.")
@click.option("--validation", is_flag=True, help="Code each picture at all validation qualities of the recipe.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Prepare N pictures at the same time. Default one per core.",
)
def prepare(pictures: Path, config_path: Path, output: Path, validation: bool, jobs: int | None) -> None:
    """Code the pictures in DIR with the recipe's codec; store pairs of true and coded pictures.

    The output folder keeps the streams: run the command again to resume an interrupted one.
    """
    from lbic.system import cores
    from lbic.train import config, prepare

    data = config.load(config_path).data
    jobs_for = prepare.validation_jobs if validation else prepare.training_jobs
    with bar("preparing", keep=True) as shown:
        count = prepare.prepare(
            jobs_for(prepare.pictures(pictures), data),
            data,
            output,
            jobs or cores.cores(),
            shown.update,
        )
    click.echo(f"{output}: {count} pairs", err=True)


@train.command()
@click.argument("pictures", metavar="DIR", type=MADE_FOLDER)
@click.option("--data", type=MADE_FOLDER, required=True, metavar="DIR", help="Prepared folder of these pictures.")
@click.option(
    "--also",
    type=MADE_FILE,
    multiple=True,
    metavar="FILE",
    help="Another file to pack, such as PyAV's wheel. Repeatable.",
)
@click.option("-o", "--output", type=MADE_FOLDER, required=True, metavar="DIR", help="Folder to write the parts to.")
@click.option("--mib", type=click.IntRange(min=1), default=55, help="Largest size of a part in MiB. Default 55.")
def pack(pictures: Path, data: Path, also: tuple[Path, ...], output: Path, mib: int) -> None:
    """Put the pictures in DIR and their streams in tar files, for training on another machine.

    Unpack the parts there and run 'lbic train prepare pictures --config FILE -o data'. It needs
    no encoder, since the parts hold all streams.
    """
    from lbic.train import pack as packing

    parts = packing.pack(packing.items(pictures, data, also), output, mib << 20)
    click.echo(f"{output}: {len(parts)} parts", err=True)


@train.command()
@click.option(
    "--models", "folder", type=MADE_FOLDER, default=Path("models"), metavar="DIR", help="Models folder. Default models."
)
def table(folder: Path) -> None:
    """Print the models of a folder as a Markdown table (the one in docs/models.md)."""
    from lbic.train import manifest

    if not (folder / manifest.NAME).is_file():
        raise FileError(f"{folder}: has no {manifest.NAME}")
    click.echo(manifest.table(manifest.read(folder)), nl=False)


@train.command()
@click.argument("name")
@click.option(
    "--models", "folder", type=MADE_FOLDER, default=Path("models"), metavar="DIR", help="Models folder. Default models."
)
@click.option("--val", type=MADE_FOLDER, required=True, metavar="DIR", help="Prepared folder of validation pictures.")
def halo(name: str, folder: Path, val: Path) -> None:
    """Measure the halo of the model NAME again: the context that its tiles need. Record it.

    'lbic export --val' does the same for a new model.
    """
    need_torch()
    from lbic.nets import table as nets
    from lbic.train import halo as halos
    from lbic.train import manifest
    from lbic.train.data import PairSet
    from lbic.train.measure import OnnxNetwork

    row = manifest.row(folder, name)
    network = nets.build(row["network"])
    pairs = PairSet(val)
    if pairs.channels != network.channels:
        raise UsageError(f"{val}: holds pictures with {pairs.channels} channels; {name} takes {network.channels}")
    restore = OnnxNetwork((folder / row["file"]).read_bytes())
    measured = halos.measure(restore, pairs, network.multiple, network.halo)
    manifest.set_halo(folder, name, measured, network.halo)
    click.echo(f"{name}: halo {measured} pixels, measured; the kernel sizes allow {network.halo}", err=True)


@train.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=MADE_FOLDER)
@click.option(
    "-o", "--output", type=MADE_FILE, required=True, metavar="FILE", help="File to write: .svg, .png or .pdf."
)
def plot(runs: tuple[Path, ...], output: Path) -> None:
    """Plot the gain over the codec's picture against steps, from the logs of run folders."""
    need_torch()
    from lbic.train import plot as plotting

    plotting.plot(list(runs), output)


train.add_command(teach)
for _name in TRAININGS:
    train.add_command(training_command(_name))
