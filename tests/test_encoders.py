"""Encoder programs: the search order, and the errors if they are missing or misbehave."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import GOLDEN, Program

from lbic.codecs import encoders, process
from lbic.codecs.base import Geometry
from lbic.codecs.table import CODECS
from lbic.color import Planes
from lbic.errors import CodecError, ExitCode, FileError, MissingError, ResourceError
from lbic.system import deadline

pytestmark = [
    pytest.mark.usefixtures("fresh_encoders"),
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in programs are shell scripts"),
]

GRAY = Planes(np.zeros((64, 72), np.float32))
STREAM = GOLDEN / "streams" / "vvenc-gray.266"
ANSWERS_AS_FFMPEG = 'case "$*" in *encoder=libvvenc*) echo "Encoder libvvenc"; exit 0;; esac\n'
ANSWERS_AS_VVENCAPP = 'case "$1" in --version) echo "vvencapp version 1.15"; exit 0;; -hide_banner) exit 1;; esac\n'
LAST = "for last; do :; done\n"


@pytest.fixture
def nothing_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a machine without encoders."""
    monkeypatch.delenv(encoders.VARIABLE, raising=False)
    monkeypatch.setattr(encoders, "_candidates", lambda _: iter(()))


@pytest.mark.usefixtures("nothing_found")
def test_no_encoder_is_exit_4_with_what_to_install() -> None:
    with pytest.raises(MissingError, match=r"no VVC encoder on this machine; install imageio-ffmpeg") as caught:
        CODECS["vvc"].encode(GRAY, 37, 0)
    assert caught.value.exit_code == ExitCode.MISSING
    assert CODECS["vvc"].availability() == str(caught.value)


@pytest.mark.usefixtures("nothing_found")
def test_decoding_needs_no_encoder() -> None:
    planes = CODECS["vvc"].decode(STREAM.read_bytes(), Geometry(72, 64, gray=True))
    assert planes.y.shape == (64, 72)


