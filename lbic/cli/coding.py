"""The options of coding a picture, which compress alone has; the others are in options.py."""

from __future__ import annotations

import functools
from typing import Any

import click

from lbic.cli.options import Function
from lbic.cli.parameters import ColourParameter, IntegerParameter, Joined, PositiveParameter, ScaleParameter
from lbic.errors import UsageError

scale_option = click.option(
    "--scale",
    type=ScaleParameter(or_auto=True),
    metavar="1..4|auto",
    help="Make the sides this many times smaller before coding, in steps of a sixteenth (1.5, 2); decompress restores "
    "the size. auto finds the best for a target. Default 1, with a target auto.",
)


def target_options(function: Function) -> Function:
    """--target-size, --target-bpp and --target-psnr, as ``wanted``: the name of the one given and its value."""

    @click.option(
        "--target-size", type=IntegerParameter(1), metavar="BYTES", help="The best file of at most this size."
    )
    @click.option(
        "--target-bpp",
        type=PositiveParameter(),
        metavar="X",
        help="The best file of at most this many bits for each pixel of the picture.",
    )
    @click.option(
        "--target-psnr",
        type=PositiveParameter(),
        metavar="DB",
        help="The smallest file that decompresses to at least this PSNR, of RGB (lite networks, on the CPU).",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, **rest: Any) -> Any:
        given = {name: value for name in _TARGETS if (value := rest.pop(f"target_{name}")) is not None}
        if len(given) > 1:
            raise UsageError(f"{' and '.join(f'--target-{name}' for name in given)} exclude each other")
        return function(*args, wanted=next(iter(given.items()), None), **rest)

    return wrapper


_TARGETS = ("size", "bpp", "psnr")

keep_option = click.option(
    "--keep",
    type=Joined(click.Choice(("icc", "exif", "xmp")), or_none=True),
    default="",
    metavar="icc,exif,xmp",
    help="Store these metadata; none by default, since they may be larger than the picture.",
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
    "one of this machine alone. -j is how many files are under way; default two for each CPU of the cluster.",
)
