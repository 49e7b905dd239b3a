"""JPEG XL and HEVC files of one picture, written by the encoders of an ffmpeg program.

Both are set up for the best RGB-PSNR, as codec vvc is. libjxl runs at its highest effort. x265
runs its preset veryslow at 10 bits, without psychovisual tuning, with vvc's chroma offsets, and
without headers that a single picture does not need.
"""

from __future__ import annotations

from PIL import Image

from lbic.codecs import encoders, process, vvc
from lbic.codecs.base import Geometry
from lbic.errors import CodecError, FileError, MissingError, reason
from lbic.evaluate.planes import picture_of, planes_of
from lbic.system import temporary

JXL, HEVC = "libjxl", "libx265"
_QUIET = ("-hide_banner", "-loglevel", "error", "-nostdin")
# ipratio=1: by default an intra picture gets a lower QP than the requested one. One thread writes
# the same bytes on every machine. The chroma offsets save 1 to 3 % at equal RGB-PSNR.
_HEVC_PARAMETERS = "log-level=none:info=0:keyint=1:ipratio=1:cbqpoffs=-2:crqpoffs=-2:pools=1:frame-threads=1"
_SAMPLES = {"L": "gray", "RGB": "rgb24"}
"""ffmpeg's names for Pillow's modes."""


def missing(encoder: str) -> str | None:
    """Return a sentence on a missing encoder; None when it is installed."""
    if encoders.ffmpeg_with(encoder):
        return None
    return f"no ffmpeg with {encoder} on this machine; install imageio-ffmpeg or put one on PATH"


def encode_jxl(image: Image.Image, quality: int, effort: int) -> bytes:
    """Encode a picture as a JPEG XL codestream.

    ``quality`` is cjxl's. ffmpeg passes libjxl a distance instead, and the effort is always the
    highest. Raises CodecError when the encoder fails, MissingError where it is missing.
    """
    options = ("-c:v", JXL, "-effort", "9", "-distance", f"{jxl_distance(quality):.4f}", "-f", "image2pipe")
    return _encode(JXL, image.tobytes(), _SAMPLES[image.mode], image.size, options)


def jxl_distance(quality: int) -> float:
    """Return the butteraugli distance of a quality, as JxlEncoderDistanceFromQuality does.

    ffmpeg accepts distances of 0..15.
    """
    return 0.1 + (100 - quality) * 0.09 if quality >= 30 else 53 / 3000 * quality**2 - 23 / 20 * quality + 25


def decode_jxl(data: bytes, geometry: Geometry) -> Image.Image:
    """Decode a JPEG XL file with ffmpeg. Raises CodecError when that fails."""
    mode, size = "L" if geometry.gray else "RGB", (geometry.width, geometry.height)
    try:
        with temporary.folder() as folder:
            source = folder / "in.jxl"
            source.write_bytes(data)
            form = ("-f", "jpegxl_pipe", "-i", str(source), "-f", "rawvideo", "-pix_fmt", _SAMPLES[mode], "pipe:1")
            raw = process.run([_program(JXL), *_QUIET, *form], timeout=process.TIMEOUT)
    except OSError as error:
        raise FileError(f"cannot keep the decoder's files in the temporary folder: {reason(error)}") from error
    if len(raw) != size[0] * size[1] * len(mode):
        raise CodecError(f"the JPEG XL file did not decode to {size[0]}x{size[1]}")
    return Image.frombytes(mode, size, raw)


def encode_hevc(image: Image.Image, quality: int, effort: int) -> bytes:
    """Encode a picture as an HEVC stream, 10 bits, 4:2:0 or gray.

    ``quality`` is the QP. The picture is padded as for VVC. Raises CodecError when the encoder
    fails, MissingError where it is missing.
    """
    raw, size = vvc.to_raw(planes_of(image), neutral_chroma=False)
    options = ("-preset", "veryslow", "-tune", "psnr", "-qp", str(quality), "-x265-params", _HEVC_PARAMETERS)
    samples = "gray10le" if image.mode == "L" else "yuv420p10le"
    return _encode(HEVC, raw, samples, size, ("-c:v", HEVC, *options, "-f", "hevc"))


def decode_hevc(data: bytes, geometry: Geometry) -> Image.Image:
    """Decode an HEVC stream with PyAV in this process. Raises CodecError when that fails."""
    return picture_of(vvc.to_planes(vvc.decode_levels(data, "hevc"), geometry))


def _encode(encoder: str, raw: bytes, samples: str, size: tuple[int, int], options: tuple[str, ...]) -> bytes:
    width, height = size
    form = ("-f", "rawvideo", "-pix_fmt", samples, "-video_size", f"{width}x{height}", "-framerate", "1")
    program = _program(encoder)
    return process.encode_raw(
        raw,
        lambda source, target: [program, *_QUIET, *form, "-i", source, *options, "-y", target],
        width * height / 1e6,
    )


def _program(encoder: str) -> str:
    program = encoders.ffmpeg_with(encoder)
    if program is None:
        raise MissingError(missing(encoder))
    return program
