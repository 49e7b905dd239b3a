"""The benchmark of JPEG files on two small pictures and a toy network."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_helpers import save
from conftest import WriteCatalog
from helpers import photo
from toys import identity, spec

pytest.importorskip("benchmarks", reason="a source distribution has no benchmarks")

from benchmarks import jpeg


def test_gains_by_quality(tmp_path: Path, write_models: WriteCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        save(tmp_path / f"kodim0{number}.png", photo(48, 40, seed=number))
    data = identity(3, 0.9)
    row = spec("toy-nr", data, "nr", channels=3, codecs=("jpeg",), quality=(5, 90))
    write_models([(row, data)], [("jpeg", 16, 1)])
    monkeypatch.setattr(jpeg, "QUALITIES", (20, 95))
    table = [line[2:-2].split(" | ") for line in jpeg.measure(tmp_path).splitlines()]
    assert [cells[0] for cells in table[2:]] == ["20", "95"]
    gains = [float(table[2][column].strip("*")) for column in (2, 5, 8)]
    assert max(gains) < -0.5, "darker pictures"
    assert "better than what model toy-nr is for" in table[3][1]
