"""HEIC pictures (HEVC in a HEIF file), read by pillow-heif, the extra heif."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image

from lbic.errors import ImageError, printable
from lbic.picture import deep, depth
from lbic.picture.cicp import Stated
from lbic.picture.depth import Deep
from lbic.picture.exif import set_upright, without_orientation
from lbic.picture.stated import in_file

FORMAT = "HEIF"
_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
"""Brands of pictures and sequences coded by HEVC (ISO/IEC 23008-12, annex B)."""
_SEQUENCES = frozenset({b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"})
_MISSING = "a HEIC picture; reading it needs the package pillow-heif (lbic's extra heif)"


def is_heif(data: bytes) -> bool:
    """Return whether a file is a HEIF file coded by HEVC."""
    return bool(_brands(data) & _BRANDS)


def _brands(data: bytes) -> set[bytes]:
    """Return the brands of an ISO file's first box, ftyp."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


@dataclass(frozen=True)
class HeifReader:
    """A HEIC file, opened and not decoded."""

    data: bytes
    """The file."""
    picture: Any
    """pillow-heif's object of the primary picture."""
    others: tuple[str, ...]
    """Notes on what else is in the file."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        width, height = self.picture.size
        return width, height

    def decode(self, *, keep_icc: bool, notes: list[str]) -> tuple[Image.Image, Stated | None]:
        """Return an upright image with its metadata in its info, and its stated colours.

        A picture of more than 8 bits is returned in sRGB. Raises almost any exception for damaged
        data.
        """
        import numpy as np

        notes += self.others
        levels = np.asarray(self.picture)
        is_deep = levels.dtype.itemsize > 1
        channels = 1 if levels.ndim == 2 else levels.shape[2]
        mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
        if self.picture.premultiplied_alpha:
            mode = mode.replace("A", "a")
        image = Image.new("L", (1, 1)) if is_deep else Image.frombytes(mode, self.size, levels.tobytes())
        image.format = FORMAT
        info = self.picture.info
        image.info |= {name: info[name] for name in ("icc_profile", "xmp") if info.get(name)}
        if isinstance(image.info.get("xmp"), bytes):
            image.info["xmp"] = without_orientation(image.info["xmp"])  # libheif turns the picture
        if info.get("exif"):
            image.info["exif"] = set_upright(info["exif"])
        stated = in_file(image, self.data, notes)
        if not is_deep:
            return image, stated
        notes.append(depth.REDUCED)
        return deep.rendered(image, _deep(levels, self.picture), stated, keep_icc=keep_icc, notes=notes), None


def open_file(data: bytes) -> HeifReader:
    """Open a HEIC file. Raises ImageError without pillow-heif and for a damaged file."""
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(_MISSING) from None
    pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = False
    try:
        file = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
        picture, count = file[file.primary_index], len(file)
    except MemoryError:
        raise
    except Exception as error:  # libheif's errors come as several kinds
        raise ImageError(f"the picture is damaged or truncated: {printable(str(error))}") from error
    notes = []
    if count > 1:
        notes.append(f"{count - 1} more picture{'s' if count > 2 else ''} in the file left out")
    if _brands(data) & _SEQUENCES:
        notes.append("the sequence of pictures in the file was left out")
    return HeifReader(data, picture, tuple(notes))


def _deep(levels: Any, picture: Any) -> Deep:
    """Return samples of more than 8 bits, which libheif shifts to the top of 16."""
    import numpy as np

    bits = int(picture.info["bit_depth"])
    top = ((1 << bits) - 1) << (16 - bits)
    levels = np.rint(levels.astype(np.float32) * np.float32(65_535 / top)).astype(np.uint16)
    if levels.ndim == 2 or levels.shape[2] == 3:
        return Deep(levels)
    colour, alpha = levels[..., :-1], levels[..., -1]
    if picture.premultiplied_alpha:
        colour = deep.divided(colour, alpha)
    return Deep(np.ascontiguousarray(colour if colour.shape[2] == 3 else colour[..., 0]), alpha)
