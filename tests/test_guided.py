"""Inputs that coverage-guided fuzzing grew (make fuzz) end in a picture or an LbicError."""

from __future__ import annotations

from pathlib import Path

import guided
import pytest
from conftest import GOLDEN

from lbic.format import container
from lbic.picture import load

KEPT = sorted(path for target in guided.TARGETS for path in (guided.KEPT / target).iterdir())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
@pytest.mark.filterwarnings("default")
def test_what_earlier_runs_grew(path: Path) -> None:
    guided.TARGETS[path.parent.name](path.read_bytes())


def test_they_are_few_and_small() -> None:
    assert 50 < len(KEPT) < 400
    assert max(path.stat().st_size for path in KEPT) <= guided.LONGEST


@pytest.mark.parametrize(("target", "module", "name"), [("files", container, "unpack"), ("pictures", load, "load")])
def test_an_unexpected_exception_is_a_finding(
    target: str, module: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, name, broken)
    with pytest.raises(ZeroDivisionError):
        guided.TARGETS[target](b"any")


def test_inputs_that_take_new_steps_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = (GOLDEN / "jpeg-standard.lbic").read_bytes()
    grown = tmp_path / "grown"
    grown.mkdir()
    (grown / "a").write_bytes(sound)
    (grown / "b").write_bytes(sound + b"\0")
    (grown / "c").write_bytes(sound[:3])
    monkeypatch.setattr(guided, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(guided, "seeds", lambda target: iter([("one", sound[:3])]))
    guided.keep("files", grown)
    assert [path.name for path in (tmp_path / "kept" / "files").iterdir()] == ["a"]


def test_seeds_are_of_many_kinds() -> None:
    names = {name for name, _ in guided.seeds("pictures")}
    assert {"colour.avif", "palette.tiff", "16-2.png", "CMYK.tiff", "png-bad-crc-in-text.png"} <= names
    assert {name for name, _ in guided.seeds("files")} > {"jpeg-standard.lbic", "vvc-faster.lbic"}
