"""The metadata items of a .lbic file: lossless alpha; ICC, EXIF and XMP on request."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbic import limits
from lbic.errors import FormatError, ImageError
from lbic.format import container
from lbic.format.container import Header
from lbic.picture.load import Picture

KEEPABLE = ("icc", "exif", "xmp")
"""The items that are stored only on request."""


@dataclass(frozen=True)
class Items:
    """The decoded metadata items of a file; None where it has none."""

    alpha: NDArray[np.uint8] | None = None
    """The alpha plane, (height, width) uint8."""
    icc: bytes | None = None
    """The ICC profile of the samples."""
    exif: bytes | None = None
    """The EXIF block, without an orientation."""
    xmp: bytes | None = None
    """The XMP packet."""

    def as_info(self) -> dict[str, bytes]:
        """Return the items but alpha under Pillow's names, for an image's info."""
        named = {"icc_profile": self.icc, "exif": self.exif, "xmp": self.xmp}
        return {name: value for name, value in named.items() if value is not None}


def collect(picture: Picture, keep: frozenset[str], notes: list[str]) -> dict[int, bytes]:
    """Return a picture's alpha and the items that ``keep`` names, where it has them, deflated.

    An item larger than a decoder accepts is left out with a note. Raises ImageError if that is the
    ICC profile, without which the samples have no meaning; the reader never keeps such a profile.
    """
    items: dict[int, bytes] = {}
    if picture.alpha is not None:
        items[container.ALPHA] = pack_alpha(picture.alpha)
    for number, name in container.METADATA_NAMES.items():
        value = getattr(picture, name) if name in keep else None
        if not value:
            continue
        if len(value) <= limits.MAX_METADATA:
            items[number] = zlib.compress(value, 9)
            continue
        problem = f"{name} has {len(value):,} bytes; the limit is {limits.MAX_METADATA:,}"
        if number == container.ICC:
            raise ImageError(problem)
        notes.append(f"{problem}, so it was left out")
    return items


def dropped(picture: Picture, keep: frozenset[str]) -> tuple[str, ...]:
    """Return the names of the items that a picture's file has and ``keep`` does not name."""
    values = {name: getattr(picture, name) for name in KEEPABLE} | {"icc": picture.profile_applied}
    return tuple(name for name, value in values.items() if value and name not in keep)


def pack_alpha(alpha: NDArray[np.uint8]) -> bytes:
    """Deflate an alpha plane, (height, width) uint8.

    Each sample is stored as its difference from the one above, modulo 256.
    """
    rows = np.concatenate([alpha[:1], alpha[1:] - alpha[:-1]])
    return zlib.compress(rows.tobytes(), 9)


def unpack_alpha(data: bytes, width: int, height: int) -> NDArray[np.uint8]:
    """Inflate an alpha plane; raises FormatError if damaged or not exactly width x height."""
    rows = np.frombuffer(inflate(data, width * height, "alpha"), np.uint8)
    if rows.size != width * height:
        raise FormatError(f"the alpha plane has {rows.size:,} samples, the picture {width}x{height}")
    return np.cumsum(rows.reshape(height, width), axis=0, dtype=np.uint8)


def unpack(header: Header) -> Items:
    """Decode the metadata items of a header; raises FormatError when one is damaged."""
    items = unpack_kept(header)
    if container.ALPHA not in header.metadata:
        return items
    return replace(items, alpha=unpack_alpha(header.metadata[container.ALPHA], header.width, header.height))


def unpack_kept(header: Header) -> Items:
    """Decode all items but alpha, which is as large as the picture; raises as ``unpack``."""
    kept = {
        name: inflate(header.metadata[number], limits.MAX_METADATA, name)
        for number, name in container.METADATA_NAMES.items()
        if name in KEEPABLE and number in header.metadata
    }
    return Items(None, **kept)


def inflate(data: bytes, most: int, name: str) -> bytes:
    """Inflate data to at most ``most`` bytes; raises FormatError if damaged or longer."""
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
