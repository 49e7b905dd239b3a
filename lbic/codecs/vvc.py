"""VVC intra: encoded by libvvenc in a program of this machine, decoded by PyAV in this process.

The stream is one 10-bit frame, 4:2:0 or 4:0:0. The picture is padded by edge repetition to a
multiple of 8 and at least 64x64, because libvvenc's ffmpeg wrapper overflows its output buffer on
smaller pictures, and 4:2:0 has no odd sizes. The true size is in the file's header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbic import limits
from lbic.codecs import encoders, payload_vvc
from lbic.codecs.base import Geometry, check_length, pad_to
from lbic.codecs.bitstream import sequence_facts
from lbic.codecs.process import encode_raw
from lbic.color import Planes, from_levels, to_levels
from lbic.errors import CodecError, NoRoomError, TooLargeError
from lbic.format.container import PAYLOAD_STREAM, PAYLOAD_VVC
from lbic.system.cores import for_a_program

BIT_DEPTH = 10
TOP = (1 << BIT_DEPTH) - 1
MIDDLE = 1 << BIT_DEPTH - 1
_ALIGN, _MIN_SIDE, _MAX_SIDE = 8, 64, 16_888
"""Coded sides in pixels: their multiple, minimum and maximum (that of level 6.2)."""
_FULL_BUFFER = "ffmpeg's buffer has one byte per pixel, too little for noise at a low QP; vvencapp has no such limit"
_FORMATS = {"yuv420p10le": 3, "gray10le": 1}


class VvcCodec:
    """libvvenc with the presets faster, fast, medium, slow and slower for effort 0..4."""

    id = 1
    name = "vvc"
    summary = "VVC intra (H.266), 10-bit 4:2:0 or gray, encoded by libvvenc"
    quality_symbol = "qp"
    quality_range = (0, 63)
    useful_quality = (27, 47)
    default_quality = 37
    lower_is_better = True
    # Steps of 2 % in bytes that together exceed one QP. They lie on the rate-distortion curve of
    # the QPs; factors above 1 need 1.3 % more bytes (docs/benchmark.md).
    lambda_scales: tuple[float, ...] = tuple(0.5 ** (step / 12) for step in range(9))

    def availability(self) -> str | None:
        """Return None if there is an encoder, else a sentence that says what to install."""
        encoder = encoders.find()
        return encoder if isinstance(encoder, str) else None

    def programs(self) -> tuple[str, ...]:
        """Return the path of the encoder, or nothing."""
        encoder = encoders.find()
        return () if isinstance(encoder, str) else (encoder.path,)

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Encode planes at one QP, see Codec.encode.

        The stream does not depend on the number of cores.
        """
        return self._encode(planes, quality, effort, lambda_scale)

    def encode_perceptual(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Encode planes at QPs around ``quality``, see PerceptualCodec.encode_perceptual."""
        return self._encode(planes, quality, effort, lambda_scale, perceptual=True)

    def _encode(
        self, planes: Planes, quality: int, effort: int, lambda_scale: float, perceptual: bool = False
    ) -> bytes:
        encoder = encoders.require()
        if max(planes.width, planes.height) > _MAX_SIDE:
            size = f"{planes.width}x{planes.height}"
            raise TooLargeError(f"{size}: {self.name}'s sides may be at most {_MAX_SIDE} pixels")
        raw, (width, height) = to_raw(planes, neutral_chroma=not encoder.codes_gray)
        order = encoders.Order(
            width,
            height,
            quality,
            effort,
            planes.gray and encoder.codes_gray,
            lambda_scale,
            perceptual,
            for_a_program(),
        )
        try:
            return encode(raw, lambda source, target: encoder.command(source, target, order), planes)
        except CodecError as error:
            if "submitting video frame" in str(error):
                raise NoRoomError(f"{error}; {_FULL_BUFFER}") from error
            raise

    def shorten(self, stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
        """Return form and payload of a stream, see Codec.shorten."""
        return shorten(stream, geometry, quality)

    def restore(self, form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
        """Return the stream of a payload, see Codec.restore."""
        return restore(form, payload, geometry, quality)

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode a stream, see Codec.decode."""
        return decode(data, geometry)


def encode(raw: bytes, command: Callable[[str, str], Sequence[str]], planes: Planes) -> bytes:
    """Run an encoder on the raw samples that ``to_raw`` made of ``planes``; see
    process.encode_raw.

    Raises also CodecError if the stream has another size or format than the planes.
    """
    width, height = padded_size(planes.width, planes.height)
    stream = encode_raw(raw, command, width * height / 1e6)
    try:
        check(stream, Geometry(planes.width, planes.height, planes.gray))
    except CodecError as error:
        raise CodecError(f"the encoder wrote a wrong stream: {error}") from error
    return stream


def to_raw(planes: Planes, *, neutral_chroma: bool) -> tuple[bytes, tuple[int, int]]:
    """Round planes to 10 bits and pad them; return little-endian 16-bit samples and the padded
    size.

    A gray picture is luma only, or gets neutral chroma for an encoder that supports only 4:2:0.
    """
    width, height = padded_size(planes.width, planes.height)
    parts = [_pad(to_levels(planes.y, TOP), width, height)]
    if planes.cb is not None and planes.cr is not None:
        parts += [_pad(to_levels(c, TOP, MIDDLE), width // 2, height // 2) for c in (planes.cb, planes.cr)]
    elif neutral_chroma:
        parts.append(np.full(width * height // 2, MIDDLE, np.uint16))
    return b"".join(part.astype("<u2").tobytes() for part in parts), (width, height)


def padded_size(width: int, height: int) -> tuple[int, int]:
    """Return the coded size, in luma samples, of a picture."""
    return pad_to(width, _ALIGN, _MIN_SIDE), pad_to(height, _ALIGN, _MIN_SIDE)


def shorten(stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
    """Return form and payload of a stream, see Codec.shorten."""
    payload = payload_vvc.shorten(stream, *padded_size(geometry.width, geometry.height), quality)
    return (PAYLOAD_VVC, payload) if payload else (PAYLOAD_STREAM, stream)


def restore(form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
    """Return the stream of a payload, see Codec.restore."""
    if form == PAYLOAD_STREAM:
        return payload
    return payload_vvc.restore(payload, *padded_size(geometry.width, geometry.height), quality)


def decode(data: bytes, geometry: Geometry) -> Planes:
    """Decode a VVC stream of one frame to planes, see Codec.decode."""
    check(data, geometry)
    return to_planes(decode_levels(data), geometry)


def to_planes(levels: Sequence[NDArray[np.uint16]], geometry: Geometry) -> Planes:
    """Return planes from coded 10-bit levels, without their padding: the inverse of ``to_raw``.

    Raises CodecError if the levels do not fit ``geometry``.
    """
    size = padded_size(geometry.width, geometry.height)
    if levels[0].shape[::-1] != size:
        raise CodecError(f"the stream decoded to {levels[0].shape[1]}x{levels[0].shape[0]}, not {size[0]}x{size[1]}")
    y = from_levels(levels[0][: geometry.height, : geometry.width], TOP)
    if geometry.gray:
        return Planes(y)
    if len(levels) < 3:
        raise CodecError("the stream is gray, the header says colour")
    rows, columns = -(-geometry.height // 2), -(-geometry.width // 2)
    return Planes(y, *(from_levels(c[:rows, :columns], TOP, MIDDLE) for c in levels[1:]))


def check(data: bytes, geometry: Geometry) -> None:
    """Raise CodecError if a stream's parameters do not fit ``geometry``; decodes nothing."""
    facts = sequence_facts(data)
    width, height = padded_size(geometry.width, geometry.height)
    if (facts.coded_width, facts.coded_height, facts.width, facts.height) != (width, height) * 2:
        raise CodecError(
            f"the VVC stream is {facts.width}x{facts.height}, the header's {geometry.width}x{geometry.height} "
            f"needs {width}x{height}"
        )
    check_length(data, width, height, limits.VVC_PIXELS_PER_BYTE, "VVC")
    if facts.bit_depth != BIT_DEPTH:
        raise CodecError(f"the VVC stream has {facts.bit_depth} bits per sample, not {BIT_DEPTH}")
    if facts.chroma_format > 1 or (facts.chroma_format == 0 and not geometry.gray):
        names = {0: "gray", 2: "4:2:2", 3: "4:4:4"}
        raise CodecError(
            f"the VVC stream is {names[facts.chroma_format]}, the header says {'gray' if geometry.gray else '4:2:0'}"
        )


def decode_levels(data: bytes, codec: str = "vvc") -> list[NDArray[np.uint16]]:
    """Decode a stream of one frame to its coded 10-bit planes, uint16, padding included.

    ``codec`` is PyAV's name of the decoder. Raises CodecError if the stream is damaged.
    """
    import av  # takes 0.1 s, and compress does not need it

    context: Any = av.CodecContext.create(codec, "r")
    # With more threads, pictures one CTU wide decode differently from run to run (measured).
    context.thread_count = 1
    try:
        frames = context.decode(av.Packet(data)) + context.decode(None)
    except MemoryError:  # PyAV's MemoryError is also an FFmpegError
        raise
    except (av.FFmpegError, ValueError) as error:
        raise CodecError(f"the {codec.upper()} stream is damaged: {error}") from error
    if len(frames) != 1:
        raise CodecError(f"the {codec.upper()} stream is damaged: it has {len(frames)} pictures instead of one")
    frame = frames[0]
    if frame.format.name not in _FORMATS:
        raise CodecError(f"the {codec.upper()} stream decoded to {frame.format.name}, which lbic never writes")
    return [_plane_levels(plane) for plane in _planes(frame)]


def _planes(frame: Any) -> Iterable[Any]:
    return list(frame.planes)[: _FORMATS[frame.format.name]]


def _plane_levels(plane: Any) -> NDArray[np.uint16]:
    rows = np.frombuffer(plane, "<u2").reshape(plane.height, plane.line_size // 2)
    return rows[:, : plane.width].astype(np.uint16)


def _pad(levels: NDArray[np.uint16], width: int, height: int) -> NDArray[np.uint16]:
    rows, columns = levels.shape
    return np.pad(levels, ((0, height - rows), (0, width - columns)), mode="edge")
