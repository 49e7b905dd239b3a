"""The options that commands share, declared once (compress's own are in coding.py); commands pick the decorators.

Options that belong together arrive as one object: ``talk``, ``files``, ``runtime``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lbic.cli import jobs as fileio
from lbic.cli.jobs import Job, Source
from lbic.cli.parameters import (
    FILE,
    TYPE_LIST,
    Joined,
    NumberParameter,
    StrengthParameter,
    TileParameter,
    TypeParameter,
)
from lbic.cli.report import Talk
from lbic.errors import UsageError
from lbic.system import cores

if TYPE_CHECKING:
    from lbic.enhance.session import Runtime

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True)
class Files:
    """The inputs of a command and how it goes through them."""

    inputs: tuple[str, ...]
    recursive: bool = False
    jobs: int = 1
    output: str | None = None
    force: bool = False
    skip_existing: bool = False

    def sources(self, suffixes: frozenset[str]) -> list[Source]:
        return fileio.expand(self.inputs, recursive=self.recursive, suffixes=suffixes)

    def plan(self, suffixes: frozenset[str], rename: Callable[[str], str], talk: Talk) -> list[Job]:
        """The jobs of a command that writes a file for every input; UsageError for what cannot work."""
        if self.force and self.skip_existing:
            raise UsageError("-f and --skip-existing exclude each other")
        jobs = fileio.plan(self.sources(suffixes), self.output, rename=rename, force=self.force)
        if self.skip_existing:
            jobs = [replace(job, skip_existing=True) for job in jobs]
        if talk.json and any(job.target is None for job in jobs):
            raise UsageError("--json and the output cannot both go to stdout; use -o FILE")
        return jobs


json_option = click.option("--json", is_flag=True, help="One JSON object per line on stdout.")


def talk_options(function: Function) -> Function:
    """--json, --quiet and --verbose, as ``talk``."""

    @json_option
    @quiet_options
    @functools.wraps(function)
    def wrapper(*args: Any, json: bool, talk: Talk, **rest: Any) -> Any:
        return function(*args, talk=replace(talk, json=json), **rest)

    return wrapper


def quiet_options(function: Function) -> Function:
    """--quiet and --verbose, as ``talk``, for commands without --json."""

    @click.option("--quiet", is_flag=True, help="Say nothing but errors.")
    @click.option("-v", "--verbose", is_flag=True, help="Say more: which networks ran and where, what metadata cost.")
    @functools.wraps(function)
    def wrapper(*args: Any, quiet: bool, verbose: bool, **rest: Any) -> Any:
        return function(*args, talk=Talk(quiet=quiet, verbose=verbose), **rest)

    return wrapper


inputs_argument = click.argument("inputs", type=FILE, metavar="IN...", nargs=-1, required=True)


def _jobs(default: int | Callable[[], int], sentence: str) -> Callable[[F], F]:
    text = f"Files at the same time; default {sentence}."
    return click.option("-j", "--jobs", type=NumberParameter(1), default=default, metavar="N", help=text)


jobs_option = _jobs(1, "1")

force_option = click.option("-f", "--force", is_flag=True, help="Overwrite files that are there.")


def input_options(function: Function) -> Function:
    """The inputs, -r and -j, as ``files``."""

    @inputs_argument
    @click.option(
        "-r",
        "--recursive",
        is_flag=True,
        help="Go through folders and the folders in them; pictures that lbic wrote there (*.lbic.png, *.enhanced.png) "
        "are left out.",
    )
    @_jobs(cores.usual_jobs, f"one for each core, {cores.MOST_JOBS} at most")
    @functools.wraps(function)
    def wrapper(*args: Any, inputs: tuple[str, ...], recursive: bool, jobs: int, **rest: Any) -> Any:
        given = {name: rest.pop(name) for name in ("output", "force", "skip_existing") if name in rest}
        return function(*args, files=Files(inputs, recursive, jobs, **given), **rest)

    return wrapper


def output_options(function: Function) -> Function:
    """-o, -f and --skip-existing; stands above input_options, which puts them into ``files``."""
    output_option = click.option(
        "-o",
        "--output",
        type=FILE,
        metavar="OUT",
        help="Output file for one input, folder for several (sub-folders are kept), - for stdout.",
    )
    skip_option = click.option(
        "--skip-existing", is_flag=True, help="Leave out inputs whose output is there: goes on where a run was ended."
    )
    return output_option(force_option(skip_option(function)))


def runtime_options(function: Function) -> Function:
    """--profile, --device and --tile, as ``runtime``."""

    @click.option(
        "--profile",
        type=click.Choice(["auto", "fast", "lite", "full"]),
        default="auto",
        help="Size of the networks; auto (the default) takes full on a GPU where it is shipped, else fast where that "
        "serves the picture, else lite.",
    )
    @click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        help="Where networks run; cuda that would end on the CPU is an error. Default auto.",
    )
    @click.option(
        "--tile",
        type=TileParameter(),
        default="auto",
        metavar="auto|N",
        help="Run networks on tiles of N pixels a side; less memory when smaller. Default auto.",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, profile: str, device: str, tile: int | None, **rest: Any) -> Any:
        return function(*args, runtime=_runtime(profile, device, tile), **rest)

    return wrapper


def _runtime(profile: str, device: str, tile: int | None) -> Runtime:
    from lbic.enhance.session import Runtime

    return Runtime(profile=profile, device=device, tile=tile)


def type_option(help: str, *words: str, **more: Any) -> Callable[[F], F]:
    """--type, by number or name, or by a word that the command knows besides."""
    help = f"{help} By number or name: {TYPE_LIST}."
    return click.option("--type", "kind", type=TypeParameter(*words), metavar="T", help=help, **more)


strength_option = click.option(
    "--strength",
    type=StrengthParameter(),
    default=1.0,
    metavar="0..1",
    help="How far to go from the codec's picture (0) to the enhanced one (1). Default 1.",
)


def codec_option(help: str, *, found: bool = False) -> Callable[[F], F]:
    """--codec; the choices are the codec table's. ``found``: None when left out, for the command to find out."""
    from lbic.codecs.table import CODECS, DEFAULT_CODEC

    default = None if found else DEFAULT_CODEC
    help = help if found else f"{help} Default {DEFAULT_CODEC}."
    return click.option("--codec", type=click.Choice(list(CODECS)), default=default, help=help)


