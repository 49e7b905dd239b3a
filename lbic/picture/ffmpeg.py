"""AVIF and JPEG 2000 pictures deeper than 8 bits, decoded by FFmpeg (PyAV).

Pillow's readers return 8 bits. The functions return None if FFmpeg, or the way the file is built,
does not suit; the caller then takes Pillow's samples.
"""

from __future__ import annotations

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray
from PIL import Image

from lbic.picture import boxes, cicp
from lbic.picture.cicp import Stated
from lbic.picture.depth import Deep, jpeg2000_depths

Values = NDArray[np.float32]

_WEIGHTS = {1: (0.2126, 0.0722), 2: (0.299, 0.114), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""KR and KB by MatrixCoefficients (H.273, table 4); unspecified is BT.601, as in libavif."""
_IDENTITY = 0


def jpeg2000(data: bytes) -> Deep | None:
    """Return a JPEG 2000 picture of 16 bits; None for other depths and more than 3 components."""
    if set(jpeg2000_depths(data)) != {16}:
        return None
    frame = _decoded("jpeg2000", data)
    if frame is None or frame.format.name not in ("rgb48le", "gray16le"):
        return None
    return Deep(frame.to_ndarray().astype(np.uint16))


def avif(data: bytes) -> Deep | None:
    """Return an AVIF picture that is one AV1 image, not a grid of several; without its alpha."""
    item = boxes.primary_item(data)
    frame = _decoded("libdav1d", item) if item else None
    if frame is None:
        return None
    matrix, full_range = int(frame.colorspace), int(frame.color_range) == 2
    for kind, content in boxes.primary_properties(data):
        if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 11:
            matrix, full_range = int.from_bytes(content[8:10], "big"), bool(content[10] & 0x80)
    planes = _planes(frame)
    if planes is None:
        return None
    depth, levels = planes
    top = (1 << depth) - 1
    unit = 1 << (depth - 8)
    black, span, chroma_span = (0, top, top) if full_range else (16 * unit, 219 * unit, 224 * unit)
    y = (levels[0] - black) / np.float32(span)
    if len(levels) == 1:
        rgb = np.stack([y] * 3, axis=-1)
    elif matrix == _IDENTITY:
        rgb = np.stack([(levels[i] - black) / np.float32(span) for i in (2, 0, 1)], axis=-1)
    elif matrix in _WEIGHTS:
        cb, cr = ((_enlarged(plane, y.shape) - (top + 1) / 2) / np.float32(chroma_span) for plane in levels[1:])
        rgb = _rgb(y, cb, cr, *_WEIGHTS[matrix])
    else:
        return None
    return Deep(np.rint(np.clip(rgb, 0, 1) * 65_535).astype(np.uint16))


def avif_stated(data: bytes, notes: list[str]) -> Stated | None:
    """Return the colours that the AV1 stream of an AVIF file states, for files without colr."""
    item = boxes.primary_item(data)
    frame = _decoded("libdav1d", item) if item else None
    if frame is None:
        return None
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    if primaries == transfer == cicp.UNSPECIFIED:
        return None
    return cicp.from_numbers(primaries, transfer, notes)


def _decoded(codec: str, data: bytes) -> av.VideoFrame | None:
    """Return the first frame of a stream, or None if FFmpeg cannot decode it."""
    try:
        context = av.CodecContext.create(codec, "r")
        context.thread_count = 1
        frames = [*context.decode(av.Packet(data)), *context.decode(None)]  # type: ignore[attr-defined]
    except (FFmpegError, ValueError):
        return None
    return frames[0] if frames else None


def _planes(frame: av.VideoFrame) -> tuple[int, list[Values]] | None:
    """Return the depth and the planes, float32 levels, in the order Y, Cb, Cr or G, B, R."""
    name = frame.format.name
    if not name.startswith(("yuv4", "gray1", "gbrp1")) or not name.endswith(("10le", "12le")):
        return None
    planes = [
        np.frombuffer(memoryview(plane), "<u2").reshape(-1, plane.line_size // 2)[: plane.height, : plane.width]
        for plane in frame.planes
    ]
    return int(name[-4:-2]), [plane.astype(np.float32) for plane in planes]


def _enlarged(plane: Values, shape: tuple[int, ...]) -> Values:
    """Bring a chroma plane to luma's size, with centred siting as libavif does."""
    if plane.shape == shape:
        return plane
    steps = [-(-large // small) for large, small in zip(shape, plane.shape, strict=True)]
    size = plane.shape[1] * steps[1], plane.shape[0] * steps[0]
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR))[: shape[0], : shape[1]]


def _rgb(y: Values, cb: Values, cr: Values, kr: float, kb: float) -> Values:
    """Convert YCbCr (Cb and Cr -0.5..0.5) to RGB (H.273, equations 38 to 40)."""
    red = y + cr * np.float32(2 * (1 - kr))
    blue = y + cb * np.float32(2 * (1 - kb))
    green = (y - np.float32(kr) * red - np.float32(kb) * blue) / np.float32(1 - kr - kb)
    return np.stack([red, green, blue], axis=-1)
