"""Pictures, files, a recipe and measures for several test files, made without the disk."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lbic.color import Planes

RECIPE = """
network = "srcnn"
[data]
codec = "jpeg"
scale = 2
quality = [5, 40]
validation = [10]
[train]
steps = 6
batch = 2
patch = 12
warmup = 2
[export]
name = "tiny"
role = "sr"
"""
"""Return a training recipe of six small steps."""


def photo(width: int, height: int, seed: int = 7) -> Image.Image:
    """Return a picture like a photo (soft colour, edges, texture), equal for equal arguments."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height, 2)
    field = np.stack([0.5 + 0.4 * np.sin(3 * x + 2 * y + phase) for phase in (0.0, 1.0, 2.2)], axis=-1)
    for _ in range(5):
        cx, cy, radius = rng.uniform(0, 1, 3)
        inside = ((x - cx) ** 2 + (y - cy) ** 2 < (0.1 + 0.2 * radius) ** 2)[..., None]
        field = np.where(inside, 0.6 * rng.uniform(0, 1, 3) + 0.4 * field, field)
    texture = rng.normal(0, 0.05, (height, width, 1)) * (x > y)[..., None]
    return Image.fromarray(np.uint8(np.rint(np.clip(field + texture, 0, 1) * 255)))


def gray(width: int, height: int, seed: int = 7) -> Image.Image:
    """Return the luma of ``photo``."""
    return photo(width, height, seed).convert("L")


def noise(width: int, height: int, seed: int = 7) -> Image.Image:
    """Return noise, the hardest input for codecs."""
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(levels)


def ramp(width: int, height: int) -> NDArray[np.uint8]:
    """Return an alpha plane from transparent to opaque."""
    row = np.linspace(0, 255, width).astype(np.uint8)
    return np.broadcast_to(row, (height, width)).copy()


def psnr(a: Image.Image, b: Image.Image) -> float:
    """Return the peak signal-to-noise ratio over all samples, in dB; 99 for equal pictures."""
    assert (a.mode, a.size) == (b.mode, b.size)
    error = float(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def largest_difference(a: Image.Image, b: Image.Image) -> int:
    """Return the largest difference of all samples, in levels."""
    assert (a.mode, a.size) == (b.mode, b.size)
    return int(np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max())


def planes_equal(a: Planes, b: Planes) -> bool:
    """Return whether two decoded pictures are equal in every sample."""
    pairs = ((a.y, b.y), (a.cb, b.cb), (a.cr, b.cr))
    return all(
        (p is None and q is None) or (p is not None and q is not None and np.array_equal(p, q)) for p, q in pairs
    )


def written(source: Image.Image, name: str, **options: Any) -> bytes:
    """Return the picture as a file in one of Pillow's formats."""
    out = io.BytesIO()
    source.save(out, name, **options)
    return out.getvalue()


def profile(name: str) -> bytes:
    """Return LittleCMS's ICC profile of sRGB, LAB or XYZ."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()  # type: ignore[arg-type]


def wide_profile() -> bytes:
    """Return sRGB's profile with red and green swapped: very different from sRGB."""
    data = profile("sRGB")
    return data.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")


def png16(width: int, height: int, clear: bytes = b"") -> bytes:
    """Return a 16-bit RGB PNG, (200 99) in all samples, which Pillow reads but cannot write."""
    return png(width, height, 16, 2, bytes([200, 99] * 3) * width, clear)


def png(width: int, height: int, bits: int, colour: int, row: bytes, clear: bytes = b"") -> bytes:
    """Return a PNG of equal rows with any bit depth and colour type.

    ``clear`` is the content of a tRNS chunk, if any.
    """
    return _png(width, height, bits, colour, (b"\x00" + row) * height, [(b"tRNS", clear)] if clear else [])


def png_of(samples: NDArray[Any], chunks: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """Return a PNG of samples, uint8 or uint16, (height, width) gray or with 2 to 4 channels.

    ``chunks`` are names and contents of more chunks.
    """
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    stored = samples.astype(samples.dtype.newbyteorder(">"))
    rows = b"".join(b"\x00" + row.tobytes() for row in stored)
    return _png(width, height, 8 * samples.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[channels], rows, chunks)


def _png(width: int, height: int, bits: int, colour: int, rows: bytes, chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([bits, colour, 0, 0, 0])
    all_chunks = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in all_chunks)
