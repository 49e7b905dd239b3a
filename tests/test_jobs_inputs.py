"""Which inputs a command line means, and reading them."""

from __future__ import annotations

import errno
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lbic import limits
from lbic.cli.inputs import COMPRESSED, STDIO, Source, distinct, expand, left_out_note, once
from lbic.cli.jobs import compressed_name, decompressed_name, enhanced_name
from lbic.errors import FileError, UsageError
from lbic.picture.suffixes import PICTURES


@pytest.mark.parametrize(
    ("rename", "name", "expected"),
    [
        (compressed_name, "a.png", "a.lbic"),
        (compressed_name, "a.b.jpeg", "a.b.lbic"),
        (compressed_name, "photo", "photo.lbic"),
        (compressed_name, ".png", ".png.lbic"),
        (decompressed_name, "a.lbic", "a.lbic.png"),
        (decompressed_name, "a.bin", "a.bin.png"),
        (enhanced_name, "a.jpg", "a.enhanced.png"),
    ],
)
def test_names_derive(rename: Any, name: str, expected: str) -> None:
    assert rename(name) == expected


def test_no_chain_of_derived_names_reaches_the_original() -> None:
    name = "a.png"
    assert decompressed_name(compressed_name(name)) != name
    assert enhanced_name(name) != name


def test_expand_searches_folders_in_order(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "sub/c.webp", "notes.txt", "a.lbic", "a.lbic.png", "a.enhanced.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    sources = expand([str(tmp_path)], recursive=True, suffixes=PICTURES)
    assert [str(source.place) for source in sources] == ["a.JPG", "b.png", str(Path("sub", "c.webp"))]
    compressed = expand([str(tmp_path)], recursive=True, suffixes=COMPRESSED)
    assert [str(source.place) for source in compressed] == ["a.lbic"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_search_leaves_out_what_might_never_end_and_names_what_is_gone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "gone.png").symlink_to("nowhere")
    sources = expand([str(tmp_path)], recursive=True, suffixes=PICTURES)
    assert [str(source.place) for source in sources] == ["gone.png"]


def test_a_folder_of_own_pictures_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.enhanced.png").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"\.webp \(except \.lbic\.png and \.enhanced\.png\)"):
        expand([str(tmp_path)], recursive=True, suffixes=PICTURES)
    with pytest.raises(UsageError, match=r"no file that ends with \.lbic$"):
        expand([str(tmp_path)], recursive=True, suffixes=COMPRESSED)


@pytest.mark.parametrize("recursive", [False, True])
def test_an_empty_name_is_no_folder(recursive: bool) -> None:
    with pytest.raises(UsageError, match="the name of an input is empty"):
        expand([""], recursive=recursive, suffixes=PICTURES)


def test_expand_keeps_what_the_user_names(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("missing.png", "odd.suffix")] + [STDIO]
    assert [source.name for source in expand(names, recursive=True, suffixes=PICTURES)] == names


def test_an_endless_or_enormous_input_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FILE", 3_000_000)
    sparse = tmp_path / "enormous.png"
    with sparse.open("wb") as file:
        file.truncate(3_000_001)
    inputs = [Source(str(sparse))] + ([Source("/dev/zero")] if Path("/dev/zero").exists() else [])
    for source in inputs:
        with pytest.raises(FileError, match="is longer than 3,000,000 bytes, the most that lbic reads"):
            source.read()
    with sparse.open("wb") as file:
        file.truncate(3_000_000)
    assert Source(str(sparse)).read() == bytes(3_000_000)


def test_expand_refuses_an_empty_folder_and_stdin_twice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no file that ends with \.lbic"):
        expand([str(tmp_path)], recursive=True, suffixes=COMPRESSED)
    with pytest.raises(UsageError, match="only once"):
        expand([STDIO, STDIO], recursive=False, suffixes=PICTURES)


def test_reading_fails_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"^cannot be read: no such file or folder$"):
        Source(str(tmp_path / "a.png")).read()
    with pytest.raises(UsageError, match="is a directory; use -r"):
        Source(str(tmp_path)).read()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="no such file or folder"):
        Source(str(tmp_path / "file" / "a.png")).read()


def test_an_unreadable_file_has_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not chmod: root, who may run the tests, reads everything.
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(FileError, match=r"^cannot be read: permission denied$"):
        Source(str(tmp_path / "a.png")).read()


def test_a_search_counts_what_it_leaves_out(tmp_path: Path) -> None:
    names = ["a.psd", "b.PSD", "c.mov", "notes", "._a.png", ".DS_Store", "a.lbic", "a.lbic.png"]
    taken = ["a.jpe", "a.mpo", "a.jfif", "a.apng", "a.j2c"]
    for name in (*names, *taken):
        (tmp_path / name).write_bytes(b"x")
    left_out = Counter[str]()
    sources = expand([str(tmp_path)], recursive=True, suffixes=PICTURES, left_out=left_out)
    assert sorted(source.place.name for source in sources) == sorted(taken)
    assert left_out_note(left_out) == "4 other files left out: 2 .psd, 1 without suffix, 1 .mov"
    many = Counter({f".{letter}": 1 for letter in "abcdefg"})
    assert left_out_note(many) == "7 other files left out: 1 .a, 1 .b, 1 .c, 1 .d, 1 .e, 2 of other kinds"
    assert left_out_note(Counter({".c": 1})) == "1 other file left out: 1 .c"
    assert left_out_note(Counter()) is None
    for name in taken:
        (tmp_path / name).unlink()
    with pytest.raises(UsageError, match=r"; 4 other files left out: 2 \.psd"):
        expand([str(tmp_path)], recursive=True, suffixes=PICTURES, left_out=Counter())


def test_a_path_named_twice_is_one_input(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "b.png").symlink_to("a.png")
    spellings = [str(tmp_path / "a.png"), f"{tmp_path}/./a.png", str(tmp_path / "b.png"), str(tmp_path)]
    sources = once(expand(spellings, recursive=True, suffixes=PICTURES))
    assert [source.place.name for source in sources] == ["a.png", "b.png"], "a link has an output of its own"


def test_one_file_under_two_names_is_one_input(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "b.png").symlink_to("a.png")
    (tmp_path / "c.png").write_bytes(b"x")
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png", "a.png", "gone.png")]
    sources = distinct([Source(str(path)) for path in paths] + [Source(STDIO)])
    assert [Path(source.name).name for source in sources] == ["a.png", "c.png", "gone.png", STDIO]
