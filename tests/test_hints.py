"""Errors below lbic.cli name no option; the command line adds the one that helps."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lbic.cli import hints
from lbic.errors import (
    BetterThanTrainedError,
    FileError,
    LbicError,
    MissingError,
    NetworkMemoryError,
    OtherRunError,
    OutputExistsError,
)

PACKAGE = Path(__file__).parents[1] / "lbic"
OPTION = re.compile(r"(?:^|[\s(\"'`])(?:--[a-z]|-[fqr](?![\w-]))")
OTHER_PROGRAMS = {"codecs/encoders.py", "codecs/process.py", "codecs/vtm.py", "evaluate/ffmpeg.py"}
"""These files hold command lines of other programs: ffmpeg, vvencapp, setpriv, VTM's encoder."""


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every string but docstrings, parts of f-strings included."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def options(source: str) -> list[str]:
    """Return the strings of a module that contain an option, with their lines."""
    return [f"{line}: {text}" for line, text in strings(source) if OPTION.search(text)]


def test_no_string_below_the_command_line_contains_an_option() -> None:
    paths = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    strings_found = {
        name: options(path.read_text("utf-8")) for name, path in paths.items() if not name.startswith("cli/")
    }
    offenders = {name: texts for name, texts in strings_found.items() if texts}
    assert {name: texts for name, texts in offenders.items() if name not in OTHER_PROGRAMS} == {}
    assert set(offenders) == OTHER_PROGRAMS, "exempt only what needs it"


@pytest.mark.parametrize(
    "source",
    [
        'raise FileError(f"{target} exists; use -f to overwrite it")',
        'raise DeviceError(f"--device cuda: {reason}")',
        'note = f"quality unknown: assumed {q}; -q gives it"',
        'text = "is a directory; use `-r` to go through it"',
    ],
)
def test_an_option_in_a_string_is_found(source: str) -> None:
    assert options(source)


def test_words_that_are_no_options_pass() -> None:
    source = '"""--type, a docstring"""\ntext = "nr-tr of a-f, 4 -- 5, -fine", "python -m lbic"'
    assert options(source) == []


class BelowError(OutputExistsError):
    pass


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OutputExistsError("a.lbic exists"), "a.lbic exists; use -f to overwrite it"),
        (BelowError("a.lbic exists"), "a.lbic exists; use -f to overwrite it"),
        (FileError("a.lbic is gone"), "a.lbic is gone"),
        (BetterThanTrainedError("too good", 7), "too good; --type 7 runs it anyway"),
        (OtherRunError("another run", "after"), "another run; --after names that network"),
    ],
)
def test_the_class_of_an_error_decides_its_hint(error: LbicError, sentence: str) -> None:
    assert hints.sentence(error) == sentence
    copied = pickle.loads(pickle.dumps(error))  # errors come back from a cluster
    assert hints.sentence(copied) == sentence


def test_the_note_on_an_obstacle_gets_its_hint() -> None:
    notes = ("the picture is turned", "no memory; wrote the codec's picture")
    assert hints.notes(notes, NetworkMemoryError("no memory")) == (
        "the picture is turned",
        "no memory; wrote the codec's picture; a smaller --tile needs less",
    )
    assert hints.notes(notes, MissingError("no memory")) == hints.notes(notes, None) == notes
