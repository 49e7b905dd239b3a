"""Real faults of encoders, and signals: Ctrl-C, kill -9, encoders that die or write garbage.

test_encoders.py tests encoders that are missing, hang or print.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import compressed, lbic, names, program, save
from conftest import GOLDEN
from faults import LBIC, at_work, ended, environment, hooked, linux, posix, running, stand_in, until
from helpers import photo
from toys import network, spec, write_catalog

from lbic import pipeline
from lbic.codecs import process as programs
from lbic.errors import ExitCode, ResourceError

pytestmark = posix

LARGE = (768, 512)
SLOW = ("compress", "--effort", "4", "--type", "0")
HANGS = 'echo $$ > "$0.pid"; exec sleep 600'


def interrupted(code: int, said: list[str]) -> bool:
    return code == ExitCode.INTERRUPTED and said[-1] == "lbic: error: interrupted"


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_while_pictures_are_encoded(tmp_path: Path, needs_vvc: None, jobs: int, number: int) -> None:
    sources = [save(tmp_path / "in" / f"{name}.png", photo(*LARGE)) for name in "abc"]
    scratch = tmp_path / "scratch"
    with running(LBIC, (*SLOW, "-j", jobs, *sources), scratch) as process:
        until(lambda: len(at_work(scratch)) == jobs, process)
        process.send_signal(number)
        code, said = ended(process)
        assert at_work(scratch) == []
    assert interrupted(code, said), said
    assert names(tmp_path) == {"in/a.png", "in/b.png", "in/c.png"}
    assert list(scratch.iterdir()) == []


@linux
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_of_evaluate(tmp_path: Path, needs_vvc: None, jobs: int) -> None:
    for name in "ab":
        save(tmp_path / "in" / f"{name}.png", photo(*LARGE))
    scratch, cache = tmp_path / "scratch", tmp_path / "cache"
    arguments = ("evaluate", tmp_path / "in", "--codec", "vvc:30,37", "--effort", 4, "--cache", cache, "-j", jobs)
    with running(LBIC, (*arguments, "--json", tmp_path / "rows.json"), scratch) as process:
        until(lambda: len(at_work(scratch)) == jobs, process)
        process.send_signal(signal.SIGINT)
        code, said = ended(process)
        assert at_work(scratch) == []
    assert interrupted(code, said), said
    assert names(tmp_path) == {"in/a.png", "in/b.png"}
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_while_networks_run(tmp_path: Path, jobs: int) -> None:
    """lbic does not wait for a network that needs minutes for a tile."""
    kernels = [np.zeros(shape, np.float32) for shape in ((96, 1, 9, 9), *[(96, 96, 9, 9)] * 6, (1, 96, 9, 9))]
    data = network(1, 1, kernels)
    models = tmp_path / "models"
    models.mkdir()
    write_catalog(models, [(spec("slow", data, "ar"), data)])
    sources = []
    for name in "ab":
        lbic("compress", "--codec", "jpeg", "--type", "0", save(tmp_path / f"{name}.png", photo(512, 512)))
        sources.append(tmp_path / f"{name}.lbic")
    began = "lambda self, batch: (pathlib.Path(os.environ['READY']).touch(), run(self, batch))[1]"
    prologue = (
        "from lbic.enhance import catalog, session\n"
        "catalog.models_folder = lambda: pathlib.Path(os.environ['MODELS'])\n"
        f"run = session.Session.run\nsession.Session.run = {began}"
    )
    ready, scratch = tmp_path / "ready", tmp_path / "scratch"
    order = ("decompress", "--type", "7", "--device", "cpu", "-j", jobs, *sources)
    with running(hooked(prologue), order, scratch, READY=str(ready), MODELS=str(models)) as process:
        until(ready.exists, process)
        process.send_signal(signal.SIGINT)
        code, said = ended(process)
    assert interrupted(code, said), said
    assert names(tmp_path) == {"a.png", "b.png", "a.lbic", "b.lbic", "ready"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_while_stdin_says_nothing(tmp_path: Path, jobs: int) -> None:
    source, fifo = save(tmp_path / "a.png"), tmp_path / "b.png"
    os.mkfifo(fifo)
    order = ("compress", "--codec", "jpeg", "-j", jobs, "-o", tmp_path / "out", fifo, "-", source)
    with running(LBIC, order, tmp_path / "scratch") as process, fifo.open("wb"):
        process.send_signal(signal.SIGINT)
        code, said = ended(process)
    assert interrupted(code, said), said


def test_signals_that_are_ignored_stay_ignored(tmp_path: Path) -> None:
    """nohup makes lbic ignore the signal."""
    source, fifo = save(tmp_path / "b.png"), tmp_path / "a.png"
    os.mkfifo(fifo)
    ignore = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    with running(hooked(ignore), ("compress", "--codec", "jpeg", fifo), tmp_path / "scratch") as process:
        with fifo.open("wb") as into:
            process.send_signal(signal.SIGHUP)
            into.write(source.read_bytes())
        assert ended(process)[0] == ExitCode.OK
    assert names(tmp_path) == {"b.png", "a.lbic"}


@linux
def test_killed_while_a_picture_is_encoded(tmp_path: Path, needs_vvc: None) -> None:
    """The encoder ends too, and the next run removes its files."""
    source, scratch = save(tmp_path / "a.png", photo(320, 256)), tmp_path / "scratch"
    with running(LBIC, (*SLOW, source), scratch) as process:
        until(lambda: at_work(scratch), process)
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
        until(lambda: not at_work(scratch))
    assert names(tmp_path / "scratch")
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "scratch"}
    done = program("compress", "--effort", "0", source, env=environment(scratch))
    assert done.returncode == ExitCode.OK
    assert list(scratch.iterdir()) == []
    assert names(tmp_path) == {"a.png", "a.lbic"}


@linux
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_encoder_that_hangs_ends_with_an_lbic_that_is_killed(tmp_path: Path, jobs: int) -> None:
    if not programs.tie(os.environ.get("PATH")):
        pytest.skip("no setpriv with --pdeathsig on this machine")
    sources, scratch = [save(tmp_path / f"{name}.png") for name in "ab"], tmp_path / "scratch"
    encoder = stand_in(tmp_path / "bin" / "ffmpeg", "trap '' INT TERM HUP\n" + HANGS)
    with running(LBIC, ("compress", "-j", jobs, *sources), scratch, LBIC_VVC_ENCODER=encoder) as process:
        # Not before setpriv, which starts in the folder, has become the encoder (process.tie).
        until(
            lambda: [Path(f"/proc/{pid}/comm").read_text() for pid in at_work(scratch)] == ["sleep\n"] * jobs, process
        )
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
        until(lambda: not at_work(scratch))
    assert names(scratch), "nobody was left to remove them"


@linux
def test_files_of_an_lbic_at_work_stay(tmp_path: Path, needs_vvc: None) -> None:
    source, scratch = save(tmp_path / "a.png"), tmp_path / "scratch"
    encoder = stand_in(tmp_path / "bin" / "ffmpeg", HANGS)
    with running(LBIC, ("compress", source, "-o", tmp_path / "b.lbic"), scratch, LBIC_VVC_ENCODER=encoder) as process:
        until(lambda: at_work(scratch), process)
        (folder,) = scratch.iterdir()
        assert program("compress", source, env=environment(scratch)).returncode == ExitCode.OK
        assert list(scratch.iterdir()) == [folder]
        assert names(folder) == {"in.yuv"}


@linux
def test_an_interrupt_ends_an_encoder_that_hangs(tmp_path: Path) -> None:
    source, scratch = save(tmp_path / "a.png"), tmp_path / "scratch"
    encoder = stand_in(tmp_path / "bin" / "ffmpeg", "trap '' INT TERM HUP\n" + HANGS)
    with running(LBIC, ("compress", source), scratch, LBIC_VVC_ENCODER=encoder) as process:
        until(lambda: at_work(scratch), process)
        os.killpg(process.pid, signal.SIGINT)
        code, said = ended(process)
        assert at_work(scratch) == []
    assert interrupted(code, said), said
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("kill -9 $$", "ffmpeg was killed (signal 9): no message"),
        ("echo 'the cause' >&2; kill -SEGV $$", "ffmpeg was killed (signal 11): the cause"),
        ("echo half > $last; kill -9 $$", "ffmpeg was killed (signal 9): no message"),
        ("printf '\\033[2Jred\\007\\n' >&2; exit 1", "ffmpeg failed (1): [2Jred"),
        ("head -c 3000000 /dev/urandom; exit 0", "the encoder reported no error but wrote no stream"),
        (
            "head -c 5000 /dev/zero > $last",
            "the encoder wrote a wrong stream: the VVC stream has no sequence parameter sets instead of one",
        ),
    ],
    ids=["killed", "crashed", "killed while it writes", "escape codes", "garbage on stdout", "garbage for a stream"],
)
def test_an_encoder_that_misbehaves(tmp_path: Path, body: str, said: str) -> None:
    source, scratch = save(tmp_path / "a.png"), tmp_path / "scratch"
    encoder = stand_in(tmp_path / "bin" / "ffmpeg", body)
    done = program("compress", source, env=environment(scratch, LBIC_VVC_ENCODER=encoder))
    # Nothing but the system, or a user, kills a program by signal 9.
    assert done.returncode == (ExitCode.FAILED if "signal 9" in said else ExitCode.DAMAGED)
    assert done.stderr.decode() == f"lbic: error: {source}: {said}\n"
    assert names(tmp_path) == {"a.png", "bin/ffmpeg"}
    assert list(scratch.iterdir()) == []


def test_an_encoder_that_vanishes_between_two_pictures(tmp_path: Path) -> None:
    sources = [save(tmp_path / f"{name}.png") for name in "ab"]
    encoder = stand_in(tmp_path / "bin" / "ffmpeg", "rm $0; exit 1")
    done = program("compress", "-j", "1", *sources, env=environment(tmp_path / "scratch", LBIC_VVC_ENCODER=encoder))
    assert done.returncode == ExitCode.FAILED
    lines = done.stderr.decode().splitlines()
    assert lines[0] == f"lbic: error: {sources[0]}: ffmpeg failed (1): no message"
    assert lines[1] == f"lbic: error: {sources[1]}: cannot start {encoder}: No such file or directory"
    assert lines[2].startswith("0 compressed, 2 failed  ")
    assert names(tmp_path) == {"a.png", "b.png"}
    assert compressed(tmp_path).is_file()


@pytest.mark.parametrize(
    "left_behind",
    ["signal.signal(signal.SIGCHLD, signal.SIG_IGN)", "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])"],
)
def test_an_encoder_that_fails_is_noticed_whatever_the_parent_ignores(tmp_path: Path, left_behind: str) -> None:
    """The system forgets exit codes while SIGCHLD is ignored."""
    source, scratch = save(tmp_path / "a.png", photo(96, 72)), tmp_path / "scratch"
    (tmp_path / "good.266").write_bytes(pipeline.extract((GOLDEN / "vvc-colour.lbic").read_bytes())[1])
    encoder = stand_in(tmp_path / "bin" / "ffmpeg", f"cp {tmp_path}/good.266 $last; echo broken >&2; exit 3")
    command = [*hooked(left_behind), "compress", str(source)]
    env = environment(scratch, LBIC_VVC_ENCODER=encoder)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert done.stderr == f"lbic: error: {source}: ffmpeg failed (3): broken\n"
    assert done.returncode == ExitCode.DAMAGED


def test_a_program_is_not_run_where_its_failure_would_go_unnoticed() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(ResourceError, match="cannot run true: this process ignores SIGCHLD"):
            programs.attempt(["true"], timeout=5)
    finally:
        signal.signal(signal.SIGCHLD, before)
