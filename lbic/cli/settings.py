"""lbic.toml: the user's defaults for options, a table for each command.

The file is read in the current folder or, if there is none, in the user's configuration folder.
Options on the command line replace its values. What names files, overwrites them or sends
pictures away is not a setting: a file that came with a folder of pictures must not decide it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from lbic.cli.parameters import Joined
from lbic.errors import LbicError, UsageError, reason

NAME = "lbic.toml"
COMMANDS = ("compress", "decompress", "enhance", "evaluate", "compare")
"""The commands that have settings."""
_NEVER = {"force", "help", "no-cache", "ray"}
"""Options that are no settings, besides those that name files."""


def places() -> tuple[Path, Path]:
    """Return the files that may be read, the first that exists is."""
    import platformdirs

    return Path.cwd() / NAME, platformdirs.user_config_path("lbic", appauthor=False) / NAME


def find() -> Path | None:
    """Return the file that is read; None if there is none."""
    return next((path for path in places() if path.is_file()), None)


def read(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the tables of a file.

    Raises UsageError, which names the file, for a file that cannot be read and for anything but
    tables of COMMANDS.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    for name, table in tables.items():
        if name not in COMMANDS or not isinstance(table, dict):
            raise UsageError(f"{path}: unknown key {name!r}; known tables: {', '.join(f'[{one}]' for one in COMMANDS)}")
    return tables


def defaults(path: Path, table: Mapping[str, Any], command: click.Command) -> dict[str, Any]:
    """Return the defaults of a command's parameters, by the parameters' names.

    Keys are the long names of options without dashes at the front. Raises UsageError, which names
    the file and the key, for an unknown key and for a value that the option does not take.
    """
    known = options(command)
    values = {}
    for key, value in table.items():
        where = f"{path}: {command.name}.{key}"
        if key not in known:
            raise UsageError(f"{where}: unknown key; known: {', '.join(sorted(known))}")
        option = known[key]
        value = _as_typed(value, option, where)
        try:
            option.type_cast_value(click.Context(command), value)
        except click.ClickException as error:
            raise UsageError(f"{where}: {error.message}") from error
        except LbicError as error:
            raise UsageError(f"{where}: {error}") from error
        assert option.name
        values[option.name] = value
    return values


def options(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command that may be set, by their long names without dashes."""
    return {
        name: option
        for option in command.params
        if isinstance(option, click.Option) and not isinstance(option.type, click.Path)
        for name in (max(option.opts, key=len).lstrip("-"),)
        if name not in _NEVER
    }


def _as_typed(value: Any, option: click.Option, where: str) -> Any:
    """Return a value of TOML as the words of a command line; raises UsageError for other kinds."""
    if option.is_flag:
        if isinstance(value, bool):
            return value
        raise UsageError(f"{where}: {value!r} is not true or false")
    if isinstance(value, list) and (option.multiple or isinstance(option.type, Joined)):
        words = [_word(one, where) for one in value]
        return words if option.multiple else ",".join(words)
    word = _word(value, where)
    return [word] if option.multiple else word


def _word(value: Any, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{where}: {value!r} is not text or a number")
    return str(value)


def load(name: str, command: click.Command) -> dict[str, Any]:
    """Return the defaults that the user's file has for a command; raises as ``defaults``."""
    path = find() if name in COMMANDS else None
    return defaults(path, read(path).get(name, {}), command) if path else {}


def describe(path: Path, commands: Iterable[click.Command]) -> str:
    """Return the settings of a file as text; raises as ``defaults`` for a key of any command."""
    tables = read(path)
    parts = []
    for command in commands:
        if table := tables.get(command.name or ""):
            defaults(path, table, command)
            parts.append(f"{command.name}: {', '.join(table)}")
    return "; ".join(parts) or "nothing is set"
