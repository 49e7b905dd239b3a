"""The fuzzer (make fuzz): a short run, its counts, the files it keeps, and its past findings."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from random import Random

import fuzzer
import mutations
import pytest
from fuzzer import corpus, make, run

from lbic import pipeline
from lbic.errors import FormatError, LbicError
from lbic.format import container
from lbic.isolation.process import DecoderError

FILES = 400


def test_some_hundred_damaged_files_do_no_harm(tmp_path: Path) -> None:
    tally = run(1, iter(range(FILES)), time.monotonic() + 120, tmp_path / "kept")
    assert (tally.files, tally.findings, tally.crashes) == (FILES, 0, 0), tally.outcomes
    assert not (tmp_path / "kept").exists()
    assert tally.reached["vvc"] > FILES / 5 and tally.reached["jpeg"] > FILES / 5
    assert tally.outcomes["decoded jpeg"] and tally.outcomes["decoded vvc"]
    assert 0.9 < tally.sealed / FILES < 1


def test_a_seed_and_a_number_are_a_file() -> None:
    seeds = corpus()
    files = [make(seeds, 1, number) for number in range(200)]
    assert files == [make(seeds, 1, number) for number in range(200)]
    assert files != [make(seeds, 2, number) for number in range(200)]
    assert len({data for data, _ in files}) > 190


def test_sealed_files_have_the_right_checksum() -> None:
    seeds, wrong = corpus(), 0
    for number in range(300):
        data, sealed = make(seeds, 3, number)
        try:
            container.unpack(data)
        except FormatError as error:
            wrong += "checksum mismatch" in str(error)
            assert not (sealed and "checksum mismatch" in str(error))
    assert wrong, "a twentieth is not sealed, and decoders notice"


def test_sealing_a_sound_file_changes_nothing() -> None:
    for seed in corpus():
        data = container.pack(seed.header, seed.payload)
        assert mutations.seal(data) == data
        assert mutations.seal(data[:12] + b"\xff" * 9) is None
        assert mutations.seal(data[:15]) is None


def test_every_way_of_damage_takes_any_bytes() -> None:
    for way in mutations._WAYS:
        for data in (b"", b"\x00", bytes(range(200))):
            assert isinstance(way(data, Random(1)), bytes)
        assert any(way(bytes(range(200)), Random(number)) != bytes(range(200)) for number in range(9))


@pytest.mark.parametrize(
    ("error", "findings", "crashes"),
    [
        (LbicError("refused"), 0, 0),
        (DecoderError("the vvc decoder crashed"), 0, 1),
        (DecoderError("the vvc decoder failed: KeyError: 1", unforeseen=True), 1, 0),
        (KeyError(1), 1, 0),
        (MemoryError(), 1, 0),
    ],
)
def test_what_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, findings: int, crashes: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "extract", fail)
    tally = run(1, iter([7]), time.monotonic() + 60, tmp_path)
    assert (tally.findings, tally.crashes) == (findings, crashes)
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == ({"1-7.lbic", "1-7.txt"} if findings + crashes else set())


def test_a_slow_file_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzer, "SLOW", 0)
    assert run(1, iter([7]), time.monotonic() + 60, tmp_path).findings == 1
    assert "took" in (tmp_path / "1-7.txt").read_text(encoding="utf-8")


def test_the_time_ends_it(tmp_path: Path) -> None:
    assert run(1, iter(range(9)), time.monotonic() - 1, tmp_path).files == 0


# --- what it found -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["jpeg-gray", "jpeg-50", "vvc-gray"])
def test_a_header_alone_makes_no_decoder_fill_a_giant_picture(name: str) -> None:
    """JPEGs of 400 bytes took 30 seconds and 7 GB: libjpeg fills what is missing with gray."""
    header, payload = container.unpack((Path(__file__).parent / "corpus" / f"{name}.lbic").read_bytes())
    giant = container.pack(replace(header, width=19_000, height=19_000), payload)
    with pytest.raises(LbicError, match=r"stream has [\d,]+ bytes, too few for 19\d+x19\d+ pixels"):
        pipeline.verify(giant)
