"""The commands that train: ``lbic train nr`` and the others."""

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
from lbic.cli.train_lines import Lines
from lbic.errors import ExitCode, UsageError

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
config_option = click.option(
    "--config", "config_path", type=MADE_FILE, required=True, metavar="FILE", help="Recipe, a TOML file."
)


after_option = click.option(
    "--after", type=MADE_FILE, metavar="FILE", help="Exported network or checkpoint (.pt) that runs before this one."
)


def training_command(name: str) -> click.Command:
    """Return the command that trains networks of one kind, a key of TRAININGS."""
    summary = TRAININGS[name][1]

    @click.command(name, help=summary, short_help=summary)
    @config_option
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
        metavar="FILE",
        help="Exported network or checkpoint (.pt) to start from. A cascade takes one for each of its networks.",
    )
    @click.option(
        "--teacher",
        type=MADE_FILE,
        metavar="FILE",
        help="Exported network or checkpoint (.pt) that a recipe with [distill] learns from.",
    )
    @click.option(
        "--features",
        type=click.Choice(["distilled", "vgg19"]),
        default="distilled",
        help="Features of a perceptual loss, in the folder that LBIC_WEIGHTS names. Default distilled.",
    )
    @click.option("--minutes", type=click.FloatRange(min=0), default=0, help="Stop after this time. Default 0, never.")
    @click.option(
        "--fit-minutes",
        type=click.FloatRange(min=0),
        default=0,
        help="Fit the number of steps to this time, resumed runs included. Default 0: the recipe's number.",
    )
    @click.option("--threads", type=click.IntRange(min=1), help="CPU threads. Default PyTorch's choice.")
    @click.option(
        "--validate-every", type=click.IntRange(min=1), default=500, help="Steps between validations. Default 500."
    )
    @click.option(
        "--print-every",
        type=click.FloatRange(min=0),
        default=0,
        help="Print a line with the speed at least this many seconds apart. Default 0, never.",
    )
    @click.option(
        "--parts",
        type=MADE_FOLDER,
        metavar="DIR",
        help="Also write the averaged weights to DIR, as float16 in parts, whenever a checkpoint is saved.",
    )
    @click.option("--mib", type=click.IntRange(min=1), default=16, help="Largest size of a part in MiB. Default 16.")
    def command(**options: Any) -> ExitCode:
        return _train(name, **options)

    return command


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
    fit_minutes: float,
    threads: int | None,
    validate_every: int,
    print_every: float,
    parts: Path | None,
    mib: int,
) -> ExitCode:
    from lbic.train import config
    from lbic.train.fit import Fit

    fit = Fit(fit_minutes) if fit_minutes else None  # its time includes the start of PyTorch
    recipe = config.load(config_path)
    if recipe.export.role not in TRAININGS[name][0]:
        fitting = [other for other, (roles, _) in TRAININGS.items() if recipe.export.role in roles]
        raise UsageError(f"{config_path}: a recipe for the role {recipe.export.role!r}; use lbic train {fitting[0]}")
    if recipe.export.role == "sr-ar" and not after:
        raise UsageError("a network of the role sr-ar is trained after another one; name it with --after")
    if resume and init:
        raise UsageError("--resume and --init exclude each other")
    if minutes and fit_minutes:
        raise UsageError("--minutes and --fit-minutes exclude each other")
    torch = need_torch()
    from lbic.nets import features as perceptual
    from lbic.train import checkpoint, export, flops, log, loop
    from lbic.train import parts as weights
    from lbic.train.data import PairSet
    from lbic.train.taught import TaughtSet
    from lbic.train.trainer import Trainer, best_device

    if threads:
        torch.set_num_threads(threads)
    last = output / loop.LAST
    if last.exists() and not resume:
        raise UsageError(f"{output}: already holds a run; --resume continues it")
    before = export.read_network(after) if after else None
    compared = perceptual.load(features) if recipe.perceptual else None
    taught = export.read_network(teacher) if teacher else None
    trainer = Trainer(recipe, best_device(), before, compared, taught)
    if resume:
        trainer.restore(checkpoint.load(last))
    elif init:
        trainer.start_from(export.read_start(init, trainer.network))
    pace = loop.Pace(minutes=minutes, validate_every=validate_every)
    kind = TaughtSet if recipe.taught else PairSet
    pairs, validation = kind(data, recipe.train.spacing, recipe.train.gray), PairSet(val) if val else None
    lines = Lines(trainer, flops.of_a_step(trainer), print_every) if print_every else None

    def write_parts() -> None:
        if parts:
            weights.write(parts, trainer.state(), mib << 20, also=(output / log.LOG,))

    with bar(recipe.export.name, keep=True) as shown, _stop_signals() as stopped:
        texts = {"gain": "-"}

        def show(report: Report) -> None:
            if report.gains is not None:
                texts["gain"] = " ".join(f"{gain:+.2f}@{quality}" for quality, gain in report.gains.items())
            shown.update(report.step, report.steps, f"loss {report.loss:.3g}  dB {texts['gain']}")
            if lines:
                lines.show(report)

        finished = loop.run(
            trainer,
            pairs,
            validation,
            output,
            pace,
            show,
            stopped,
            fit=fit,
            after_save=write_parts,
        )
    end = "" if finished else "; --resume continues"
    click.echo(f"{last}: step {trainer.step} of {trainer.schedule.end}{end}", err=True)
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
