"""Many files in one call: order, failures, exit codes, collisions, folders, jobs."""

from __future__ import annotations

import io
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
from cli_helpers import lbic, names, records, save
from rich.console import Console

from lbic.cli import batch, progress
from lbic.cli.report import Outcome, Report, Talk
from lbic.errors import ExitCode, FormatError, LbicError

JPEG = ("compress", "--codec", "jpeg")


@pytest.mark.parametrize("jobs", [1, 3])
def test_one_bad_file_does_not_stop_the_rest(tmp_path: Path, jobs: int) -> None:
    sources = [save(tmp_path / f"{name}.png") for name in "abc"]
    sources[1].write_bytes(b"not a picture")
    result = lbic(*JPEG, "-j", jobs, *sources, code=ExitCode.FAILED)
    lines = result.stderr.splitlines()
    assert [lines[0].split("  ")[0], lines[2].split("  ")[0]] == [
        f"{sources[0]} -> {tmp_path / 'a.lbic'}",
        f"{sources[2]} -> {tmp_path / 'c.lbic'}",
    ]
    assert lines[1].startswith(f"lbic: error: {sources[1]}: not a picture")
    assert lines[3].startswith("2 compressed, 1 failed  ")
    assert names(tmp_path) == {"a.png", "b.png", "c.png", "a.lbic", "c.lbic"}


def test_json_objects_come_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    order = ["c", "a", "missing", "b"]
    for name in "abc":
        save(tmp_path / f"{name}.png")
    result = lbic(*JPEG, "-j", 4, "--json", *(tmp_path / f"{name}.png" for name in order), code=ExitCode.FAILED)
    objects = records(result)
    assert [Path(record["input"]).stem for record in objects] == order
    assert ["error" in record for record in objects] == [False, False, True, False]


def test_the_sum_of_files_that_all_worked(tmp_path: Path) -> None:
    sources = [save(tmp_path / f"{name}.png") for name in "ab"]
    result = lbic(*JPEG, *sources)
    size, packed = (sum((tmp_path / f"{name}.{kind}").stat().st_size for name in "ab") for kind in ("png", "lbic"))
    sizes = rf"{size:,} B -> {packed:,} B  ratio {size / packed:.2f}"
    assert re.fullmatch(rf"2 compressed  {sizes}  \d+\.\d s", result.stderr.splitlines()[-1])
    assert re.fullmatch(r"2 verified  \d+\.\d s", lbic("verify", "-r", tmp_path).stderr.splitlines()[-1])
    assert "ratio" not in lbic(*JPEG, "-f", sources[0]).stderr, "one file has its own line and no sum"


