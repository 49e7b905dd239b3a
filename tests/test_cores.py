"""Simultaneous jobs share the cores, and their number changes no byte of the files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_helpers import lbic, save
from helpers import photo

from lbic.cli import batch
from lbic.cli.report import Outcome, Report, Talk
from lbic.enhance import session
from lbic.errors import ExitCode
from lbic.system import cores as system_cores


@pytest.fixture(autouse=True)
def _no_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in no container with a quota; test_shortages.py has the quotas."""
    monkeypatch.setattr(system_cores, "quota", lambda: None)


@pytest.mark.parametrize(
    ("cores", "jobs", "program", "network"),
    [(2, 1, None, None), (2, 2, 1, 1), (8, 2, 4, 7), (8, 8, 1, 1), (1, 2, 1, 1), (4, 9, 1, 1)],
)
def test_all_jobs_together_use_the_cores_once(
    cores: int, jobs: int, program: int | None, network: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    with system_cores.shared_by(jobs):
        assert (system_cores.for_a_program(), system_cores.for_a_network()) == (program, network)
    assert system_cores.for_a_program() is None


def test_where_no_affinity_is_known_the_machines_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    with system_cores.shared_by(3):
        assert system_cores.for_a_program() == 2


@pytest.mark.parametrize(("items", "workers", "share"), [(3, 2, 4), (1, 2, None), (3, 1, None), (2, 8, 4)])
def test_a_run_says_how_many_jobs_there_really_are(
    items: int, workers: int, share: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_cores, "cores", lambda: 8)
    seen: list[int | None] = []

    def work(path: Path) -> Outcome:
        seen.append(system_cores.for_a_program())
        return Outcome("", {})

    batch.run([Path(str(n)) for n in range(items)], work, Report("", items, Talk(quiet=True)), workers=workers)
    assert set(seen) == {share}


@pytest.mark.parametrize(("cores", "given", "jobs"), [(1, (), 1), (3, (), 3), (16, (), 4), (3, ("-j", 1), 1)])
def test_a_command_works_on_a_file_for_each_core(
    cores: int, given: tuple[object, ...], jobs: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system_cores, "cores", lambda: cores)
    seen: list[int] = []

    def run(*_: object, workers: int) -> ExitCode:
        seen.append(workers)
        return ExitCode.OK

    monkeypatch.setattr(batch, "run", run)
    save(tmp_path / "a.png", photo(8, 8))
    lbic("compress", tmp_path / "a.png", *given)
    assert seen == [jobs]


def test_the_number_of_jobs_changes_no_byte(tmp_path: Path, needs_vvc: None) -> None:
    for index in range(3):
        save(tmp_path / "in" / f"{index}.png", photo(150 + 10 * index, 140, seed=index))
    written = []
    for jobs in (1, 2, 3):
        session._open.cache_clear()  # a session keeps its number of threads
        small, back = (tmp_path / f"{kind}{jobs}" for kind in ("small", "back"))
        lbic("compress", "--effort", 0, "-r", tmp_path / "in", "-o", small, "-j", jobs)
        lbic("decompress", "-r", small, "-o", back, "-j", jobs, "--device", "cpu")
        written.append([path.read_bytes() for folder in (small, back) for path in sorted(folder.iterdir())])
    session._open.cache_clear()
    assert written[0] == written[1] == written[2]
    assert len(written[0]) == 6


def test_a_job_among_others_that_nobody_counts_keeps_to_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_cores, "cores", lambda: 8)
    with system_cores.one_core():
        assert (system_cores.for_a_program(), system_cores.for_a_network()) == (1, 1)
    assert system_cores.for_a_program() is None
