"""Types of options: each converts a word of the command line to a value."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from lbic.api import scale_in_sixteenths
from lbic.enhance.types import TYPES, EnhancementType, check_strength, parse

FILE = click.Path(allow_dash=True, readable=False)
"""The name of a file; one that cannot be read fails only when its turn comes."""

MADE_FILE = click.Path(path_type=Path, dir_okay=False)
"""A file that training reads or writes."""

MADE_FOLDER = click.Path(path_type=Path, file_okay=False)
"""A folder that training reads or writes."""

TYPE_LIST = ", ".join(f"{kind.id} {kind.name}" for kind in TYPES.values())


class TypeParameter(click.ParamType["EnhancementType | str"]):
    """An enhancement type by number or name, or one of ``words``, which is returned as it is."""

    name = "type"

    def __init__(self, *words: str) -> None:
        """Take the words that are allowed besides the types."""
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the type or the word; UsageError for any other value."""
        return value if isinstance(value, EnhancementType) or value in self.words else parse(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin with ``incomplete``."""
        names = (*(kind.name for kind in TYPES.values()), *self.words)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class CodecParameter(click.Choice[str]):
    """The name of a codec. The help lists lbic's own; those of other packages are valid too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name; UsageError, which lists the names, for one that no codec has."""
        return value if value in self.choices else click.Choice(self._names()).convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin with ``incomplete``."""
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]

    def _names(self) -> tuple[str, ...]:
        from lbic.codecs.table import names

        return names()


class IntegerParameter(click.IntRange):
    """An integer in a range, which the help states."""

    name = "integer"  # for "'x' is not a valid integer"; click's is "integer range"


class TileParameter(click.ParamType["int | None"]):
    """The side of a tile in pixels, 64 or more; None for ``auto``."""

    name = "tile"
    _side = IntegerParameter(64)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the side or None."""
        return None if value == "auto" else self._side.convert(value, param, ctx)


class StrengthParameter(click.ParamType[float]):
    """A strength of 0..1."""

    name = "strength"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the strength; UsageError for a number out of range."""
        try:
            return check_strength(float(value))
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)


class Joined(click.ParamType["tuple[Any, ...]"]):
    """Values of one type, joined by commas; duplicates are dropped."""

    name = "list"

    def __init__(self, one: click.ParamType[Any], *, or_none: bool = False) -> None:
        """Take the type of one value; ``or_none`` allows an empty list."""
        self.one = one
        self.or_none = or_none

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        """Return the values in their order."""
        words = [word for word in (value.split(",") if isinstance(value, str) else value) if word != ""]
        if not words and not self.or_none:
            self.fail("the list is empty", param, ctx)
        return tuple(dict.fromkeys(self.one.convert(word, param, ctx) for word in words))


KEEPABLE = ("icc", "exif", "xmp")
"""The names of format.metadata.KEEPABLE; that module needs NumPy, which --help does not load."""
TIME = "time"
"""The word that gives an output the file time of its input."""


class KeepParameter(Joined):
    """Names of metadata items and ``time``, joined by commas, or ``all``."""

    def __init__(self) -> None:
        """Allow an empty list."""
        super().__init__(click.Choice((*KEEPABLE, TIME, "all")), or_none=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        """Return the names; ``all`` stands for every other one."""
        names = super().convert(value, param, ctx)
        return (*KEEPABLE, TIME) if "all" in names else names


class PositiveParameter(click.ParamType[float]):
    """A finite number above 0; click.FloatRange would take nan and inf."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not 0 < number < math.inf:
            self.fail(f"{value} is not above 0", param, ctx)
        return number


class ColourParameter(click.ParamType["tuple[int, int, int]"]):
    """An opaque colour in CSS notation (white, #102030) as red, green and blue, 0..255."""

    name = "colour"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int, int]:
        """Return the three levels."""
        from PIL import ImageColor  # --help does not load Pillow

        if isinstance(value, tuple):
            return value
        try:
            red, green, blue, *alpha = ImageColor.getrgb(value)
        except ValueError:
            self.fail(f"{value!r} is not a colour such as white or #102030", param, ctx)
        if alpha:
            self.fail(f"{value} is not opaque", param, ctx)
        return red, green, blue


class ScaleParameter(click.ParamType["int | None"]):
    """A scale of 1..4 in steps of a sixteenth, as a number of sixteenths."""

    name = "scale"

    def __init__(self, *, or_auto: bool = False) -> None:
        """Allow ``auto``, which becomes None, with ``or_auto``."""
        self.or_auto = or_auto

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the scale in sixteenths, or None."""
        if isinstance(value, int) or (self.or_auto and value in ("auto", None)):
            return None if value == "auto" else value
        try:
            return scale_in_sixteenths(float(value))
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