@pytest.mark.parametrize("jobs", [1, 2])
def test_skip_existing_goes_on_where_a_run_was_ended(
    tmp_path: Path, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [save(tmp_path / f"{name}.png") for name in "abcd"]
    lbic(*JPEG, *sources[:2])
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.lbic")}
    read: list[Path] = []
    read_bytes = Path.read_bytes

    def watched(path: Path) -> bytes:
        read.append(path)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", watched)
    result = lbic(*JPEG, "-j", jobs, "--skip-existing", *sources)
    assert result.stderr.splitlines()[-1].startswith("2 compressed, 2 skipped  ")
    assert {path for path in read if path.suffix == ".png"} == set(sources[2:]), "what is skipped is not even read"
    assert all(path.stat().st_mtime_ns == then for path, then in times.items())
    assert len(list(tmp_path.glob("*.lbic"))) == 4
    again = lbic(*JPEG, "-j", jobs, "--skip-existing", "--json", *sources)
    expected = [{"input": str(s), "output": str(s.with_suffix(".lbic")), "skipped": True} for s in sources]
    assert records(again) == expected


@pytest.mark.parametrize("command", [["decompress", "--type", 0], ["enhance", "--type", 0], ["extract"]])
def test_every_command_that_writes_skips(tmp_path: Path, command: list[object]) -> None:
    source = save(tmp_path / "a.png")
    if command[0] != "enhance":
        lbic(*JPEG, source)
        source = tmp_path / "a.lbic"
    lbic(*command, source)
    assert " -> " not in lbic(*command, source, code=ExitCode.FAILED).stderr
    result = lbic(*command, "--skip-existing", source)
    assert result.stderr.startswith(f"{source}: skipped, ")


@pytest.mark.parametrize("options", [[], ["--skip-existing"], ["-j", 1]])
@pytest.mark.parametrize("command", [["decompress", "--type", 0], ["enhance", "--type", 0], ["extract"]])
def test_an_output_whose_name_is_too_long_fails_alone(
    tmp_path: Path, command: list[object], options: list[object]
) -> None:
    long, short = tmp_path / ("n" * 250 + ".png"), save(tmp_path / "a.png")
    lbic(*JPEG, short)
    files = [long.with_suffix(".lbic"), tmp_path / "a.lbic"] if command[0] != "enhance" else [long, short]
    shutil.copy(files[1], files[0])
    result = lbic(*command, *options, *files, code=ExitCode.FAILED)
    first, second, _ = result.stderr.splitlines()
    assert first.startswith(f"lbic: error: {files[0]}: cannot write ")
    assert first.endswith(": the name is too long")
    assert second.startswith(f"{files[1]} -> ")


def test_names_say_nothing_to_a_terminal(tmp_path: Path) -> None:
    save(tmp_path / "a\x1b[2J.png")
    (tmp_path / "b\x9b2J.png").write_bytes(b"no picture")
    result = lbic(*JPEG, "-r", tmp_path, code=ExitCode.FAILED)
    assert all(line.isprintable() for line in result.stderr.splitlines())
    assert "a?[2J.png -> " in result.stderr
    assert "b?2J.png: not a picture" in result.stderr


def test_skipping_and_overwriting_exclude_each_other(tmp_path: Path) -> None:
    result = lbic(*JPEG, "-f", "--skip-existing", save(tmp_path / "a.png"), code=ExitCode.USAGE)
    assert "-f and --skip-existing exclude each other" in result.stderr


def test_quiet_leaves_the_errors(tmp_path: Path) -> None:
    result = lbic(*JPEG, "--quiet", save(tmp_path / "a.png"), tmp_path / "b.png", code=ExitCode.FAILED)
    assert result.stderr == f"lbic: error: {tmp_path / 'b.png'}: cannot be read: no such file or folder\n"


def test_folders_keep_their_sub_folders(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for name in ("a.png", "x/b.jpg", "x/y/c.webp", "notes.txt"):
        save(photos / name, format="PNG")
    lbic(*JPEG, "-r", photos, "-o", tmp_path / "small")
    assert names(tmp_path / "small") == {"a.lbic", str(Path("x", "b.lbic")), str(Path("x", "y", "c.lbic"))}
    lbic("decompress", "-r", tmp_path / "small", "-o", tmp_path / "back", "--type", 0)
    assert len(names(tmp_path / "back")) == 3
    lbic(*JPEG, "-r", photos)
    assert (photos / "x" / "y" / "c.lbic").is_file()


def test_one_file_in_a_folder_ends_with_its_own_code(tmp_path: Path) -> None:
    save(tmp_path / "a.png").write_bytes(b"not a picture")
    lbic(*JPEG, "-r", tmp_path, code=ExitCode.DAMAGED)


def test_an_empty_folder_is_a_usage_error(tmp_path: Path) -> None:
    result = lbic("info", "-r", tmp_path, code=ExitCode.USAGE)
    assert result.stderr == f"lbic: error: {tmp_path} holds no file that ends with .lbic\n"


def test_several_inputs_cannot_share_stdout_or_a_file(tmp_path: Path) -> None:
    sources = [save(tmp_path / "a.png"), save(tmp_path / "b.png")]
    assert "-o - takes one input, not 2" in lbic(*JPEG, *sources, "-o", "-", code=ExitCode.USAGE).stderr
    (tmp_path / "c.lbic").write_bytes(b"")
    result = lbic(*JPEG, *sources, "-o", tmp_path / "c.lbic", code=ExitCode.USAGE)
    assert "several inputs need a folder" in result.stderr


def test_a_directory_among_files_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    result = lbic(*JPEG, save(tmp_path / "a.png"), tmp_path / "folder", code=ExitCode.FAILED)
    assert result.stderr.splitlines()[-1].startswith("1 compressed, 1 failed  ")


# --- the machinery -------------------------------------------------------------------------------


class Item:
    def __init__(self, name: str) -> None:
        self.name = name


def run_report(errors: list[LbicError | None]) -> Report:
    report = Report("done", len(errors), Talk(quiet=True), say=lambda _: None)
    for error in errors:
        if error:
            report.failure("a", error)
        else:
            report.success("a", Outcome("a", {}))
    return report


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([None], ExitCode.OK),
        ([None, None], ExitCode.OK),
        ([FormatError("damaged")], ExitCode.DAMAGED),
        ([FormatError("damaged"), None], ExitCode.FAILED),
        ([FormatError("damaged"), FormatError("damaged")], ExitCode.FAILED),
    ],
)
def test_the_code_of_a_run(errors: list[LbicError | None], code: ExitCode) -> None:
    assert run_report(errors).finish() == code


