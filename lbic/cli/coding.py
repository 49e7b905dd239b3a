"""The options that only compress has; options.py has those that commands share."""

from __future__ import annotations

import functools
from typing import Any

import click

from lbic.cli.options import Function
from lbic.cli.parameters import ColourParameter, IntegerParameter, KeepParameter, PositiveParameter, ScaleParameter
from lbic.errors import UsageError

scale_option = click.option(
    "--scale",
    type=ScaleParameter(or_auto=True),
    metavar="1..4|auto",
    help="Divide the sides by this before coding, in steps of a sixteenth (1.5, 2); decompress restores the size. "
    "auto chooses the best for a target; vvc and vtm gain by another scale than 1 only below 0.06 bpp, where alone "
    "it is tried. Default: 1, with a target auto.",
)


def target_options(function: Function) -> Function:
    """Add --target-size, -bpp, -psnr and -ssimulacra2, as ``target``: name and value, or None."""

    @click.option(
        "--target-size", type=IntegerParameter(1), metavar="BYTES", help="The best picture of at most this many bytes."
    )
    @click.option(
        "--target-bpp",
        type=PositiveParameter(),
        metavar="X",
        help="The best picture of at most this many bits per pixel.",
    )
    @click.option(
        "--target-psnr",
        type=PositiveParameter(),
        metavar="DB",
        help="The smallest file that decompresses, with the networks that a CPU runs, to at least this PSNR of RGB.",
    )
    @click.option(
        "--target-ssimulacra2",
        type=PositiveParameter(),
        metavar="S",
        help="The smallest file that decompresses to at least this SSIMULACRA2, a score by eye: 90 cannot be told from "
        "the original, 70 is high quality, 50 medium, 30 low.",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, **rest: Any) -> Any:
        targets = {name: value for name in _TARGETS if (value := rest.pop(f"target_{name}")) is not None}
        if len(targets) > 1:
            raise UsageError(f"{' and '.join(f'--target-{name}' for name in targets)} exclude each other")
        return function(*args, target=next(iter(targets.items()), None), **rest)

    return wrapper


_TARGETS = ("size", "bpp", "psnr", "ssimulacra2")

keep_option = click.option(
    "--keep",
    type=KeepParameter(),
    default="",
    metavar="icc,exif,xmp,time|all",
    help="Store these metadata items; time gives the output the input's file time. Default: none, since metadata may "
    "be larger than the picture.",
)


flatten_option = click.option(
    "--flatten",
    type=ColourParameter(),
    metavar="COLOUR",
    help="Put pictures with alpha on a colour (white, #102030) instead of keeping their alpha.",
)


ray_option = click.option(
    "--ray",
    "address",
    metavar="ADDRESS",
    help="Compress on a Ray cluster: auto for the one this machine is part of, ray://HOST:10001 for another, local for "
    "one of this machine alone. -j is then the number of files in progress; default two for each CPU of the cluster.",
)
