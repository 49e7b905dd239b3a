"""lbic train pack: the parts hold everything, and none is too large."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lbic.errors import FileError, UsageError
from lbic.train import pack

LIMIT = 40_000


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Nine pictures of 10 kB in a folder and a sub-folder, and two streams."""
    pictures, data = tmp_path / "pictures", tmp_path / "data"
    for folder in (pictures / "more", data / "streams"):
        folder.mkdir(parents=True)
    for index in range(9):
        (pictures / ("more" if index % 2 else ".") / f"{index}.png").write_bytes(bytes([index]) * 10_000)
    for name in ("a.png.q32.lbic", "b.png.q37.lbic"):
        (data / "streams" / name).write_bytes(name.encode())
    return pictures, data


def test_everything_arrives(folders: tuple[Path, Path], tmp_path: Path) -> None:
    wheel = tmp_path / "av.whl"
    wheel.write_bytes(b"wheel")
    parts = pack.pack(pack.items(*folders, [wheel]), tmp_path / "parts", LIMIT)
    assert [part.name for part in parts] == [f"part-{number:02}.tar" for number in range(1, len(parts) + 1)]
    assert len(parts) > 2
    assert all(part.stat().st_size <= LIMIT for part in parts)
    for part in parts:
        with tarfile.open(part) as archive:
            archive.extractall(tmp_path / "there", filter="data")
    there = {str(path.relative_to(tmp_path / "there")) for path in (tmp_path / "there").rglob("*") if path.is_file()}
    assert there == {
        *(f"pictures/{'more/' if index % 2 else ''}{index}.png" for index in range(9)),
        *("data/streams/a.png.q32.lbic", "data/streams/b.png.q37.lbic", "also/av.whl"),
    }
    assert (tmp_path / "there" / "pictures" / "more" / "3.png").read_bytes() == b"\3" * 10_000


def test_links_and_long_names_arrive_and_owners_do_not(folders: tuple[Path, Path], tmp_path: Path) -> None:
    pictures, _ = folders
    long = "x" * 180 + ".png"
    (pictures / long).symlink_to(pictures / "0.png")
    parts = pack.pack(pack.items(*folders, []), tmp_path / "parts", LIMIT)
    assert all(part.stat().st_size <= LIMIT for part in parts)
    entries: dict[str, tarfile.TarInfo] = {}
    for part in parts:
        with tarfile.open(part) as archive:
            entries |= {entry.name: entry for entry in archive}
    linked = entries[f"pictures/{long}"]
    assert (linked.isreg(), linked.size) == (True, 10_000)
    assert {(entry.uid, entry.gid, entry.uname) for entry in entries.values()} == {(0, 0, "")}


def test_parts_of_two_packs_do_not_mix(folders: tuple[Path, Path], tmp_path: Path) -> None:
    parts = pack.pack(pack.items(*folders, []), tmp_path / "parts", LIMIT)
    before = {part: part.read_bytes() for part in parts}
    with pytest.raises(UsageError, match=r"parts: already holds part-\*\.tar files of another pack"):
        pack.pack(pack.items(*folders, []), tmp_path / "parts", 10 * LIMIT)
    assert {part: part.read_bytes() for part in (tmp_path / "parts").iterdir()} == before


def test_a_folder_without_streams_is_none_to_pack(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(FileError, match="holds no streams"):
        pack.items(folders[0], tmp_path / "elsewhere", [])


def test_a_file_larger_than_a_part(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"do not fit in a part of 15,000 bytes"):
        pack.pack(pack.items(*folders, []), tmp_path / "parts", 15_000)
