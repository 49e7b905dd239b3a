"""Find a program that encodes VVC with libvvenc, and build its command line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lbic.codecs.process import attempt
from lbic.errors import CodecError, MissingError

VARIABLE = "LBIC_VVC_ENCODER"
PRESETS = ("faster", "fast", "medium", "slow", "slower")
_LEVEL = "6.2"  # allows sides up to 16888 pixels; the default level stops at 8192
# IntraQPOffset=0: otherwise QP 37 is coded as 34. The chroma offsets save 2.9 % at equal RGB PSNR
# and cost 2.5 % at equal luma PSNR (docs/benchmark.md); below -2, luma loses more than RGB gains.
_PARAMETERS = "IntraQPOffset=0:ALFSpeed=0:CbQpOffset=-2:CrQpOffset=-2"
# The QP that the perceptual mode adds: 1.7 to 2.0 give the bytes of the plain mode on average, and
# the networks' quality plane is best 3 below its QP (docs/experiments.md).
_PERCEPTUAL_QP, _MOST_QP = 2, 63
_HOW = (
    "install imageio-ffmpeg (its wheels for Linux and macOS arm64 bring libvvenc), put an ffmpeg with libvvenc or "
    f"vvencapp on PATH, or name one in {VARIABLE}"
)


@dataclass(frozen=True)
class Order:
    """One picture to encode."""

    width: int
    """Luma samples, padding included."""
    height: int
    """Luma samples, padding included."""
    qp: int
    """Quantisation parameter, 0..63."""
    effort: int
    """Index into PRESETS."""
    gray: bool = False
    """Encode luma only (4:0:0)."""
    lambda_scale: float = 1
    """Factor on the encoder's rate-distortion multiplier; below 1: more bytes, less error."""
    perceptual: bool = False
    """Move the QPs of blocks towards what the eye sees (libvvenc's qpa)."""
    threads: int | None = None
    """None is the encoder's own choice. The number changes no byte of the stream."""

    @property
    def size(self) -> str:
        """The size in the form that both programs accept."""
        return f"{self.width}x{self.height}"

    @property
    def mode(self) -> tuple[str, str]:
        """The QP and the switch of the perceptual mode, as both programs take them.

        The perceptual mode spends more where a picture is smooth; its QP is _PERCEPTUAL_QP higher.
        """
        return str(min(self.qp + _PERCEPTUAL_QP * self.perceptual, _MOST_QP)), str(int(self.perceptual))

    @property
    def parameters(self) -> str:
        """The parameters in libvvenc's own syntax."""
        return _PARAMETERS + (f":LambdaModifierI={self.lambda_scale:.4f}" if self.lambda_scale != 1 else "")


@dataclass(frozen=True)
class Encoder:
    """A program that contains libvvenc."""

    path: str
    """Absolute path of the program."""
    kind: str
    """"ffmpeg" or "vvencapp"."""
    codes_gray: bool
    """It can encode luma only (4:0:0)."""
    arguments: Callable[[str, str, Order], list[str]]
    """Builds the arguments from the file of raw planes, the stream's file and the order."""

    def command(self, source: str, target: str, order: Order) -> list[str]:
        """Return the command line that encodes raw 10-bit planes in ``source`` to ``target``."""
        return [self.path, *self.arguments(source, target, order)]


def _ffmpeg_arguments(source: str, target: str, order: Order) -> list[str]:
    # The first three omit headers that a single picture does not need.
    headers = f"AccessUnitDelimiter=0:VuiParametersPresent=0:HrdParametersPresent=0:Level={_LEVEL}"
    threads = ("-threads", str(order.threads)) if order.threads else ()
    qp, qpa = order.mode
    return [
        *("-hide_banner", "-loglevel", "error", "-nostdin"),
        *("-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-video_size", order.size, "-framerate", "1"),
        *("-i", source, "-c:v", "libvvenc", "-preset", PRESETS[order.effort], "-qp", qp, "-qpa", qpa),
        *threads,
        *("-g", "1", "-vvenc-params", f"{headers}:{order.parameters}", "-f", "vvc", "-y", target),
    ]


