"""Folders and names on the command line: what a search leaves out, inputs of one output."""

from __future__ import annotations

from pathlib import Path

from cli_helpers import lbic, names, records, save

from lbic.errors import ExitCode

JPEG = ("compress", "--codec", "jpeg")


def test_collisions_fail_alone(tmp_path: Path) -> None:
    sources = [save(tmp_path / "a.png"), save(tmp_path / "a.jpg")]
    other = save(tmp_path / "b.png")
    result = lbic(*JPEG, "-f", *sources, other, code=ExitCode.FAILED)
    assert f"{sources[0]} and {sources[1]} would both be written to {tmp_path / 'a.lbic'}" in result.stderr
    assert "1 compressed, 2 failed" in result.stderr
    assert names(tmp_path) == {"a.png", "a.jpg", "b.png", "b.lbic"}
    lbic(*JPEG, "--name", "full", *sources, other)
    assert names(tmp_path) - {"a.png", "a.jpg", "b.png", "b.lbic"} == {"a.png.lbic", "a.jpg.lbic", "b.png.lbic"}
    lbic("enhance", "--type", 0, "--name", "full", *sources)
    assert {"a.png.enhanced.png", "a.jpg.enhanced.png"} < names(tmp_path)


def test_a_search_says_what_it_left_out(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    for name in ("b.psd", "c.psd", "._a.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    note = "lbic: note: 3 other files left out: 2 .psd, 1 .txt"
    assert note in lbic(*JPEG, "-r", tmp_path).stderr.splitlines()
    assert "left out" not in lbic(*JPEG, "-f", "-r", tmp_path, "--quiet").stderr
    assert "left out" not in lbic("verify", "-r", tmp_path).stderr, "only a search for pictures can miss one"
    result = lbic("evaluate", tmp_path, "--codec", "jpeg:50", "--no-cache")
    assert note in result.stderr.splitlines()


def test_the_same_file_twice_is_done_once(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png")
    result = lbic(*JPEG, "--json", source, f"{tmp_path}/./a.png", "-r", tmp_path)
    assert [record["output"] for record in records(result)] == [str(tmp_path / "a.lbic")]