@pytest.mark.parametrize("named", ["/bin/false", "/nonexistent/ffmpeg", str(Path(__file__))])
def test_a_named_encoder_that_is_none_is_never_replaced_by_another(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(encoders.VARIABLE, named)
    with pytest.raises(MissingError, match=rf"LBIC_VVC_ENCODER names {named}, which does not run or has no libvvenc"):
        CODECS["vvc"].encode(GRAY, 37, 0)


def test_the_order_is_named_then_wheel_then_path(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    named = program(ANSWERS_AS_FFMPEG, "named")
    wheel = program(ANSWERS_AS_FFMPEG, "wheel/binaries/ffmpeg-linux")
    on_path = program(ANSWERS_AS_FFMPEG, "bin/ffmpeg")
    app = program(ANSWERS_AS_VVENCAPP, "bin/vvencapp")
    import imageio_ffmpeg

    monkeypatch.setattr(imageio_ffmpeg, "__file__", str(Path(wheel).parents[1] / "__init__.py"))
    monkeypatch.setenv("PATH", f"{Path(on_path).parent}:/bin:/usr/bin")
    monkeypatch.setenv(encoders.VARIABLE, named)
    for expected in (named, wheel, on_path, app):
        found = encoders.require()
        assert found.path == expected
        assert found.codes_gray == (expected == app)
        # Without it the next program in the order is used.
        monkeypatch.delenv(encoders.VARIABLE, raising=False)
        Path(expected).unlink()
        encoders._find.cache_clear()
    if not Path("/usr/bin/ffmpeg").exists() and not Path("/usr/bin/vvencapp").exists():
        assert isinstance(encoders.find(), str)


def test_the_first_ffmpeg_with_an_encoder_is_found(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    without, with_it = program("echo Encoder libx264 [x]"), program("echo 'Encoder libx265 [x]'", "second")
    monkeypatch.setattr(encoders, "_candidates", lambda _: iter((without, with_it)))
    encoders._ffmpeg_with.cache_clear()
    assert encoders.ffmpeg_with("libx265") == with_it
    assert encoders.ffmpeg_with("libx26") is None, "the whole name"
    encoders._ffmpeg_with.cache_clear()


def test_an_ffmpeg_without_libvvenc_is_passed_over(program: Program) -> None:
    assert encoders.probe(program("echo \"Codec 'libvvenc' is not recognized by FFmpeg.\" >&2; exit 0")) is None
    assert encoders.probe(program("echo libvvenc; exit 1")) is None


def test_vvencapp_is_called_for_gray(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    body = ANSWERS_AS_VVENCAPP + f'while [ "$1" != -o ]; do echo "$1"; shift; done > "$0.log"; cp {STREAM} "$2"\n'
    path = program(body)
    monkeypatch.setenv(encoders.VARIABLE, path)
    assert CODECS["vvc"].encode(GRAY, 33, 4) == STREAM.read_bytes()
    said = Path(path + ".log").read_text().split()
    assert said[said.index("-c") + 1] == "yuv400_10"
    assert said[said.index("-q") + 1] == "33"
    assert said[said.index("--preset") + 1] == "slower"
    assert said[said.index("-s") + 1] == "72x64"


@pytest.mark.parametrize("answers", [ANSWERS_AS_FFMPEG, ANSWERS_AS_VVENCAPP], ids=["ffmpeg", "vvencapp"])
def test_both_programs_code_exactly_the_qp_without_headers_a_picture_has_no_use_for(
    answers: str, program: Program
) -> None:
    encoder = encoders.probe(program(answers))
    assert encoder is not None
    command = encoder.command("in", "out", encoders.Order(64, 72, 41, 1))
    said = " ".join(command).replace("--", "-").replace("=", " ").replace(":", " ")
    for words in ("IntraQPOffset 0", "-qpa 0", "-preset fast ", " 41 ", "64x72", "6.2", "ALFSpeed 0"):
        assert words in said
    assert command[-1] == "out" or command[command.index("-o") + 1] == "out"
    assert "threads" not in said, "the encoder's own choice"
    told = encoder.command("in", "out", encoders.Order(64, 72, 41, 1, threads=3))
    assert "-threads 3 " in " ".join(told)
    for qp, coded in ((41, "43"), (63, "63")):
        order = encoders.Order(64, 72, qp, 1, perceptual=True)
        said = " ".join(encoder.command("in", "out", order)).replace("--", "-")
        assert f" {coded} " in said and "-qpa 1" in said


@pytest.mark.parametrize("named", ["./encoder", "encoder"])
def test_an_encoder_may_be_named_by_a_relative_path_or_a_name(
    named: str, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(ANSWERS_AS_FFMPEG + LAST + f'cp {STREAM} "$last"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv(encoders.VARIABLE, named)
    assert CODECS["vvc"].programs() == (path,)
    assert CODECS["vvc"].encode(GRAY, 37, 0) == STREAM.read_bytes()


def test_a_failing_encoder_is_quoted(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "echo '[out @ 0x55aa] the cause' >&2; echo 'Terminating' >&2; exit 7"
    monkeypatch.setenv(encoders.VARIABLE, program(ANSWERS_AS_FFMPEG + body, "ffmpeg"))
    with pytest.raises(CodecError, match=r"^ffmpeg failed \(7\): the cause$"):
        CODECS["vvc"].encode(GRAY, 37, 0)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("exit 0", "reported no error but wrote no stream"),
        (LAST + ': > "$last"', "reported no error but wrote no stream"),
        ("exit 3", r"encoder failed \(3\): no message"),
        ("kill -11 $$", r"encoder was killed \(signal 11\): no message"),
    ],
)
def test_an_encoder_that_writes_nothing_is_an_error(
    body: str, sentence: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(encoders.VARIABLE, program(ANSWERS_AS_FFMPEG + body))
    with pytest.raises(CodecError, match=sentence):
        CODECS["vvc"].encode(GRAY, 37, 0)


def test_what_an_encoder_prints_never_gets_into_the_stream(
    program: Program, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    body = ANSWERS_AS_FFMPEG + "echo garbage; echo more >&2\n" + LAST + f'cp {STREAM} "$last"'
    monkeypatch.setenv(encoders.VARIABLE, program(body))
    assert CODECS["vvc"].encode(GRAY, 37, 0) == STREAM.read_bytes()
    assert capfd.readouterr() == ("", "")


def test_an_encoder_that_hangs_is_stopped(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TIMEOUT", 0.3)
    monkeypatch.setattr(process, "TIMEOUT_PER_MEGAPIXEL", 0)
    monkeypatch.setenv(encoders.VARIABLE, program(ANSWERS_AS_FFMPEG + 'echo $$ > "$0.pid"; exec sleep 60'))
    with pytest.raises(CodecError, match="encoder did not finish within 0 s and was stopped"):
        CODECS["vvc"].encode(GRAY, 37, 0)
    pid = int(Path(os.environ[encoders.VARIABLE] + ".pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_scratch_files_are_gone_whatever_happens(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv(encoders.VARIABLE, program(ANSWERS_AS_FFMPEG + "exit 1"))
    with pytest.raises(CodecError):
        CODECS["vvc"].encode(GRAY, 37, 0)
    assert list(scratch.iterdir()) == []


def test_a_temporary_folder_that_is_full_or_gone_is_a_sentence(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(encoders.VARIABLE, program(ANSWERS_AS_FFMPEG))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(FileError, match="cannot write the encoder's files to the temporary folder"):
        CODECS["vvc"].encode(GRAY, 37, 0)


def test_a_program_that_vanished_is_missing(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(encoders.VARIABLE, program(ANSWERS_AS_FFMPEG))
    path = encoders.require().path
    Path(path).unlink()
    with pytest.raises(MissingError, match=f"cannot start {path}: No such file"):
        CODECS["vvc"].encode(GRAY, 37, 0)


def test_an_encoder_whose_interpreter_is_missing_cannot_be_started(tmp_path: Path) -> None:
    """It exists and is executable, so only the system notices the fault."""
    path = tmp_path / "ffmpeg"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(MissingError, match=f"^cannot start {path}: No such file or directory$"):
        process.run([str(path)], timeout=5)


KNOWS = 'case "$*" in *--version) exit 0;; esac\n'
"""The start of a setpriv script that accepts lbic's probe of the option."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has setpriv")
@pytest.mark.parametrize(
    ("setpriv", "tied"),
    [
        ('[ "$1" = --version ] && exit; [ "$1 $2 $3" = "--pdeathsig KILL --" ] || exit 1; shift 3; exec "$@"', True),
        ("echo \"setpriv: unrecognized option '--pdeathsig'\" >&2; exit 1", False),
        (KNOWS + "echo 'setpriv: set parent death signal failed: not permitted' >&2; exit 1", True),
        (None, False),
    ],
    ids=["has the option", "has it not", "fails later", "none"],
)
def test_an_encoder_runs_whatever_setpriv_there_is(
    setpriv: str | None, tied: bool, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setpriv:
        program(setpriv, "bin/setpriv")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    words = (str(tmp_path / "bin" / "setpriv"), "--pdeathsig", "KILL", "--")
    assert process.tie(os.environ["PATH"]) == (words if tied else ())
    assert process.run([program('echo "$@"'), "a", "b c"], timeout=20) == b"a b c\n"
    with pytest.raises(CodecError, match=r"^encoder failed \(7\): the cause$"):
        process.run([program("echo the cause >&2; exit 7")], timeout=20)
    with pytest.raises(ResourceError, match=r"^encoder was killed \(signal 9\): no message$"):
        process.run([program("kill -9 $$")], timeout=20)


def test_a_program_is_waited_for_in_ticks_and_loses_no_output(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "TICK", 0.1)
    assert process.run([program("echo a; sleep 0.3; echo b")], timeout=20) == b"a\nb\n"


@pytest.mark.parametrize(
    "words",
    [
        "pthread_create() failed: Resource temporarily unavailable",
        "std::bad_alloc",
        "Cannot allocate memory",
        "out.266: No space left on device",
    ],
)
def test_an_encoder_that_lacks_memory_or_threads_is_not_the_pictures_fault(program: Program, words: str) -> None:
    with pytest.raises(ResourceError, match=r"^encoder failed \(1\): ") as caught:
        process.run([program(f"echo '{words}' >&2; exit 1")], timeout=20)
    assert caught.value.exit_code == ExitCode.FAILED


@pytest.mark.parametrize("name", ["KILL", "XCPU", "XFSZ", "TERM"])
def test_an_encoder_that_is_ended_from_outside_is_not_the_pictures_fault(program: Program, name: str) -> None:
    with pytest.raises(ResourceError, match=r"^encoder was killed \(signal \d+\)"):
        process.run([program(f"kill -{name} $$; sleep 9")], timeout=20)


def test_a_program_that_the_system_has_no_room_for_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(ResourceError, match="cannot start /a/b: Resource temporarily unavailable"):
        encoders.probe("/a/b")
