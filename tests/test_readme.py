"""tests/README.md describes every test file and every golden file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conftest import GOLDEN

HERE = Path(__file__).parent
PAGE = (HERE / "README.md").read_text(encoding="utf-8")


def undescribed(names: Iterable[str]) -> list[str]:
    return [name for name in sorted(names) if f"**{name}**" not in PAGE]


def test_every_test_file_is_described() -> None:
    assert undescribed(path.name for path in HERE.glob("*.py")) == []


def test_every_golden_file_is_described() -> None:
    assert undescribed(path.stem for suffix in ("lbic", "266") for path in GOLDEN.rglob(f"*.{suffix}")) == []
