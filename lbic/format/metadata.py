"""The optional items of a .lbic file: lossless alpha, and ICC, EXIF, XMP when asked for."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbic import limits
from lbic.errors import FormatError
from lbic.format import container
from lbic.format.container import Header
from lbic.picture.load import Picture

KEEPABLE = ("icc", "exif", "xmp")


@dataclass(frozen=True)
class Items:
    """The metadata of a file as they were before compress, None where it has none."""

    alpha: NDArray[np.uint8] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    def as_info(self) -> dict[str, bytes]:
        """The kept items as Pillow has them in an image's info."""
        named = {"icc_profile": self.icc, "exif": self.exif, "xmp": self.xmp}
        return {name: value for name, value in named.items() if value is not None}


def collect(picture: Picture, keep: frozenset[str]) -> dict[int, bytes]:
    """The metadata section of a picture: alpha if it has any, and the kept items it brings, deflated."""
    items: dict[int, bytes] = {}
    if picture.alpha is not None:
        items[container.ALPHA] = pack_alpha(picture.alpha)
    for number, name in container.METADATA_NAMES.items():
        value = getattr(picture, name) if name in keep else None
        if value:
            items[number] = zlib.compress(value, 9)
    return items


def pack_alpha(alpha: NDArray[np.uint8]) -> bytes:
    """Deflate an alpha plane, (height, width) uint8, as differences to the row above (modulo 256)."""
    rows = np.concatenate([alpha[:1], alpha[1:] - alpha[:-1]])
    return zlib.compress(rows.tobytes(), 9)


def unpack_alpha(data: bytes, width: int, height: int) -> NDArray[np.uint8]:
    """Undo pack_alpha; FormatError when the plane is not exactly width x height."""
    rows = np.frombuffer(inflate(data, width * height, "alpha"), np.uint8)
    if rows.size != width * height:
        raise FormatError(f"the alpha plane has {rows.size:,} samples, the picture {width}x{height}")
    return np.cumsum(rows.reshape(height, width), axis=0, dtype=np.uint8)


def unpack(header: Header) -> Items:
    """Decode everything a header brings besides the picture; FormatError when any of it is damaged."""
    items = unpack_kept(header)
    if container.ALPHA not in header.metadata:
        return items
    return replace(items, alpha=unpack_alpha(header.metadata[container.ALPHA], header.width, header.height))


def unpack_kept(header: Header) -> Items:
    """The same without the alpha plane, which is as large as the picture."""
    found = header.metadata
    kept = {
        name: inflate(found[number], limits.MAX_METADATA, name)
        for number, name in container.METADATA_NAMES.items()
        if name in KEEPABLE and number in found
    }
    return Items(None, **kept)


def inflate(data: bytes, most: int, name: str) -> bytes:
    """Inflate at most ``most`` bytes; FormatError when there are more, fewer or they are damaged."""
    engine = zlib.decompressobj()
    try:
        value = engine.decompress(data, most)
        if not engine.eof:
            value += engine.decompress(engine.unconsumed_tail, 1)
    except zlib.error as error:
        raise FormatError(f"metadata item {name} is damaged: {error}") from error
    if not engine.eof or engine.unused_data or len(value) > most:
        raise FormatError(f"metadata item {name} is damaged or larger than {most:,} bytes")
    return value
