"""The command ``lbic train``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from lbic.cli.parameters import MADE_FILE, MADE_FOLDER
from lbic.cli.progress import bar
from lbic.cli.pytorch import need_torch
from lbic.cli.teach import teach
from lbic.errors import ExitCode, FileError, UsageError

if TYPE_CHECKING:
    from lbic.train.loop import Report

TRAININGS = {
    "srcnn": (("sr",), "Train an SRCNN: sharpens enlarged luma (types 5 and 6)."),
    "arcnn": (("ar", "sr-ar"), "Train an ARCNN: removes artifacts from luma (types 6 and 7)."),
    "nr": (("nr",), "Train a network for noise reduction (type 1)."),
    "tr": (("tr",), "Train a network for texture restoration (types 2 and 3)."),
    "cas": (("cas",), "Train noise reduction and texture restoration as one cascade (type 4)."),
}
"""The sub-commands that train: the roles of their recipes, and what they do."""
_config_option = click.option(
    "--config", "config_path", type=MADE_FILE, required=True, metavar="FILE", help="Recipe, a TOML file."
)


after_option = click.option(
    "--after", type=MADE_FILE, metavar="FILE.onnx", help="Exported network that runs before this one."
)


@click.group()
def train() -> None:
    """Train a network on pictures coded by a real codec.

    'lbic train prepare' codes the pictures: run it once for training and once for validation
    pictures. 'lbic train arcnn' (or another of the commands) trains. 'lbic export' turns the
    result into a model.
    """


@train.command()
@click.argument("pictures", metavar="DIR", type=MADE_FOLDER)
@_config_option
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


def _trainer(name: str, summary: str) -> click.Command:
    """Return the command that trains networks of one kind."""

    @click.command(name, help=summary, short_help=summary)
    @_config_option
    @click.option(
        "--data", type=MADE_FOLDER, required=True, metavar="DIR", help="Prepared folder of training pictures."
    )
    @click.option("--val", type=MADE_FOLDER, metavar="DIR", help="Prepared folder of validation pictures.")
    @click.option(
        "-o", "--output", type=MADE_FOLDER, required=True, metavar="DIR", help="Run folder for checkpoint and log."
    )
    @click.option("--resume", is_flag=True, help="Resume exactly from the checkpoint in the run folder.")
    @after_option
    @click.option(
        "--init",
        type=MADE_FILE,
        multiple=True,
        metavar="FILE.onnx",
        help="Exported network to start from. A cascade takes two, one for each of its networks.",
    )
    @click.option(
        "--teacher",
        type=MADE_FILE,
        metavar="FILE.onnx",
        help="Exported network that a recipe with [distill] learns from.",
    )
    @click.option(
        "--features",
        type=click.Choice(["distilled", "vgg19"]),
        default="distilled",
        help="Features of a perceptual loss, in the folder that LBIC_WEIGHTS names. Default distilled.",
    )
    @click.option("--minutes", type=click.FloatRange(min=0), default=0, help="Stop after this time. Default 0, never.")
    @click.option("--threads", type=click.IntRange(min=1), help="CPU threads. Default PyTorch's choice.")
    @click.option(
        "--validate-every", type=click.IntRange(min=1), default=500, help="Steps between validations. Default 500."
    )
    def command(**options: Any) -> ExitCode:
        return _train(name, **options)

    return command


train.add_command(teach)
for _name, (_, _summary) in TRAININGS.items():
    train.add_command(_trainer(_name, _summary))


def _train(
    name: str,
    config_path: Path,
    data: Path,
    val: Path | None,
    output: Path,
    resume: bool,
    after: Path | None,
    init: tuple[Path, ...],
    teacher: Path | None,
    features: str,
    minutes: float,
    threads: int | None,
    validate_every: int,
) -> ExitCode:
    from lbic.train import config

    recipe = config.load(config_path)
    if recipe.export.role not in TRAININGS[name][0]:
        fitting = [other for other, (roles, _) in TRAININGS.items() if recipe.export.role in roles]
        raise UsageError(f"{config_path}: a recipe for the role {recipe.export.role!r}; use lbic train {fitting[0]}")
    if recipe.export.role == "sr-ar" and not after:
        raise UsageError("a network of the role sr-ar is trained after another one; name it with --after")
    if resume and init:
        raise UsageError("--resume and --init exclude each other")
    torch = need_torch()
    from lbic.nets import features as perceptual
    from lbic.train import checkpoint, export, loop
    from lbic.train.data import PairSet
    from lbic.train.taught import TaughtSet

    if threads:
        torch.set_num_threads(threads)
    last = output / loop.LAST
    if last.exists() and not resume:
        raise UsageError(f"{output}: already holds a run; --resume continues it")
    before = export.read_network(after) if after else None
    compared = perceptual.load(features) if recipe.perceptual else None
    taught = export.read_network(teacher) if teacher else None
    trainer = loop.Trainer(recipe, loop.best_device(), before, compared, taught)
    if resume:
        trainer.restore(checkpoint.load(last))
    elif init:
        trainer.start_from(export.read_start(init, trainer.network))
    pace = loop.Pace(minutes=minutes, validate_every=validate_every)
    with bar(recipe.export.name, keep=True) as shown, _stop_signals() as stopped:

        def show(report: Report) -> None:
            if report.gains is not None:
                texts["gain"] = " ".join(f"{gain:+.2f}@{quality}" for quality, gain in report.gains.items())
            shown.update(report.step, report.steps, f"loss {report.loss:.3g}  dB {texts['gain']}")

        texts = {"gain": "-"}
        kind = TaughtSet if recipe.taught else PairSet
        pairs, validation = kind(data, recipe.train.spacing, recipe.train.gray), PairSet(val) if val else None
        finished = loop.run(trainer, pairs, validation, output, pace, show, stopped)
    click.echo(
        f"{last}: step {trainer.step} of {recipe.train.steps}{'' if finished else '; --resume continues'}", err=True
    )
    return ExitCode.INTERRUPTED if stopped() and not finished else ExitCode.OK


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Handle Ctrl-C, SIGTERM and SIGHUP: the first stops the run after its step, a second at once.

    Yields a function that returns whether the run should stop.
    """
    signals: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        if signals:
            raise KeyboardInterrupt
        signals.append(number)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # An ignored signal stays ignored: nohup.
    before = {each: signal.signal(each, stop) for each in numbers if signal.getsignal(each) is not signal.SIG_IGN}
    try:
        yield lambda: bool(signals)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
