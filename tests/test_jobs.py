"""Inputs, outputs and files, without the command line."""

from __future__ import annotations

import errno
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lbic.cli.inputs import STDIO, Source, expand
from lbic.cli.jobs import Job, Skipped, compressed_name, enhanced_name, with_suffix_kept
from lbic.cli.jobs import plan as plan_jobs
from lbic.errors import FileError, UsageError
from lbic.picture.suffixes import PICTURES
from lbic.system import files


def plan(
    *names: object, output: object = None, recursive: bool = False, force: bool = False, rename: Any = compressed_name
) -> list[Job]:
    sources = expand([str(name) for name in names], recursive=recursive, suffixes=PICTURES)
    return plan_jobs(sources, None if output is None else str(output), rename=rename, force=force)


def targets(*names: object, **options: Any) -> list[str]:
    return [job.output for job in plan(*names, **options)]


def test_targets_beside_the_inputs_or_in_a_folder(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for name in ("a.png", "sub/b.png"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(b"x")
    a, b = photos / "a.png", photos / "sub" / "b.png"
    assert targets(a, b) == [str(photos / "a.lbic"), str(photos / "sub" / "b.lbic")]
    assert targets(a, output=tmp_path / "x.lbic") == [str(tmp_path / "x.lbic")]
    assert targets(a, output=tmp_path) == [str(tmp_path / "a.lbic")]
    assert targets(a, output=f"{tmp_path}/new/") == [str(tmp_path / "new" / "a.lbic")]
    out = tmp_path / "out"
    assert targets(a, b, output=out) == [str(out / "a.lbic"), str(out / "b.lbic")]
    assert targets(photos, output=out, recursive=True) == [str(out / "a.lbic"), str(out / "sub" / "b.lbic")]
    b.unlink()
    assert targets(photos, output=out, recursive=True) == [str(out / "a.lbic")], "a searched folder means a folder"


def test_stdin_goes_to_stdout_unless_told(tmp_path: Path) -> None:
    assert targets(STDIO) == [STDIO]
    assert targets(STDIO, output=tmp_path / "a.lbic") == [str(tmp_path / "a.lbic")]
    assert targets(STDIO, output=tmp_path) == [str(tmp_path / "stdin.lbic")]
    assert targets(STDIO, tmp_path / "a.png", output=tmp_path) == [
        str(tmp_path / "stdin.lbic"),
        str(tmp_path / "a.lbic"),
    ]


def test_stdout_takes_one_input_and_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="takes one input, not 2"):
        plan("a.png", "b.png", output=STDIO)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(UsageError, match="not written to a terminal"):
        plan("a.png", output=STDIO)


def test_several_inputs_need_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="is a file; several inputs need a folder"):
        plan("a.png", "b.png", output=tmp_path / "file")


