"""tests/README.md says of every test file and every golden file what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import GOLDEN

HERE = Path(__file__).parent
PAGE = (HERE / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.py")))
def test_every_test_file_is_described(name: str) -> None:
    assert f"**{name}**" in PAGE


@pytest.mark.parametrize(
    "name", sorted(path.stem for suffix in ("lbic", "266") for path in GOLDEN.rglob(f"*.{suffix}"))
)
def test_every_golden_file_is_described(name: str) -> None:
    assert f"**{name}**" in PAGE
