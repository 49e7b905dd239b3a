"""The cache of evaluate: entries, keys and rows."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from conftest import WriteCatalog
from helpers import photo
from PIL import Image
from test_imports import graph
from toys import identity, spec

from lbic import pipeline
from lbic.codecs import encoders
from lbic.enhance.equivalent import Equivalent
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, TYPES
from lbic.errors import CodecError
from lbic.evaluate import cache, keys, runner
from lbic.evaluate.cache import Cache
from lbic.evaluate.plan import Plan, PlannedCoding
from lbic.evaluate.runner import Row
from lbic.metrics import ma
from lbic.metrics.table import METRICS
from lbic.system import weights

KEY = {"picture": "abc", "q": 37}
CODING = PlannedCoding("jpeg", 20)
CPU = Runtime(device="cpu")
AR = TYPES[7]


@pytest.fixture
def kept(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_value_needs_its_whole_key(kept: Cache, tmp_path: Path) -> None:
    assert kept.find(KEY) is None
    kept.keep(KEY, {"psnr": math.inf})
    assert kept.find(dict(reversed(KEY.items()))) == {"psnr": math.inf}
    assert kept.find(KEY | {"q": 38}) is None
    kept.keep(KEY, {"psnr": 30.0})
    assert kept.find(KEY) == {"psnr": 30.0}
    assert len(files(tmp_path)) == 1, "nothing half-written"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"key": 1, "value": {}}', b'{"value": {}}'])
def test_a_damaged_file_counts_as_absent(damage: bytes, kept: Cache, tmp_path: Path) -> None:
    kept.keep(KEY, {"psnr": 30.0})
    files(tmp_path)[0].write_bytes(damage)
    assert kept.find(KEY) is None
    kept.keep(KEY, {"psnr": 31.0})
    assert kept.find(KEY) == {"psnr": 31.0}


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for useless in (Cache(), Cache(tmp_path / "file")):
        useless.keep(KEY, {"psnr": 30.0})
        assert useless.find(KEY) is None


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the variables of Linux")
def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.default_folder() == tmp_path / ".cache" / "lbic" / "evaluate"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "named"))
    assert cache.default_folder() == tmp_path / "named" / "lbic" / "evaluate"


def test_a_user_without_a_home_has_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: Path("~/.cache/lbic"))
    assert cache.default_folder() is None


# --- keys ----------------------------------------------------------------------------------------


def test_the_key_of_a_file_has_its_coding_and_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = keys.coded_key("abc", CODING, 2)
    assert key == keys.coded_key("abc", CODING, 2)
    others = [
        keys.coded_key("abd", CODING, 2),
        keys.coded_key("abc", replace(CODING, quality=21), 2),
        keys.coded_key("abc", replace(CODING, scale=32), 2),
        keys.coded_key("abc", replace(CODING, codec="file:jpeg"), 2),
        keys.coded_key("abc", CODING, 3),
    ]
    monkeypatch.setattr(keys, "version", lambda _: "99")
    others.append(keys.coded_key("abc", CODING, 2))
    assert all(other != key for other in others)
    program = tmp_path / "encoder"
    program.write_text("one")
    monkeypatch.setattr(encoders, "find", lambda: encoders.Encoder(str(program), "ffmpeg", False, lambda *_: []))
    before = keys.coded_key("abc", PlannedCoding("vvc", 37), 2)
    program.write_text("another")
    assert keys.coded_key("abc", PlannedCoding("vvc", 37), 2) != before
    configuration = tmp_path / "a.cfg"
    configuration.write_text("one")
    monkeypatch.setattr("lbic.codecs.vtm._program", lambda _: (str(program), str(configuration)))
    before = keys.coded_key("abc", PlannedCoding("vtm", 37), 2)
    configuration.write_text("another")
    assert keys.coded_key("abc", PlannedCoding("vtm", 37), 2) != before


def test_the_key_of_a_row_has_the_networks_that_run(write_models: WriteCatalog) -> None:
    coded = keys.coded_key("abc", CODING, 2)

    def key_with(gain: float, codec: str = "jpeg") -> keys.Key:
        data = identity(1, gain)
        write_models([(spec("toy-ar", data, "ar", codecs=(codec,)), data)])
        return keys.row_key(coded, AR, CPU)

    def key_seeing(quality: int) -> keys.Key:
        data = identity(1, 0.9)
        also = (Equivalent("jpeg", (10, 30), (quality, quality)),)
        write_models([(spec("toy-ar", data, "ar", codecs=("vvc",), quality_plane=True, also=also), data)])
        return keys.row_key(coded, AR, CPU)

    first = key_with(0.9)
    assert first == key_with(0.9)
    assert first != key_with(0.8)
    assert len(first["networks"]) == 1
    assert key_seeing(30) != key_seeing(31)
    requested = [
        keys.row_key(coded, AR, each) for each in (CPU, Runtime(), Runtime(device="cuda"), Runtime("full", "cpu"))
    ]
    assert all(one != other for one, other in combinations(requested, 2)), "a missing device or profile is an error"
    assert "cuda" not in keys.row_key(coded, NONE, CPU), "the device matters for networks only"
    assert keys.row_key(coded, AR, replace(CPU, tile=64)) != keys.row_key(coded, AR, CPU)


def test_lbics_own_code_is_part_of_every_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "codecs").mkdir()
    (tmp_path / "metrics").mkdir()
    monkeypatch.setattr(keys, "_PACKAGE", tmp_path)

    def digests() -> tuple[str, str]:
        keys._digest.cache_clear()
        coded = keys.coded_key("abc", CODING, 2)
        return coded["code"], keys.row_key(coded, NONE, CPU)["code"]

    empty = digests()
    (tmp_path / "metrics" / "psnr.py").write_text("peak = 255")
    measured = digests()
    assert measured[0] == empty[0], "a metric does not change files"
    assert measured[1] != empty[1]
    (tmp_path / "codecs" / "jpeg.py").write_text("quality = 20")
    coded = digests()
    assert coded[0] != measured[0] and coded[1] != measured[1]
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "report.py").write_text("verb = 1")
    assert digests() == coded
    keys._digest.cache_clear()


def reachable(starts: Iterable[str], without: tuple[str, ...] = ()) -> set[str]:
    """Some modules and all that they import, directly or not."""
    modules, seen, pending = graph(), set[str](), list(starts)
    while pending:
        name = pending.pop()
        if name not in seen and not name.startswith(without):
            seen.add(name)
            pending += modules[name] - {"lbic"}
    return seen


def outside(modules: Iterable[str], patterns: tuple[str, ...]) -> set[str]:
    """The modules whose file no pattern matches; packages are empty files."""
    digested = {path for pattern in patterns for path in keys._PACKAGE.glob(pattern)}
    paths = {name: keys._PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py") for name in modules}
    return {name for name, path in paths.items() if path.is_file() and path not in digested}


def test_all_code_that_decides_a_result_is_part_of_its_key() -> None:
    coding = reachable(["lbic.pipeline", "lbic.evaluate.peers"], ("lbic.enhance", "lbic.nets"))
    assert {"lbic.codecs.vvc", "lbic.picture.load", "lbic.color"} <= coding
    assert outside(coding, keys._CODING) == set()
    measuring = reachable(["lbic.evaluate.runner"])
    assert {"lbic.enhance.tiling", "lbic.metrics.imresize"} <= measuring
    administration = {f"lbic.evaluate.{name}" for name in ("cache", "keys", "plan")}
    assert outside(measuring, keys._MEASURING) == administration


# --- rows ----------------------------------------------------------------------------------------


def test_a_row_is_found_by_any_of_its_metrics(kept: Cache) -> None:
    row = Row("a.png", "jpeg", 20, 1, 0, bytes=9, bpp=0.1, metrics={"psnr": 30.0, "niqe": None}, encode_s=1.0)
    assert runner.keep_row(kept, KEY, row) is row
    cached = runner.find_row(kept, KEY, ["psnr"])
    assert cached == replace(row, image="", metrics={"psnr": 30.0})
    assert cached.kept
    assert runner.find_row(kept, KEY, ["psnr", "lpips"]) is None
    runner.keep_row(kept, KEY, replace(row, metrics={"psnr": 30.0, "lpips": 0.2}))
    both = runner.find_row(kept, KEY, ["niqe", "lpips"])
    assert both is not None and both.metrics == {"niqe": None, "lpips": 0.2}
    kept.keep(KEY, {"of": "another lbic"})
    assert runner.find_row(kept, KEY, ["psnr"]) is None


def test_other_weights_make_a_metric_absent(kept: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    row = Row("", "jpeg", 20, 1, 0, bytes=9, bpp=0.1, metrics={"psnr": 30.0, "lpips": 0.2, "ma": 5.0, "own": 1.0})
    for name in ("alexnet_features.pth", ma.FILE):
        (tmp_path / name).write_bytes(b"one")
        runner.keep_row(kept, KEY, row)
        assert runner.find_row(kept, KEY, ["lpips", "ma"])
        (tmp_path / name).write_bytes(b"another")
        assert runner.find_row(kept, KEY, ["lpips", "ma"]) is None
        assert runner.find_row(kept, KEY, ["psnr", "own"])


def test_codings_that_share_a_file_keep_their_names(kept: Cache) -> None:
    out = io.BytesIO()
    photo(40, 30).save(out, "PNG")
    codings = (CODING, replace(CODING, effort=2), replace(CODING, effort=3))
    for order in (codings, codings[::-1]):
        rows = runner.evaluate("a.png", out.getvalue(), Plan(order, effort=2), kept)
        assert [row.codec for row in rows] == [coding.name for coding in order]


def test_a_failure_is_tried_again(kept: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    photo(40, 30).save(out, "PNG")
    plan, ticks = Plan((CODING, PlannedCoding("file:jpeg", 20)), metrics=(METRICS["psnr"],)), []

    def evaluate() -> list[Row]:
        return runner.evaluate("a.png", out.getvalue(), plan, kept, lambda: ticks.append(1))

    def fail(*_: object, **__: object) -> None:
        raise OSError("no")

    def fail_to_code(*_: object) -> None:
        raise CodecError("no codec")

    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "compress", fail_to_code)
        broken.setattr(Image.Image, "save", fail)
        assert [row.error for row in evaluate()] == ["no codec", "Pillow cannot write the picture as JPEG: no"]
    assert [row.error for row in evaluate()] == [None, None]
    again = evaluate()
    assert [row.kept for row in again] == [True, True]
    assert {row.image for row in again} == {"a.png"}
    assert len(ticks) == 6, "failures count"
