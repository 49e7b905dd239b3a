"""Prose ends before column 100: comments, docstrings, and Markdown except tables and code."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST = 99
FOLDERS = ("lbic", "benchmarks", "examples", "tests")
PAGES = ("README.md", "CHANGELOG.md", "models/README.md", "docs/*.md", "benchmarks/**/*.md", "examples/**/*.md")


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a module that end in a comment, except commands to linters."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        commands = ("# noqa", "# type:", "# fmt:", "# ruff:")
        if token.type == tokenize.COMMENT and not token.string.startswith(commands):
            yield token.start[0], token.line.rstrip("\n")


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a module's docstrings, those of fields included."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from ((number, lines[number - 1]) for number in range(node.lineno, (node.end_lineno or 0) + 1))


def markdown(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a page outside tables and blocks of code; a line of
    one word may be long.
    """
    code = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```"):
            code = not code
        elif not (code or line.lstrip().startswith("|") or line.startswith("    ") or len(line.split()) < 2):
            yield number, line


def offenders(name: str, text: str) -> list[str]:
    """Return the lines of prose in a file that are too long, as path:line: length."""
    prose = markdown(text) if name.endswith(".md") else [*comments(text), *docstrings(text)]
    return [f"{name}:{number}: {len(line)}" for number, line in prose if len(line) > LONGEST]


def all_offenders() -> list[str]:
    """Return the lines of prose in the whole repository that are too long."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    paths += [path for pattern in PAGES for path in ROOT.glob(pattern)]
    named = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return [line for name in sorted(named) for line in offenders(name, named[name].read_text("utf-8"))]


def test_prose_ends_before_column_100() -> None:
    assert all_offenders() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", f"x = 1  # {'long ' * 20}"),
        ("a.py", f'def f():\n    """Short.\n\n    {"long " * 20}end\n    """'),
        ("a.py", f'class C:\n    x = 1\n    """{"long " * 20}"""'),
        ("a.md", "long " * 20),
        ("a.md", f"- {'long ' * 20}"),
    ],
)
def test_a_long_line_of_prose_is_found(name: str, text: str) -> None:
    assert offenders(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", f'x = "{"code " * 22}"'),
        ("a.md", f"| {'cell ' * 22} |"),
        ("a.md", f"```text\n{'code ' * 22}\n```"),
        ("a.md", f"<https://example.org/{'a' * 100}>"),
    ],
)
def test_long_code_tables_and_links_pass(name: str, text: str) -> None:
    assert offenders(name, text) == []


# python tests/test_prose.py [PART OF A PATH]: the lines that are too long
if __name__ == "__main__":
    for line in all_offenders():
        if not sys.argv[1:] or sys.argv[1] in line:
            print(line)  # noqa: T201
