"""The programs that can encode VVC with libvvenc, in the order in which they are looked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lbic.errors import MissingError

VARIABLE = "LBIC_VVC_ENCODER"
PRESETS = ("faster", "fast", "medium", "slow", "slower")
_LEVEL = "6.2"  # allows pictures up to 16888 wide; the default level stops at 8192
# IntraQPOffset: else QP 37 is coded as 34. The chroma offsets save 2.9 % at equal RGB-PSNR and cost 2.5 % at equal
# PSNR of luma (docs/benchmark.md); beyond -2 luma loses more than RGB gains.
_PARAMETERS = "IntraQPOffset=0:ALFSpeed=0:CbQpOffset=-2:CrQpOffset=-2"
_HOW = (
    "install imageio-ffmpeg (its wheels for Linux and macOS arm64 bring libvvenc), put an ffmpeg with libvvenc or "
    f"vvencapp on PATH, or name one in {VARIABLE}"
)


@dataclass(frozen=True)
class Order:
    """One picture to code: its padded size, QP, effort, whether it is luma alone, and what the Lagrangian
    multiplier of the encoder's rate-distortion choices is multiplied by (below 1: more bytes, less error).

    ``threads`` None leaves their number to the encoder; it changes no byte.
    """

    width: int
    height: int
    qp: int
    effort: int
    gray: bool = False
    lambda_scale: float = 1
    threads: int | None = None

    @property
    def size(self) -> str:
        """As both programs take it."""
        return f"{self.width}x{self.height}"

    @property
    def parameters(self) -> str:
        """libvvenc's own parameters, by its names."""
        return _PARAMETERS + (f":LambdaModifierI={self.lambda_scale:.4f}" if self.lambda_scale != 1 else "")


@dataclass(frozen=True)
class Encoder:
    """A program with libvvenc in it. ``arguments(source, target, order)`` calls it."""

    path: str
    kind: str
    codes_gray: bool
    arguments: Callable[[str, str, Order], list[str]]

    def command(self, source: str, target: str, order: Order) -> list[str]:
        """The whole argument list that codes raw 10-bit planes in ``source`` to ``target``."""
        return [self.path, *self.arguments(source, target, order)]


def _ffmpeg_arguments(source: str, target: str, order: Order) -> list[str]:
    # The first three drop headers that a lone picture has no use for.
    headers = f"AccessUnitDelimiter=0:VuiParametersPresent=0:HrdParametersPresent=0:Level={_LEVEL}"
    threads = ("-threads", str(order.threads)) if order.threads else ()
    return [
        *("-hide_banner", "-loglevel", "error", "-nostdin"),
        *("-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-video_size", order.size, "-framerate", "1"),
        *("-i", source, "-c:v", "libvvenc", "-preset", PRESETS[order.effort], "-qp", str(order.qp), "-qpa", "0"),
        *threads,
        *("-g", "1", "-vvenc-params", f"{headers}:{order.parameters}", "-f", "vvc", "-y", target),
    ]


def _vvencapp_arguments(source: str, target: str, order: Order) -> list[str]:
    threads = ("--threads", str(order.threads)) if order.threads else ()
    return [
        *("-i", source, "-s", order.size, "-c", "yuv400_10" if order.gray else "yuv420_10", "-r", "1"),
        *("--preset", PRESETS[order.effort], "-q", str(order.qp), "--qpa", "0", "-ip", "1", "-v", "1", "-o", target),
        *threads,
        *("-aud", "0", "-vui", "0", "-hrd", "0", "--level", _LEVEL, "--additional", order.parameters),
    ]


def _ffmpeg(path: str) -> Encoder:
    return Encoder(path, "ffmpeg", codes_gray=False, arguments=_ffmpeg_arguments)


def _vvencapp(path: str) -> Encoder:
    return Encoder(path, "vvencapp", codes_gray=True, arguments=_vvencapp_arguments)


def require() -> Encoder:
    """The first program that works here; MissingError with what to install when there is none."""
    found = find()
    if isinstance(found, str):
        raise MissingError(found)
    return found


def find() -> Encoder | str:
    """The first program that works here, or the sentence that says why there is none."""
    return _find(os.environ.get(VARIABLE), os.environ.get("PATH"))


def ffmpeg_with(encoder: str) -> str | None:
    """The first ffmpeg with an encoder of this name, such as libx265; None when there is none."""
    return _ffmpeg_with(encoder, os.environ.get("PATH"))


@lru_cache(maxsize=8)
def _ffmpeg_with(encoder: str, path: str | None) -> str | None:
    said = f"Encoder {encoder} ".encode()
    candidates = _candidates(path)
    return next((program for program in candidates if said in _answer(program, *_ask(encoder))), None)


@lru_cache(maxsize=4)
def _find(named: str | None, path: str | None) -> Encoder | str:
    # The arguments are the environment that the answer depends on, so that a change is noticed.
    if named:
        encoder = probe(_absolute(shutil.which(named, path=path) or named))
        return encoder or f"{VARIABLE} names {named}, which does not run or has no libvvenc; {_HOW}"
    for candidate in _candidates(path):
        encoder = probe(candidate)
        if encoder:
            return encoder
    return f"no VVC encoder on this machine; {_HOW}"


def _candidates(path: str | None) -> Iterator[str]:
    try:
        import imageio_ffmpeg

        folder = Path(imageio_ffmpeg.__file__).parent / "binaries"
        # Its get_ffmpeg_exe() would also search PATH and the environment; only the program in the wheel is meant.
        yield from sorted(str(file) for file in folder.glob("ffmpeg*"))
    except ImportError:
        pass
    for name in ("ffmpeg", "vvencapp"):
        program = shutil.which(name, path=path)
        if program:
            yield _absolute(program)


def _absolute(program: str) -> str:
    # Encoders run in a folder of their own, where a relative path would be looked up.
    return str(Path(program).absolute())


def probe(program: str) -> Encoder | None:
    """Ask a program whether it is vvencapp or an ffmpeg with libvvenc; None when neither, or when it does not run."""
    if b"libvvenc" in _answer(program, *_ask("libvvenc")):
        return _ffmpeg(program)
    if b"vvencapp" in _answer(program, "--version").lower():
        return _vvencapp(program)
    return None


def _ask(encoder: str) -> tuple[str, ...]:
    return "-hide_banner", "-h", f"encoder={encoder}"


def _answer(program: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return b""
    # ffmpeg answers "Codec 'libvvenc' is not recognized" on stderr; only stdout of a success counts.
    return done.stdout if done.returncode == 0 else b""
