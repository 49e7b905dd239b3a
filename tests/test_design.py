"""docs/design.md names files that exist, every folder of the package, and the layers that
test_imports.py holds.
"""

from __future__ import annotations

import re
from pathlib import Path

from test_imports import LAYERS, PACKAGE

ROOT = PACKAGE.parent
PAGE = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


def test_every_file_named_exists() -> None:
    paths = re.findall(r"\b(?:lbic|docs|tests|models|benchmarks|examples)/[\w/.-]*\w/?", PAGE)
    links = [str(Path("docs", target)) for target in re.findall(r"\]\(([^)#:]+)\)", PAGE)]
    assert len(paths) > 50 and links
    assert [path for path in (*paths, *links) if not (ROOT / path).exists()] == []


def test_every_file_named_without_its_folder_exists() -> None:
    """A file in parentheses lies beside the file or below the folder that its line names first."""
    missing = []
    for line in PAGE.splitlines():
        folders = [ROOT / path for path in re.findall(r"`(lbic/(?:\w+/)*)\w*", line)]
        missing += [
            name for name in re.findall(r"`(\w+\.py)`", line) if not any((folder / name).exists() for folder in folders)
        ]
    assert missing == []


def test_every_folder_and_every_file_at_the_top_is_named() -> None:
    names = [f"`lbic/{path.name}/`" for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    assert len(names) > 10
    assert [name for name in names if name not in PAGE] == []
    units = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert units <= {name for layer in LAYERS for name in layer}


def test_the_layers_are_those_that_are_held() -> None:
    block = re.search(r"(?m)(?:^    .+\n)+", PAGE.split("\n## Layers\n")[1])
    assert block
    assert [tuple(line.strip().split(", ")) for line in block[0].splitlines()] == list(LAYERS)
