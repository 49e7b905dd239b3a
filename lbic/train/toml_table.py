"""Fill a frozen dataclass from a TOML table and reject everything that does not fit."""

from __future__ import annotations

import dataclasses
import difflib
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from lbic.errors import UsageError

T = TypeVar("T")


def fill(kind: type[T], table: dict[str, Any], name: str, prefix: str) -> T:
    """Build the dataclass ``kind`` from a TOML table.

    ``name`` is the file's name and ``prefix`` the table's, with a dot, for error messages. The key
    "text" is not allowed. Raises UsageError for unknown and missing keys and for wrong types.
    """
    hints = get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    known = [key for key in fields if key != "text"]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
            hint = f"; did you mean '{prefix}{near[0]}'?" if near else f"; known: {', '.join(known)}"
            raise UsageError(f"{name}: unknown key '{prefix}{key}'{hint}")
    for key in known:
        spec = fields[key]
        if key not in table and spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise UsageError(f"{name}: '{prefix}{key}' is missing")
    return kind(**{key: _value(hints[key], value, name, prefix + key) for key, value in table.items()})


def _value(hint: Any, value: Any, name: str, key: str) -> Any:
    if isinstance(hint, UnionType):  # "X | None": the key is optional
        hint = get_args(hint)[0]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise UsageError(f"{name}: '{key}' must be a table: [{key}]")
        return fill(hint, value, name, key + ".")
    if get_origin(hint) is tuple:
        arguments = get_args(hint)
        fixed = len(arguments) if arguments[-1] is not Ellipsis else None
        if not isinstance(value, list) or (fixed is not None and len(value) != fixed):
            raise UsageError(f"{name}: '{key}' must be a list" + (f" of {fixed} values" if fixed else ""))
        return tuple(_value(arguments[0], item, name, key) for item in value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise UsageError(f"{name}: '{key}' must be of type {hint.__name__}, not {value!r}")
    return value
