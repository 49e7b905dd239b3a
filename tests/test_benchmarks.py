"""Benchmarks of types 1 to 4, targets and many pictures, with toy networks."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import save
from conftest import WriteCatalog
from helpers import photo
from PIL import Image
from toys import identity, spec

pytest.importorskip("benchmarks", reason="a source distribution has no benchmarks")

from benchmarks import bars, costs, crops, hgrdn, load, restored, seams, targets
from benchmarks.bars import BARS, CLAIMS, Facts
from benchmarks.restored import QUALITY, code, restore, shipped
from lbic import pipeline
from lbic.enhance.types import NONE, TYPES
from lbic.evaluate.runner import Row
from lbic.system.weights import VARIABLE as WEIGHTS

SIZE = (96, 72)
NR = TYPES[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needs_vvc: None) -> Path:
    """Two pictures with Kodak's names; LPIPS and the memory of commands are not measured."""
    monkeypatch.delenv(WEIGHTS, raising=False)
    monkeypatch.setattr(restored, "FOLDER", tmp_path / "runs")
    monkeypatch.setattr(costs, "peak_memory", lambda *_: 7 << 20)
    for number in (1, 2):
        save(tmp_path / "kodak" / f"kodim0{number}.png", photo(*SIZE, seed=number))
    return tmp_path / "kodak"


def ship(write_models: WriteCatalog, *gains: tuple[str, float], **changes: object) -> None:
    """Ship networks that multiply every channel by a number, one for each role."""
    networks = [(role, identity(3, gain)) for role, gain in gains]
    write_models([(spec(f"toy-{role}", data, role, channels=3, **changes), data) for role, data in networks])


def test_types_that_are_not_shipped_are_listed(write_models: WriteCatalog, tmp_path: Path) -> None:
    assert hgrdn.measure(tmp_path) == "Not shipped in profile lite for vvc: type 1 (nr), 2 (tr), 3 (nr+tr), 4 (cas)."
    ship(write_models, ("nr", 1), profile="full")
    assert shipped() == []
    ship(write_models, ("nr", 1), codecs=("jpeg",))
    assert shipped() == []


@pytest.mark.usefixtures("no_gpu")
def test_the_page(folder: Path, write_models: WriteCatalog) -> None:
    ship(write_models, ("nr", 1), ("cas", 0.9))
    page = hgrdn.measure(folder, qps=(32,)).splitlines()
    assert page[0] == "Not shipped in profile lite for vvc: type 2 (tr), 3 (nr+tr)."
    assert page[2].startswith("2 pictures, vvc, effort 2, profile lite, ")
    cells = {tuple(row[:2]): row for line in page if line.startswith("| ") for row in [line[2:-2].split(" | ")]}
    for qp in ("32", "37"):
        assert float(cells["1 (nr)", qp][4]) == pytest.approx(0, abs=0.02)
    assert float(cells["4 (cas)", "37"][4]) < -0.5, "darker pictures"
    assert cells["4 (cas)", "37"][5:] == ["0 of 2", "-", "-"], "no LPIPS, and too small for NIQE"
    assert ("4 (cas)", "32") not in cells, "it is measured where LPIPS and NIQE are, at QP 37"
    assert "| 4 (cas) | RGB-PSNR gain | at least -0.60 dB |" in "\n".join(page)
    assert "| 4 (cas) | pixels that tiles leave as they are | at least 99.90% | 100.00% | yes |" in page
    assert "| 4 (cas) | LPIPS | at most -25.0 % | not measured | |" in page
    assert "type 1 (nr) first as in the paper: yes." in page[-2]
    assert page[-1] == "NIQE: not measured."