def quality_option(help: str) -> Callable[[F], F]:
    """-q in the codec's own numbers; its help lists every codec's range, direction and default."""
    return click.option("-q", "--quality", type=int, metavar="Q", help=f"{help} {quality_table()}")


def quality_table() -> str:
    """The codec table's qualities: "vvc 0..63, lower is better and larger, useful 27..47, default 37; ..."."""
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
    type=NumberParameter(0, 4),
    default=2,
    metavar="0..4",
    help="How long the encoder searches: 0 fastest, 4 smallest files. Default 2.",
)


def metrics_option(function: F) -> F:
    """--metrics, names of the metrics' table."""
    from lbic.metrics.table import METRICS

    return click.option(
        "--metrics",
        type=Joined(click.Choice(list(METRICS))),
        default="psnr",
        metavar="M,...",
        help=f"Metrics, joined by commas: {', '.join(METRICS)}. The two PSNRs are always there; default no more.",
    )(function)


def max_pixels_option(function: F) -> F:
    """--max-pixels: the limit on pictures that are read."""
    from lbic.limits import MAX_PIXELS

    return click.option(
        "--max-pixels",
        type=NumberParameter(1, MAX_PIXELS),
        default=MAX_PIXELS,
        metavar="N",
        help=f"Refuse pictures of more pixels. Default {MAX_PIXELS:,}.",
    )(function)
