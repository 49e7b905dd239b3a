"""Types of option values: each turns a word of the command line into a value, or says what is wrong with it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from lbic.api import scale_in_sixteenths
from lbic.enhance.types import TYPES, EnhancementType, check_strength, parse

FILE = click.Path(allow_dash=True, readable=False)
"""The name of a file, which shells complete; that it can be read or written is found out, and told, in its turn."""

MADE_FILE = click.Path(path_type=Path, dir_okay=False)
MADE_FOLDER = click.Path(path_type=Path, file_okay=False)
"""A file and a folder that training makes or made."""

TYPE_LIST = ", ".join(f"{kind.id} {kind.name}" for kind in TYPES.values())


class TypeParameter(click.ParamType["EnhancementType | str"]):
    """An enhancement type by number or name, or one word more, which stays a word."""

    name = "type"

    def __init__(self, *words: str) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if isinstance(value, EnhancementType) or value in self.words else parse(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        names = (*(kind.name for kind in TYPES.values()), *self.words)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class NumberParameter(click.ParamType[int]):
    """A whole number from ``least``, and up to ``most`` if that is given.

    Unlike click.IntRange it leaves the range to the metavar instead of adding a formula to the help.
    """

    name = "integer"

    def __init__(self, least: int, most: int | None = None) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number", param, ctx)
        if self.most is None and number < self.least:
            self.fail(f"{number} is less than {self.least}", param, ctx)
        if self.most is not None and not self.least <= number <= self.most:
            self.fail(f"{number} is not in {self.least}..{self.most}", param, ctx)
        return number


class TileParameter(click.ParamType["int | None"]):
    """``auto`` (None) or the side of a tile in pixels."""

    name = "tile"
    _side = NumberParameter(64)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        return None if value == "auto" else self._side.convert(value, param, ctx)


class StrengthParameter(click.ParamType[float]):
    """A share, 0..1."""

    name = "strength"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return check_strength(float(value))
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)


class Joined(click.ParamType["tuple[Any, ...]"]):
    """Values of one kind joined by commas, each once; ``or_none`` allows an empty list."""

    name = "list"

    def __init__(self, one: click.ParamType[Any], *, or_none: bool = False) -> None:
        self.one = one
        self.or_none = or_none

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        words = [word for word in (value.split(",") if isinstance(value, str) else value) if word != ""]
        if not words and not self.or_none:
            self.fail("the list is empty", param, ctx)
        return tuple(dict.fromkeys(self.one.convert(word, param, ctx) for word in words))


class PositiveParameter(click.ParamType[float]):
    """A number above 0."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not 0 < number < math.inf:
            self.fail(f"{value} is not above 0", param, ctx)
        return number


class ColourParameter(click.ParamType["tuple[int, int, int]"]):
    """An opaque colour as CSS names it, white or #102030; red, green and blue, 0..255."""

    name = "colour"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int, int]:
        from PIL import ImageColor  # help does without Pillow

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
    """A scale of 1..4 in steps of a sixteenth, as the format stores it; or where that is allowed ``auto`` (None)."""

    name = "scale"

    def __init__(self, *, or_auto: bool = False) -> None:
        self.or_auto = or_auto

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if isinstance(value, int) or (self.or_auto and value in ("auto", None)):
            return None if value == "auto" else value
        try:
            return scale_in_sixteenths(float(value))
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