@pytest.mark.usefixtures("no_gpu")
def test_rows_in_the_cache_are_not_measured_again(
    folder: Path, write_models: WriteCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sorted(folder.glob("*.png"))

    def rows() -> list[Row]:
        return hgrdn.measure_rows(paths, [QUALITY], [NR], [])

    ship(write_models, ("nr", 0.98))
    first = rows()
    assert [(row.image, row.type) for row in first] == [("kodim01", 0), ("kodim01", 1), ("kodim02", 0), ("kodim02", 1)]
    results = {file: json.loads(file.read_text())["key"] for file in (tmp_path / "runs").rglob("*.json")}
    assert len(results) == 2 + 4
    (damaged,) = (
        file for file, key in results.items() if key.get("type") == NR.id and key["picture"] == sha256(paths[1])
    )
    damaged.write_text(damaged.read_text()[:20])
    coded = []

    def counted(path: Path, quality: int) -> object:
        coded.append(path.stem)
        return code(path, quality)

    monkeypatch.setattr(hgrdn, "code", counted)
    assert rows() == first
    assert coded == ["kodim02"]
    ship(write_models, ("nr", 0.5))
    monkeypatch.setattr(pipeline, "compress", None)  # the .lbic files are in the cache
    again = rows()
    assert coded == ["kodim02", "kodim01", "kodim02"], "another network"
    assert again[0] == first[0]
    assert again[1] != first[1]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows_of(kind: int, psnrs: dict[int, tuple[float, float]], **metrics: float) -> list[Row]:
    """Rows of two pictures by QP; a bit for a pixel at QP 32, half at QP 37."""
    return [
        Row(image, "vvc", qp, 1, kind, bytes=1, bpp={32: 1.0, QUALITY: 0.5}[qp], metrics={"psnr": psnr, **metrics})
        for qp, both in psnrs.items()
        for image, psnr in zip("ab", both, strict=True)
    ]


def test_facts() -> None:
    plain = rows_of(0, {32: (33.0, 34.0), QUALITY: (30.0, 31.0)}, lpips=0.2, niqe=4.0, flat=0.0, flat_blocks=1)
    better = rows_of(1, {32: (33.5, 34.5), QUALITY: (30.75, 30.75)}, lpips=0.15, niqe=3.5, flat=0.0, flat_blocks=1)
    better[-1] = replace(better[-1], metrics=better[-1].metrics | {"flat": 2.0, "flat_blocks": 3.0})
    codec, nr = hgrdn.collect(plain + better)
    assert (codec.type, codec.psnr, codec.gain) == (0, 30.5, None)
    assert nr.gain == pytest.approx(0.25)
    assert nr.better == 0.5
    assert nr.lpips == pytest.approx(-25)
    assert nr.niqe_change == -0.5
    assert nr.flat == 1.5, "every block counts alike, not every picture"
    assert nr.bd_rate is not None and nr.bd_rate < 0


def test_bars() -> None:
    fact = Facts(1, psnr=31, niqe=4, gain=0.25, better=21 / 24, bd_rate=-6.0)
    met = {row.split(" | ")[1]: row.rsplit(" | ", 1)[1] for row in bars.rows([fact])}
    assert met["RGB-PSNR gain"] == "yes |"
    assert met["pictures that gain"] == "**NO** |"
    assert met["BD-rate"] == "yes |"
    assert met["seconds"] == "|"
    assert all((bar.least is None) != (bar.most is None) for bar in BARS)


def test_claims() -> None:
    facts = [Facts(0, 31.1, 5), Facts(1, 31.0, 6), Facts(4, 30.0, 3), Facts(3, 30.5, 2)]
    psnr, niqe = (claim.sentence(facts) for claim in CLAIMS)
    assert psnr.endswith("0 (none), 1 (nr), 3 (nr+tr), 4 (cas); type 1 (nr) first as in the paper: yes.")
    assert niqe.endswith("3 (nr+tr), 4 (cas), 0 (none), 1 (nr); type 4 (cas) first as in the paper: NO.")
    assert "type 4 (cas), first in the paper, is not among them" in CLAIMS[1].sentence(facts[:2])


def test_seams_by_hand() -> None:
    whole = np.full((100, 60, 3), 100, np.uint8)
    tiled = whole.copy()
    tiled[50:, :, 1] += 3  # the border of two tiles
    result = seams.compare(Image.fromarray(whole), Image.fromarray(tiled), 64, limit=2)
    assert (result.within, result.jump, result.beside) == (0.5, 1.0, 0.0), "one channel of three jumps by three levels"
    assert seams.compare(Image.fromarray(whole), Image.fromarray(tiled), 64, limit=3).within == 1
    assert seams.worst([result, seams.Seams(1.0, 0.0, 0.0)]).within == 0.75


@pytest.mark.usefixtures("no_gpu")
def test_crops(folder: Path, write_models: WriteCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crops, "SIDE", 32)
    ship(write_models, ("nr", 0.5))
    crop = crops.Crop.parse("kodim01:10,20")
    sheet = crops.sheet(folder, [crop, crop], QUALITY)
    step = 32 + crops.GAP
    assert sheet.size == (3 * step - crops.GAP, crops.HEAD + 2 * step - crops.GAP)
    coded = code(folder / "kodim01.png", QUALITY)
    for column, picture in enumerate((coded.original, restore(coded, NONE), restore(coded, NR))):
        left, top = column * step, crops.HEAD + step
        assert sheet.crop((left, top, left + 32, top + 32)) == picture.crop((10, 20, 42, 52))


def test_targets_by_hand() -> None:
    rows = [
        targets.Row(0.1, target=100, size=100, scale=16, gain=0.0, cost=2.0),
        targets.Row(0.1, target=100, size=90, scale=24, gain=-0.05, cost=4.0),
        targets.Row(0.4, target=200, size=202, scale=16, gain=0.35, cost=3.0),
    ]
    first, second, both = targets.table(rows).splitlines()[2:]
    costs_of_first = "3.0 times | 4.0 times"
    expected = f"| 0.1 bpp | 2 of 2 | 5.0 % | 10.0 % | 1 (1), 1.5 (1) | -0.025 dB | -0.050 dB | 1 | {costs_of_first} |"
    assert first == expected
    assert second.startswith("| 0.4 bpp | 0 of 1 | -1.0 % |")
    assert both.startswith("| **all** | 2 of 3 | 3.0 % | 10.0 % | 1 (2), 1.5 (1) | +0.100 dB |")


@pytest.mark.usefixtures("write_models", "no_gpu", "needs_vvc")
def test_targets_of_a_picture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lbic.rate.target.SCALES", (16, 32))
    row = targets.row(folder / "kodim01.png", 0.5)
    assert row.size <= row.target
    assert row.gain >= 0, "scale 1 is among the scales tried"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at a run through /proc")
def test_a_run_over_a_folder_is_sampled_and_continued(tmp_path: Path) -> None:
    for name in ("in", "again"):
        load.make(tmp_path / name, 12)
    assert load.contents(tmp_path / "in") == load.contents(tmp_path / "again")
    assert load.files(tmp_path / "in") == 12
    jpeg = ("--codec", "jpeg", "-q", "10")
    whole = load.run("compress", tmp_path / "in", tmp_path / "whole", 12, *jpeg, "-j", "2")
    assert (whole.code, load.files(tmp_path / "whole")) == (0, 12)
    assert whole.summary.startswith("12 compressed  ")
    assert all(sample.memory > 1 << 20 and sample.descriptors > 2 for sample in whole.samples)
    shutil.copytree(tmp_path / "whole", tmp_path / "part")
    for path in list((tmp_path / "part").rglob("*.lbic"))[:5]:
        path.unlink()
    rest = load.run("compress", tmp_path / "in", tmp_path / "part", 12, *jpeg, "--skip-existing")
    assert rest.summary.startswith("5 compressed, 7 skipped")
    assert load.contents(tmp_path / "part") == load.contents(tmp_path / "whole")


def test_speeds_are_ratios_with_a_verdict() -> None:
    samples = [load.Sample(share / 100, (100 + share) << 20, 9 if share < 50 else 11) for share in range(0, 101, 2)]
    runs = [load.Run(name, 100, seconds, 0, "done", samples) for name, seconds in (("one", 20), ("j1", 12), ("j2", 10))]
    text = load.speeds([runs])
    assert "| j2 | 100 | 10.0 | 10.00 | 2.00 |" in text
    assert "j2, at least 1.7 times one core: yes; not slower than j1: yes." in text
    assert "one core: **NO**; not slower than j1: **NO**." in load.speeds([[runs[1], runs[1], runs[0]]])
    assert "| j2 | 100 | 110 MiB | 197 MiB | 200 MiB | 9 | 11 | 11 |" in load.holdings(runs)
    assert load.resumed(runs[0], 5, runs[1], False).endswith("uninterrupted run: **NO**.")
