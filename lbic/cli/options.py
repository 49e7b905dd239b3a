"""The options that commands share, each declared once; those of compress alone are in coding.py.

Options that belong together reach a command as one object: ``talk``, ``files``, ``runtime``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lbic.cli.jobs import Files
from lbic.cli.parameters import (
    FILE,
    TYPE_LIST,
    CodecParameter,
    IntegerParameter,
    Joined,
    StrengthParameter,
    TileParameter,
    TypeParameter,
)
from lbic.cli.report import Talk
from lbic.system import cores

if TYPE_CHECKING:
    from lbic.enhance.session import Runtime

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


json_option = click.option("--json", is_flag=True, help="Print one JSON object per line on stdout.")


def talk_options(function: Function) -> Function:
    """Add --json, --quiet and --verbose, as ``talk``."""

    @json_option
    @quiet_options
    @functools.wraps(function)
    def wrapper(*args: Any, json: bool, talk: Talk, **rest: Any) -> Any:
        return function(*args, talk=replace(talk, json=json), **rest)

    return wrapper


def quiet_options(function: Function) -> Function:
    """Add --quiet and --verbose, as ``talk``, to a command without --json."""

    @click.option("--quiet", is_flag=True, help="Print errors only.")
    @click.option(
        "-v", "--verbose", is_flag=True, help="Print more: the networks that ran and where, the size of metadata."
    )
    @functools.wraps(function)
    def wrapper(*args: Any, quiet: bool, verbose: bool, **rest: Any) -> Any:
        return function(*args, talk=Talk(quiet=quiet, verbose=verbose), **rest)

    return wrapper


inputs_argument = click.argument("inputs", type=FILE, metavar="IN...", nargs=-1, required=True)


def _jobs(default: int | Callable[[], int], sentence: str) -> Callable[[F], F]:
    text = f"Work on N files at the same time. Default {sentence}."
    return click.option("-j", "--jobs", type=IntegerParameter(1), default=default, metavar="N", help=text)


jobs_option = _jobs(1, "1")

force_option = click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")


_OUTPUT_PARTS = ("output", "force", "skip_existing", "full_names", "keep_time")
"""The parameters that become fields of ``Files`` where a command has their options."""


def input_options(function: Function) -> Function:
    """Add the inputs, -r and -j, as ``files``."""

    @inputs_argument
    @click.option(
        "-r",
        "--recursive",
        is_flag=True,
        help="Search folders and their sub-folders, except for pictures that lbic wrote (*.lbic.png, *.enhanced.png). "
        "Several folders keep their names in the folder of -o.",
    )
    @_jobs(cores.usual_jobs, f"one for each core, at most {cores.MOST_JOBS}")
    @functools.wraps(function)
    def wrapper(*args: Any, inputs: tuple[str, ...], recursive: bool, jobs: int, **rest: Any) -> Any:
        outputs = {name: rest.pop(name) for name in _OUTPUT_PARTS if name in rest}
        return function(*args, files=Files(inputs, recursive, jobs, **outputs), **rest)

    return wrapper


def output_options(function: Function) -> Function:
    """Add -o, -f and --skip-existing, as part of ``files``; stands above input_options."""
    output_option = click.option(
        "-o",
        "--output",
        type=FILE,
        metavar="OUT",
        help="Output file for one input, folder for several (sub-folders are kept), - for stdout.",
    )
    skip_option = click.option(
        "--skip-existing",
        is_flag=True,
        help="Skip inputs with an existing output: continues a run that was interrupted.",
    )
    return output_option(force_option(skip_option(function)))


def keep_time_option(function: F) -> Any:
    """Add --keep time, as part of ``files``."""

    @click.option("--keep", type=click.Choice(["time"]), help="Give outputs the file times of their inputs.")
    @functools.wraps(function)
    def wrapper(*args: Any, keep: str | None, **rest: Any) -> Any:
        return function(*args, keep_time=keep is not None, **rest)

    return wrapper


def name_option(example: str) -> Callable[[F], F]:
    """Add --name, as part of ``files``; ``example`` is an output's name with full."""

    def decorate(function: F) -> Any:
        @click.option(
            "--name",
            type=click.Choice(["stem", "full"]),
            default="stem",
            help=f"Name outputs after the input without its suffix (stem) or with it (full: a.jpg -> {example}), for "
            "folders with a.jpg and a.png. Default stem.",
        )
        @functools.wraps(function)
        def wrapper(*args: Any, name: str, **rest: Any) -> Any:
            return function(*args, full_names=name == "full", **rest)

        return wrapper

    return decorate


