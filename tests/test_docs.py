"""docs/cli.md is current and complete."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helpers import lbic

import lbic as package
from lbic import errors
from lbic.cli import docs
from lbic.cli.export import parse_defaults
from lbic.cli.main import COMMANDS
from lbic.codecs.table import CODECS
from lbic.coding import SCALE_ONE, Coding
from lbic.enhance import catalog
from lbic.errors import ExitCode, LbicError
from lbic.rate import target

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_is_current(page: str) -> None:
    assert page == docs.page(), "run: python -m lbic.cli.docs > docs/cli.md"


def test_every_exit_code_is_documented() -> None:
    assert set(docs.EXIT_CODES) == set(ExitCode)


def test_every_error_code_is_documented(page: str) -> None:
    for module in pkgutil.walk_packages(package.__path__, "lbic."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    kinds = set(kinds_of(LbicError))
    assert {errors.TargetError, errors.DeviceError} <= kinds
    for kind in kinds:
        assert f"`{kind.code}`" in page, kind


def kinds_of(error: type[LbicError]) -> Iterator[type[LbicError]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds_of(kind)


def test_every_command_with_json_has_its_keys_documented(page: str) -> None:
    sections = {name: page.split(f"\n## lbic {name}\n")[1].split("\n## ")[0] for name in COMMANDS}
    assert {name for name, text in sections.items() if "Print one JSON object per line" in text} == set(docs.JSON_KEYS)


def test_enhance_names_the_types_that_the_shipped_catalog_advises() -> None:
    shipped = catalog.load()
    assert "Enhancement to apply. Default: nr." in " ".join(lbic("enhance", "-h").stdout.split())
    assert {shipped.enhancing_type(Coding("jpeg", quality)).name for quality in range(1, 96)} == {"nr"}
    assert {shipped.enhancing_type(Coding(codec.name, codec.default_quality)).name for codec in CODECS.values()} == {
        "nr"
    }


def test_the_training_page_gives_the_defaults_that_are_shipped() -> None:
    training = PAGE.with_name("training.md").read_text(encoding="utf-8")
    defaults = [default for text in re.findall(r"--default ([\w,:.]+\w)", training) for default in parse_defaults(text)]
    assert set(defaults) == set(catalog.load().defaults)


def test_the_models_page_has_the_types_that_compress_records() -> None:
    rows = re.findall(
        r"^\| (\w+) \| ([\d., ]+) \| (\d+)\.\.(\d+) \| (\d) \((.*)\) \|$",
        PAGE.with_name("models.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    types = {
        (codec, round(float(scale) * SCALE_ONE), quality): (int(number), name)
        for codec, scales, low, high, number, name in rows
        for scale in scales.split(", ")
        for quality in range(int(low), int(high) + 1)
    }
    shipped = catalog.load()
    for codec in CODECS.values():
        low, high = codec.quality_range
        for scale in target.SCALES:
            for quality in range(low, high + 1):
                kind = shipped.default_type(Coding(codec.name, quality, scale))
                assert types.get((codec.name, scale, quality), (0, "none")) == (kind.id, kind.name)