def _vvencapp_arguments(source: str, target: str, order: Order) -> list[str]:
    threads = ("--threads", str(order.threads)) if order.threads else ()
    qp, qpa = order.mode
    return [
        *("-i", source, "-s", order.size, "-c", "yuv400_10" if order.gray else "yuv420_10", "-r", "1"),
        *("--preset", PRESETS[order.effort], "-q", qp, "--qpa", qpa, "-ip", "1", "-v", "1", "-o", target),
        *threads,
        *("-aud", "0", "-vui", "0", "-hrd", "0", "--level", _LEVEL, "--additional", order.parameters),
    ]


def _ffmpeg(path: str) -> Encoder:
    return Encoder(path, "ffmpeg", codes_gray=False, arguments=_ffmpeg_arguments)


def _vvencapp(path: str) -> Encoder:
    return Encoder(path, "vvencapp", codes_gray=True, arguments=_vvencapp_arguments)


def require() -> Encoder:
    """Return the first program that works here.

    Raises MissingError, which says what to install, if there is none.
    """
    encoder = find()
    if isinstance(encoder, str):
        raise MissingError(encoder)
    return encoder


def find() -> Encoder | str:
    """Return the first program that works here, or a sentence that says why there is none."""
    return _find(os.environ.get(VARIABLE), os.environ.get("PATH"))


def ffmpeg_with(encoder: str) -> str | None:
    """Return the path of the first ffmpeg that has this encoder (e.g. libx265), or None."""
    return _ffmpeg_with(encoder, os.environ.get("PATH"))


@lru_cache(maxsize=8)
def _ffmpeg_with(encoder: str, path: str | None) -> str | None:
    heading = f"Encoder {encoder} ".encode()
    candidates = _candidates(path)
    return next((program for program in candidates if heading in _output(program, *_help_on(encoder))), None)


@lru_cache(maxsize=4)
def _find(program: str | None, path: str | None) -> Encoder | str:
    # The result depends on these two environment variables: as arguments they are the cache's key.
    if program:
        encoder = probe(_absolute(shutil.which(program, path=path) or program))
        return encoder or f"{VARIABLE} names {program}, which does not run or has no libvvenc; {_HOW}"
    for candidate in _candidates(path):
        encoder = probe(candidate)
        if encoder:
            return encoder
    return f"no VVC encoder on this machine; {_HOW}"


def _candidates(path: str | None) -> Iterator[str]:
    try:
        import imageio_ffmpeg

        folder = Path(imageio_ffmpeg.__file__).parent / "binaries"
        # Not its get_ffmpeg_exe(), which also searches PATH and the environment.
        yield from sorted(str(file) for file in folder.glob("ffmpeg*"))
    except ImportError:
        pass
    for name in ("ffmpeg", "vvencapp"):
        program = shutil.which(name, path=path)
        if program:
            yield _absolute(program)


def _absolute(program: str) -> str:
    # Encoders run in a temporary folder, where a relative path would be wrong.
    return str(Path(program).absolute())


def probe(program: str) -> Encoder | None:
    """Run a program to see whether it is vvencapp or an ffmpeg with libvvenc.

    Returns None if it is neither or does not run.
    """
    if b"libvvenc" in _output(program, *_help_on("libvvenc")):
        return _ffmpeg(program)
    if b"vvencapp" in _output(program, "--version").lower():
        return _vvencapp(program)
    return None


def _help_on(encoder: str) -> tuple[str, ...]:
    return "-hide_banner", "-h", f"encoder={encoder}"


def _output(program: str, *arguments: str) -> bytes:
    """Return a program's stdout; b"" if it does not run or fails."""
    try:
        code, output, _ = attempt([program, *arguments], timeout=20)
    except (MissingError, CodecError):
        return b""
    # ffmpeg writes "Codec 'libvvenc' is not recognized" to stderr, so only stdout counts.
    return output if code == 0 else b""