@pytest.mark.parametrize("workers", [1, 2])
def test_what_nobody_foresaw_ends_the_run(workers: int) -> None:
    def work(item: Item) -> Outcome:
        raise ZeroDivisionError(item.name)

    report = Report("done", 3, Talk(quiet=True))
    with pytest.raises(ZeroDivisionError, match="a"):
        batch.run([Item(name) for name in "abc"], work, report, workers=workers)
    assert report.done == 0


def test_after_an_interrupt_nothing_new_starts() -> None:
    started: list[str] = []

    def work(item: Item) -> Outcome:
        started.append(item.name)
        if item.name == "0":
            raise KeyboardInterrupt
        time.sleep(0.05)
        return Outcome("", {})

    with pytest.raises(KeyboardInterrupt):
        batch.run([Item(str(number)) for number in range(50)], work, Report("done", 50, Talk()), workers=2)
    assert len(started) < 50


def test_a_bar_only_on_a_terminal_and_only_for_several(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[int] = []

    def bar(_title: str, total: int) -> AbstractContextManager[progress.Bar]:
        shown.append(total)
        return nullcontext(progress.Bar())

    monkeypatch.setattr(progress, "bar", bar)
    for terminal in (False, True):
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal)
        for talk in (Talk(), Talk(json=True), Talk(quiet=True)):
            for total in (1, 2):
                with progress.report_bar(Report("done", total, talk)):
                    pass
    assert shown == [2]


def test_trials_of_one_file_are_shown_on_a_terminal_or_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes stderr for a terminal
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for total, talk, shown, printed in (
        (1, Talk(), True, False),
        (1, Talk(verbose=True), False, True),
        (1, Talk(quiet=True), False, False),
    ):
        report = Report("done", total, talk)
        with progress.report_bar(report):
            report.trial("a.png", "quality [36]: 7 B")
            report.success("a.png", Outcome("a.png -> a.lbic", {}))
        screen = capsys.readouterr().err
        assert ("quality [36]: 7 B" in screen) == (shown or printed)
        assert ("\n  a.png: quality [36]: 7 B\n" in f"\n{screen}") == printed


@pytest.mark.parametrize("steps", [None, 3])
def test_a_bar_counts_files_or_the_steps_of_the_work(steps: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float | None]] = []

    @contextmanager
    def bar(report: Report) -> Iterator[Callable[[], None]]:
        yield lambda: seen.append((len(seen) + 1, report.all_steps))

    def work(item: Item) -> Outcome:
        for _ in range(steps or 0):
            report.advance()
        return Outcome("", {})

    monkeypatch.setattr(batch, "report_bar", bar)
    report = Report("done", 2, Talk(quiet=True), steps=steps)
    batch.run([Item("a"), Item("b")], work, report, workers=2)
    assert seen[-1] == (2 * (steps or 1),) * 2, "full in the end"


def test_a_bar_tells_the_time_left_of_slow_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, now = io.StringIO(), [0.0]
    terminal = Console(file=screen, force_terminal=True, color_system=None, width=80, get_time=lambda: now[0])
    monkeypatch.setattr("rich.console.Console", lambda stderr: terminal)
    with progress._above(Report("done", 1, Talk(), steps=9)) as advance:
        for _ in range(4):
            now[0] += 100
            advance()
    assert "4/9 0:08:20" in screen.getvalue(), "five steps of 100 s"


def test_lines_go_above_the_bar_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=40)
    monkeypatch.setattr("rich.console.Console", lambda stderr: terminal)
    report = Report("done", 2, Talk())
    line = "[red]a.png -> :smile: " + "x" * 60
    with progress._above(report) as advance:
        report.say(line)
        advance()
    assert line in screen.getvalue()
