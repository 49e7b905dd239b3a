"""Golden files (tests/golden): what earlier versions wrote decodes to the same picture."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from conftest import GOLDEN
from helpers import largest_difference
from PIL import Image

from lbic import pipeline
from lbic.enhance.types import TYPES
from lbic.format import container
from lbic.pipeline import DecompressSettings

FILES = sorted(GOLDEN.glob("*.lbic"))
TOLERANCE = {"vvc": 0, "vtm": 0, "jpeg": 1, "webp": 1, "avif": 1, "jpeg2000": 1}
"""In levels: versions of Pillow's libraries may round differently, VVC decoders may not."""


def test_there_are_goldens_of_every_codec_and_kind() -> None:
    headers = [container.read_header(path.read_bytes()) for path in FILES]
    kinds = {(header.codec, header.gray) for header in headers}
    assert kinds == {(codec, gray) for codec in TOLERANCE for gray in (False, True)}
    assert any(header.scale > 16 for header in headers)
    assert {number for header in headers for number in header.metadata} >= {container.ALPHA, container.ICC}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_file_decodes_as_it_always_did(path: Path) -> None:
    result = pipeline.decompress(path.read_bytes(), DecompressSettings(TYPES[0]))
    with Image.open(path.with_suffix(".png")) as expected:
        assert largest_difference(result.image, expected) <= TOLERANCE[result.header.codec], (
            f"{path.name} decodes differently: old files of users do too. Never make the golden file again."
        )
        assert result.icc == expected.info.get("icc_profile")


def test_golden_files_are_never_replaced() -> None:
    lines = (GOLDEN / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    binary = [path for path in GOLDEN.rglob("*") if path.suffix in (".lbic", ".png", ".266")]
    actual = {path.relative_to(GOLDEN).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in binary}
    assert actual == sums
