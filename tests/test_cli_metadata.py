"""Metadata on the command line: what is dropped is told once, and --keep."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_helpers import header, lbic, records, save
from helpers import photo, profile, wide_profile
from PIL import Image

from lbic.cli.parameters import KEEPABLE
from lbic.errors import ExitCode
from lbic.format import metadata

JPEG = ("compress", "--codec", "jpeg")
RENAMED = ("sRGB built-in".encode("utf-16-be"), "Wide".ljust(13, "\0").encode("utf-16-be"))
TIME = 1_234_567_890_123_456_789


def tagged(path: Path, *, icc: bool = True) -> Path:
    """Save a photo with EXIF, and with another profile than sRGB's."""
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    options = {"icc_profile": wide_profile().replace(*RENAMED)} if icc else {}
    return save(path, photo(32, 24), exif=exif, **options)


def test_what_is_dropped_is_told(tmp_path: Path) -> None:
    source = tagged(tmp_path / "a.jpg")
    result = lbic(*JPEG, source)
    assert "lbic: note: EXIF, ICC dropped; --keep all keeps them" in result.stderr.splitlines()
    (record,) = records(lbic(*JPEG, "-f", "--json", source))
    assert sorted(record["dropped"]) == ["exif", "icc"]
    only = lbic(*JPEG, tagged(tmp_path / "b.jpg", icc=False)).stderr
    assert "lbic: note: EXIF dropped; --keep all keeps it" in only.splitlines()


def test_many_files_have_one_note(tmp_path: Path) -> None:
    for name, icc in (("a.jpg", True), ("b.jpg", False), ("c.jpg", True)):
        tagged(tmp_path / name, icc=icc)
    save(tmp_path / "d.png")
    lines = lbic(*JPEG, "-r", tmp_path).stderr.splitlines()
    assert [line for line in lines if "dropped" in line] == [
        "lbic: note: EXIF of 3, ICC of 2 dropped; --keep all keeps them"
    ]


@pytest.mark.parametrize("options", [("--keep", "all"), ("--keep", "icc"), ("--keep", ""), ("--quiet",)])
def test_who_names_what_to_keep_knows_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert "dropped" not in lbic(*JPEG, *options, tagged(tmp_path / "a.jpg")).stderr


def test_a_picture_without_metadata_loses_nothing(tmp_path: Path) -> None:
    assert "dropped" not in lbic(*JPEG, save(tmp_path / "a.png")).stderr
    assert "dropped" not in lbic(*JPEG, save(tmp_path / "b.png", icc_profile=profile("sRGB"))).stderr


def test_keep_all_keeps_all(tmp_path: Path) -> None:
    source = tagged(tmp_path / "a.jpg")
    os.utime(source, ns=(TIME, TIME))
    lbic(*JPEG, "--keep", "all", source)
    assert set(header(tmp_path / "a.lbic").metadata) == {128, 129}
    assert (tmp_path / "a.lbic").stat().st_mtime_ns == TIME
    assert metadata.KEEPABLE == KEEPABLE


def test_keep_time(tmp_path: Path) -> None:
    source = tagged(tmp_path / "a.jpg")
    os.utime(source, ns=(TIME, TIME))
    lbic(*JPEG, "--keep", "time", source)
    target = tmp_path / "a.lbic"
    assert target.stat().st_mtime_ns == TIME
    assert header(target).metadata == {}
    lbic("decompress", "--type", 0, "--keep", "time", target)
    assert (tmp_path / "a.lbic.png").stat().st_mtime_ns == TIME
    lbic("enhance", "--type", 0, "--keep", "time", source)
    assert (tmp_path / "a.enhanced.png").stat().st_mtime_ns == TIME
    lbic("decompress", "-f", "--type", 0, target)
    assert (tmp_path / "a.lbic.png").stat().st_mtime_ns != TIME, "only on request"
    lbic(*JPEG, "--keep", "time", source, "-o", "/dev/null" if os.name == "posix" else tmp_path / "b.lbic")
    result = lbic(*JPEG, "--keep", "time", "-", "-o", tmp_path / "c.lbic", stdin=source.read_bytes())
    assert result.exit_code == ExitCode.OK
