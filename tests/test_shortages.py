"""The system refuses memory, threads or processes: a sentence for each file, never "damaged"."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_helpers import lbic, records, save
from faults import hooked, linux, posix
from helpers import photo
from PIL import Image

from lbic import errors
from lbic.cli import progress
from lbic.cli.report import Report, Talk
from lbic.codecs.base import Geometry
from lbic.codecs.table import CODECS
from lbic.errors import ExitCode, ResourceError
from lbic.isolation import payloads, process
from lbic.isolation.process import DecoderError
from lbic.system import cores, deadline, shortages


def refuse(*_: object, **__: object) -> None:
    raise RuntimeError("can't start new thread")


def ask(order: str) -> None:
    payloads.decode(CODECS["jpeg"], order.encode(), Geometry(16, 8, gray=True))


# --- in a worker process -------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ("killed", r"the system or another process ended the jpeg decoder \(signal 9, Killed\); .*memory ran out"),
        ("no library", "the jpeg decoder lacks memory or threads: not enough memory to load the libraries"),
        ("no thread", "the jpeg decoder lacks memory or threads: the system permits no further thread"),
        pytest.param("starve", "the jpeg decoder lacks memory or threads: ", marks=linux),
        pytest.param("starve and swell", "the jpeg decoder lacks memory or threads: not enough memory", marks=linux),
    ],
)
def test_what_the_system_refuses_to_a_decoder_is_not_the_files_fault(toy: None, order: str, sentence: str) -> None:
    with pytest.raises(ResourceError, match=sentence) as caught:
        ask(order)
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.FAILED, "resources")
    ask("decode")


@linux
def test_a_workers_own_limit_is_still_the_files_fault(toy: None) -> None:
    with pytest.raises(DecoderError, match="needs more memory than a picture of this size may take"):
        ask("swell")


@linux
@pytest.mark.parametrize("megabytes", [60, 300])
def test_a_batch_under_a_limit_of_memory(tmp_path: Path, megabytes: int) -> None:
    sources = []
    for name in ("a.webp", "b.avif", "c.png", "d.jp2", "e.tif", "f.jpg"):
        options = {"speed": 10} if name == "b.avif" else {"method": 0} if name == "a.webp" else {}
        sources.append(save(tmp_path / name, Image.new("RGB", (4000, 4000), "teal"), **options))
    limit = f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes} << 20, resource.RLIM_INFINITY))"
    command = [*hooked(limit), "compress", "--codec", "jpeg", "-j", "1", *map(str, sources)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    lines = result.stderr.splitlines()
    assert result.returncode == ExitCode.FAILED, lines
    assert "Traceback" not in result.stderr and "damaged" not in result.stderr
    if megabytes == 60:
        assert lines == ["lbic: error: not enough memory to load the libraries"]
    else:
        assert len(lines) == len(sources) + 1
        assert all("memory" in line or "thread" in line for line in lines[:-1])


# --- in this process -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "not enough memory"),
        (ImportError("x.so: failed to map segment from shared object"), "not enough memory to load the libraries"),
        (RuntimeError("can't start new thread"), "the system refuses memory, threads or open files: can't start"),
        (OSError(errno.EMFILE, "Too many open files"), "open files: .*Too many open files"),
        (RuntimeError("something else"), None),
        (ImportError("No module named x"), None),
        (OSError(errno.ENOENT, "No such file"), None),
        (ValueError("out of memory"), None),
    ],
)
def test_which_exceptions_mean_a_shortage(error: Exception, sentence: str | None) -> None:
    short = errors.shortage(error)
    if sentence is None:
        assert short is None
    else:
        with pytest.raises(ResourceError, match=sentence):
            raise short or error


def test_without_any_thread_each_file_has_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [save(tmp_path / f"{name}.png", photo(16, 16)) for name in "ab"]
    monkeypatch.setattr(threading.Thread, "start", refuse)
    result = lbic("compress", "--codec", "jpeg", "--json", *sources, code=ExitCode.FAILED)
    message = "the system permits no further thread"
    assert [record["error"] for record in records(result)] == [{"code": "resources", "message": message}] * 2
    with pytest.raises(ResourceError, match=message):
        deadline.Deadline(1, lambda: None)
    assert shortages.of_threads()


def test_without_a_thread_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(progress, "_above", lambda _: pytest.fail("rich would start a thread"))
    with progress.report_bar(Report("compressed", 3, Talk())) as advance:
        advance()


@pytest.mark.parametrize("allowed", [0, 1])
def test_fewer_threads_do_all_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
    sources = [save(tmp_path / f"{name}.png", photo(16, 16)) for name in "abc"]
    for source in sources:
        lbic("compress", "--codec", "jpeg", source)
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        started.append(thread)
        if len(started) > allowed:
            refuse()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    result = lbic("info", "-j", 3, *(source.with_suffix(".lbic") for source in sources))
    assert result.stdout.count("picture") == 3
    assert len(started) == allowed + 1


def test_a_process_that_finds_no_room_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    process.end_idle()
    monkeypatch.setattr(subprocess, "Popen", full)
    with pytest.raises(ResourceError, match="cannot start a worker process: Resource temporarily unavailable"):
        ask("decode")
    process.prepare(0)


def test_linear_algebra_starts_no_threads() -> None:
    """OpenBLAS ends its process with SIGINT where it cannot start them."""
    script = (
        "import os, sys\nfrom lbic.cli import main\nmain.cli.main = lambda: sys.exit(0)\n"
        "try:\n    main.main()\nfinally:\n    print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert result.stdout == "1\n"


# --- quotas of processor time --------------------------------------------------------------------


VERSION_1 = {"cpu,cpuacct/x/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/x/cpu.cfs_period_us": "100000\n"}


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n"}, 1),
        ("0::/a/b\n", {"a/b/cpu.max": "350000 100000\n", "a/cpu.max": "max 100000\n"}, 3),
        ("0::/the/hosts/path\n", {"cpu.max": "20000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {"cpu.max": "nonsense\n"}, None),
        ("0::/\n", {}, None),
        ("4:memory:/x\n2:cpu,cpuacct:/x\n", VERSION_1, 2),
        ("2:cpu:/gone\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("4:memory:/x\n", VERSION_1, None),
    ],
)
def test_the_quota_of_a_cgroup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, files: dict[str, str], quota: int | None
) -> None:
    for name, content in files.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(content)
    (tmp_path / "cgroup").write_text(groups)
    monkeypatch.setattr(cores, "_PROC", str(tmp_path / "cgroup"))
    monkeypatch.setattr(cores, "_CGROUP", str(tmp_path / "fs"))
    assert _fresh(cores.quota) == quota


def test_programs_and_networks_respect_a_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(cores, "quota", lambda: 2)
    assert (cores.cores(), cores.usual_jobs(), cores.for_a_program(), cores.for_a_network()) == (2, 2, 2, 2)
    monkeypatch.setattr(cores, "quota", lambda: None)
    assert (cores.cores(), cores.for_a_program(), cores.for_a_network()) == (64, None, None)


def test_where_there_are_no_cgroups_there_is_no_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_PROC", "/no/such/file")
    assert _fresh(cores.quota) is None


def _fresh(function: Callable[[], int | None]) -> int | None:
    """Call a cached function without its cache."""
    return function.__wrapped__()  # type: ignore[attr-defined, no-any-return]