def test_two_inputs_for_one_output_fail_alone(tmp_path: Path) -> None:
    jobs = plan(*(tmp_path / name for name in ("a.png", "b.png", "a.jpg")))
    for job in (jobs[0], jobs[2]):
        with pytest.raises(UsageError, match=r"a\.png and .*a\.jpg would both be written to .*a\.lbic; --name full"):
            job.write(b"x")
    jobs[1].write(b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["b.lbic"]
    full = with_suffix_kept(compressed_name)
    assert targets(tmp_path / "a.png", tmp_path / "a.jpg", rename=full) == [
        str(tmp_path / "a.png.lbic"),
        str(tmp_path / "a.jpg.lbic"),
    ]
    with pytest.raises(UsageError, match=r"would both be written to .*a\.lbic$"):
        plan(tmp_path / "x" / "a.png", tmp_path / "y" / "a.png", output=tmp_path)[1].check()


@pytest.mark.parametrize("name", ["photo", "a.png", ".png", "a.b.jpeg"])
def test_full_names_keep_the_suffix(name: str) -> None:
    assert with_suffix_kept(compressed_name)(name) == f"{name}.lbic"
    assert with_suffix_kept(enhanced_name)(name) == f"{name}.enhanced.png"


def test_searched_folders_keep_apart_in_the_output(tmp_path: Path) -> None:
    for name in ("A/x.png", "A/sub/y.png", "B/x.png", "C/A/x.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    out = tmp_path / "out"
    expected = [str(out / name) for name in ("A/x.lbic", "A/sub/y.lbic", "B/x.lbic")]
    assert targets(tmp_path / "A", tmp_path / "B", output=out, recursive=True) == expected
    expected = [str(out / name) for name in ("A/x.lbic", "A/sub/y.lbic", "C/A/x.lbic")]
    assert targets(tmp_path / "A", tmp_path / "C" / "A", output=out, recursive=True) == expected
    expected = [str(tmp_path / "A" / name) for name in ("x.lbic", "sub/y.lbic")]
    assert targets(tmp_path / "A", recursive=True) == expected


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_an_output_that_is_an_input_is_refused_even_by_force(tmp_path: Path, link: Any) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(b"x")
    target = source
    if link:
        target = tmp_path / "b.lbic"
        link(source, target)
    with pytest.raises(UsageError, match="is an input"):
        plan(source, output=target, force=True)


def test_the_file_that_stdin_is_is_an_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"x")
    with source.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(UsageError, match="is an input"):
            plan(STDIO, output=source, force=True)
        assert targets(STDIO, output=tmp_path / "b.lbic") == [str(tmp_path / "b.lbic")]


def test_the_output_of_one_may_not_be_the_input_of_another(tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "a.lbic"
    first.write_bytes(b"x")
    second.write_bytes(b"x")
    with pytest.raises(UsageError, match="is an input"):
        plan(first, second, force=True)


def test_a_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    target = tmp_path / "a.lbic"
    target.write_bytes(b"old")
    (job,) = plan(tmp_path / "a.png")
    with pytest.raises(FileError, match=r"a\.lbic exists$"):
        job.check()
    with pytest.raises(FileError, match="exists"):
        job.write(b"new")
    assert target.read_bytes() == b"old"
    (job,) = plan(tmp_path / "a.png", force=True)
    job.write(b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("skip", [False, True])
def test_a_file_that_another_process_wrote_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skip: bool
) -> None:
    target = tmp_path / "a.lbic"
    monkeypatch.setattr(files, "check_target", lambda *_, **__: target.write_bytes(b"theirs"))
    with pytest.raises(Skipped if skip else FileError, match=r"a\.lbic"):
        Job(Source("a.png"), target, skip_existing=skip).write(b"ours")
    assert target.read_bytes() == b"theirs"
    Job(Source("a.png"), target, force=True).write(b"ours")
    assert target.read_bytes() == b"ours"
    assert [path.name for path in tmp_path.iterdir()] == ["a.lbic"]


def test_a_directory_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.lbic").mkdir()
    (job,) = plan(tmp_path / "a.png", force=True)
    with pytest.raises(FileError, match=r"a\.lbic is a directory"):
        job.write(b"new")


def test_output_folders_are_made_and_others_are_not(tmp_path: Path) -> None:
    (job,) = plan("a.png", output=f"{tmp_path}/new/sub/")
    job.write(b"x")
    assert (tmp_path / "new" / "sub" / "a.lbic").read_bytes() == b"x"
    (job,) = plan("a.png", output=tmp_path / "typo" / "a.lbic")
    with pytest.raises(FileError, match=r"the folder .*typo does not exist"):
        job.check()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="cannot make the folder"):
        files.make_folder(tmp_path / "file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_written_into_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    Job(Source("a.png"), pipe).write(b"data")
    reader.join(timeout=10)
    assert received == [b"data"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_that_cannot_be_searched_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    walk, locked = os.walk, tmp_path / "locked"

    def refuse(folder: Path, onerror: Any) -> Any:
        onerror(PermissionError(errno.EACCES, "Permission denied", str(locked)))
        yield from walk(folder)

    monkeypatch.setattr(os, "walk", refuse)
    sources = expand([str(tmp_path)], recursive=True, suffixes=PICTURES)
    assert [source.name for source in sources] == [str(tmp_path / "a.png"), str(locked)]
    assert sources[0].read() == b"x"
    with pytest.raises(FileError, match="cannot be searched: permission denied"):
        sources[1].read()
    # An unreadable folder has no output.
    (tmp_path / "locked.lbic").write_bytes(b"x")
    jobs = plan_jobs([*sources, Source(str(tmp_path / "locked.png"))], None, rename=compressed_name, force=False)
    with pytest.raises(FileError, match="cannot be searched: permission denied"):
        replace(jobs[1], skip_existing=True).check()
    assert Source(str(tmp_path), tmp_path, "cannot be searched").place == Path("folder")


def test_closed_streams_are_said_to_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(FileError, match="cannot be read: stdin is closed"):
        Source(STDIO).read()
    with pytest.raises(FileError, match="stdout is closed"):
        plan("a.png", output=STDIO)
