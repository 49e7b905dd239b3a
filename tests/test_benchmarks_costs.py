"""The benchmark of costs: rows, sizes, commands that take too long, ratios."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli_helpers import save
from conftest import WriteCatalog
from helpers import photo
from toys import identity, spec

pytest.importorskip("benchmarks", reason="a source distribution has no benchmarks")

from benchmarks import megapixels, process
from benchmarks.process import Cost


@pytest.mark.skipif(sys.platform == "win32", reason="os.wait4 is not on Windows")
@pytest.mark.usefixtures("needs_vvc", "no_gpu")
def test_costs_of_commands_beside_other_codecs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_models: WriteCatalog
) -> None:
    network = identity(3, 1.0)
    write_models([(spec("toy", network, "nr", channels=3, profile="fast", codecs=("vvc",)), network)], [])
    save(tmp_path / "kodim01.png", photo(768, 512))
    monkeypatch.setattr(megapixels, "SIZES", ((64, 64), (96, 64), (96, 96)))
    monkeypatch.setattr(megapixels, "EFFORTS", (0,))
    commands = [*megapixels._compressing(), *megapixels._decompressing()]
    assert [command.name for command in commands] == [
        "compress, effort 0",
        "compress --target-bpp 0.1",
        "decompress, type 0",
        "decompress, type 1, fast",
    ]
    peers = megapixels._peers()
    assert {"AVIF, speed 4: encode", "WebP, method 6: decode"} <= {command.name for command in peers}
    monkeypatch.setattr(megapixels, "_compressing", lambda: commands[:1])
    monkeypatch.setattr(megapixels, "_decompressing", lambda: commands[2:3])
    monkeypatch.setattr(megapixels, "_peers", lambda: peers[:2])
    table, ratios = megapixels.measure(tmp_path).split("\n\n", 1)
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    assert [row[0].removeprefix("| ") for row in rows] == [
        "compress, effort 0",
        "decompress, type 0",
        "AVIF, speed 4: encode",
        "AVIF, speed 4: decode",
    ]
    for row in rows:
        for cell in row[1:]:
            cpu, clock, memory = (float(part.replace(",", "")) for part in cell.removesuffix(" |").split(" / "))
            assert min(cpu, clock) >= 0.01
            assert memory > 5  # the kernel's count begins at the size of this process
    assert ratios.startswith("CPU seconds at 12 megapixels:")


def test_a_failing_command_stops_the_run() -> None:
    with pytest.raises(SystemExit, match=r"exit code 1: .*no such"):
        process.run(["-c", "raise SystemExit('no such')"])


def test_commands_that_would_take_too_long_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(megapixels, "SIZES", ((10, 10), (20, 20), (30, 30)))
    monkeypatch.setattr(megapixels, "LIMIT", 240.0)
    quick, slow = Cost(50, 40, 1 << 20), Cost(70, 50, 1 << 20)
    assert not megapixels._takes_too_long([])
    assert not megapixels._takes_too_long([quick])
    assert megapixels._takes_too_long([slow]), "four times as many pixels"
    assert megapixels._takes_too_long([quick, None])


def test_ratios_by_hand() -> None:
    def row(cpu: float) -> list[Cost | None]:
        return [None, None, Cost(cpu, 1, 1)]

    costs: dict[str, list[Cost | None]] = {
        "decompress, type 0": row(3),
        "decompress, type 1, fast": row(15),
        "decompress, type 1, lite": row(105),
        "decompress, type 3, fast": [None] * 3,
    }
    assert megapixels._ratios(costs).splitlines()[2:] == [
        "- decompress, type 1, fast / decompress, type 0: 5.0",
        "- decompress, type 1, lite / decompress, type 1, fast: 7.0",
    ]