def runtime_options(function: Function) -> Function:
    """Add --profile, --device and --tile, as ``runtime``."""
    from lbic.enhance.providers import DEVICES

    @click.option(
        "--profile",
        type=click.Choice(["auto", "fast", "lite", "full"]),
        default="auto",
        help="Size of the networks. auto takes full on a GPU if it is shipped; otherwise fast if it is trained for the "
        "picture (vvc: of at least a megapixel), else lite. Default auto.",
    )
    @click.option(
        "--device",
        type=click.Choice(DEVICES),
        default="auto",
        help="Device that runs the networks; a name is an error where it does not work. auto takes the best that "
        "works, at last the CPU; 'lbic doctor' lists the devices. Default auto.",
    )
    @click.option(
        "--tile",
        type=TileParameter(),
        default="auto",
        metavar="auto|N",
        help="Run networks on tiles of NxN pixels; smaller tiles need less memory. Default auto.",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, profile: str, device: str, tile: int | None, **rest: Any) -> Any:
        return function(*args, runtime=_runtime(profile, device, tile), **rest)

    return wrapper


def _runtime(profile: str, device: str, tile: int | None) -> Runtime:
    from lbic.enhance.session import Runtime

    return Runtime(profile=profile, device=device, tile=tile)


def type_option(help: str, *words: str, **more: Any) -> Callable[[F], F]:
    """Add --type as ``kind``: by number or name, or one of ``words``."""
    help = f"{help} By number or name: {TYPE_LIST}."
    return click.option("--type", "kind", type=TypeParameter(*words), metavar="T", help=help, **more)


strength_option = click.option(
    "--strength",
    type=StrengthParameter(),
    default=1.0,
    metavar="0..1",
    help="Blend the coded picture (0) with the enhanced one (1). Default 1.",
)


def codec_option(help: str, *, detected: bool = False) -> Callable[[F], F]:
    """Add --codec with the names of the codec table.

    Its default is the default codec, or None if the command detects the codec (``detected``).
    """
    from lbic.codecs.table import CODECS, DEFAULT_CODEC

    default = None if detected else DEFAULT_CODEC
    help = help if detected else f"{help} Default {DEFAULT_CODEC}."
    return click.option("--codec", type=CodecParameter(list(CODECS)), default=default, help=help)


def quality_option(help: str) -> Callable[[F], F]:
    """Add -q in the codec's own numbers; the help has each codec's range and default."""
    return click.option("-q", "--quality", type=int, metavar="Q", help=f"{help} {quality_table()}")


def quality_table() -> str:
    """Return the range of each codec's quality: "vvc 0..63, lower is better and larger, ..."."""
    from lbic.codecs.table import CODECS

    rows = []
    for codec in CODECS.values():
        low, high = codec.quality_range
        least, most = codec.useful_quality
        better = "lower" if codec.lower_is_better else "higher"
        rows.append(
            f"{codec.name} {low}..{high}, {better} is better and larger, useful {least}..{most}, "
            f"default {codec.default_quality}"
        )
    return "; ".join(rows) + "."


effort_option = click.option(
    "--effort",
    type=IntegerParameter(0, 4),
    default=2,
    metavar="N",
    help="How long the encoder searches: 0 is fastest, 4 makes the smallest files. Default 2.",
)


def metrics_option(function: F) -> F:
    """Add --metrics, a list of names from the table of metrics."""
    from lbic.metrics.table import METRICS

    return click.option(
        "--metrics",
        type=Joined(click.Choice(list(METRICS))),
        default="psnr",
        metavar="M,...",
        help=f"Metrics, joined by commas: {', '.join(METRICS)}. The two PSNRs are always measured. Default psnr.",
    )(function)


def max_pixels_option(function: F) -> F:
    """Add --max-pixels, the limit on pictures that are read."""
    from lbic.limits import MAX_PIXELS

    return click.option(
        "--max-pixels",
        type=IntegerParameter(1, MAX_PIXELS),
        default=MAX_PIXELS,
        metavar="N",
        help=f"Refuse pictures with more pixels. Default {MAX_PIXELS:,}.",
    )(function)
