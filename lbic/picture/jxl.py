"""JPEG XL pictures, read by pillow-jxl-plugin, the extra jxl (ISO/IEC 18181)."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from lbic.errors import ImageError
from lbic.picture import boxes, depth
from lbic.picture.cicp import Stated
from lbic.picture.exif import set_upright, without_orientation
from lbic.picture.stated import in_file

FORMAT = "JXL"
_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_TIFF_HEADS = (b"II*\0", b"MM\0*")
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height by the number in a size header, from 1 (18181-1, A.3)."""
_SIZE_BITS = ((1, 9), (1, 13), (1, 18), (1, 30))
_PREVIEW_BITS = ((1, 6), (65, 8), (321, 10), (1345, 12))
_PREVIEW_EIGHTHS = ((16, 0), (32, 0), (1, 5), (33, 9))
_DEPTHS = ((8, 0), (10, 0), (12, 0), (1, 6))
"""The values of fields in the header: a base and the number of bits added to it."""
_MISSING = "a JPEG XL picture; reading it needs the package pillow-jxl-plugin (lbic's extra jxl)"


def is_jxl(data: bytes) -> bool:
    """Return whether a file is a JPEG XL file or bare codestream."""
    return data.startswith((_CODESTREAM, _CONTAINER))


@dataclass(frozen=True)
class Header:
    """The beginning of a codestream (18181-1, annexes A.3 and D)."""

    size: tuple[int, int]
    """Width and height in pixels, as stored."""
    bits: int
    """Bits per sample."""
    is_float: bool
    """Whether the samples are floats."""
    is_animated: bool
    """Whether there are several frames."""


class _Bits:
    """Reads a codestream's fields; each field's lowest bit comes first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")

    def read(self, count: int) -> int:
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        return value

    def choice(self, kinds: tuple[tuple[int, int], ...]) -> int:
        base, count = kinds[self.read(2)]
        return base + self.read(count)


def read_header(data: bytes) -> Header:
    """Return a file's header. Raises ImageError if it has none."""
    stream = _codestream(data)
    if not stream.startswith(_CODESTREAM) or len(stream) < 4:
        raise ImageError("the picture is damaged or truncated: no JPEG XL codestream")
    fields = _Bits(stream[2:66])
    size = _read_size(fields)
    if fields.read(1):  # all fields have their defaults
        return Header(size, 8, is_float=False, is_animated=False)
    is_animated = False
    if fields.read(1):
        fields.read(3)  # orientation
        if fields.read(1):
            _read_size(fields)  # the intrinsic size
        if fields.read(1):
            _skip_preview(fields)
        is_animated = bool(fields.read(1))
    is_float = bool(fields.read(1))
    bits = 32 if is_float else fields.choice(_DEPTHS)
    return Header(size, bits, is_float, is_animated)


def _codestream(data: bytes) -> bytes:
    """Return the codestream, as far as the header needs it."""
    if data.startswith(_CODESTREAM):
        return data[:100]
    parts = []
    for kind, body, end in boxes.boxes(data):
        if kind == b"jxlc":
            return data[body : min(end, body + 100)]
        if kind == b"jxlp":  # begins with its number
            parts.append(data[body + 4 : min(end, body + 104)])
    return b"".join(parts)


def _read_size(fields: _Bits) -> tuple[int, int]:
    in_eighths = fields.read(1)
    height = 8 * (fields.read(5) + 1) if in_eighths else fields.choice(_SIZE_BITS)
    ratio = fields.read(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio - 1]
        return height * numerator // denominator, height
    return 8 * (fields.read(5) + 1) if in_eighths else fields.choice(_SIZE_BITS), height


def _skip_preview(fields: _Bits) -> None:
    kinds = _PREVIEW_EIGHTHS if fields.read(1) else _PREVIEW_BITS
    fields.choice(kinds)
    if not fields.read(3):
        fields.choice(kinds)


@dataclass(frozen=True)
class JxlReader:
    """A JPEG XL file, not decoded."""

    data: bytes
    """The file."""
    header: Header
    """Its header."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as stored."""
        return self.header.size

    def decode(self, *, keep_icc: bool, notes: list[str]) -> tuple[Image.Image, Stated | None]:
        """Return an upright image with its metadata in its info, and its stated colours.

        Gray keeps all its bits, colour comes with 8. Raises ImageError for floats in colour and
        for deep gray with alpha, and almost any exception for damaged data.
        """
        import pillow_jxl

        is_jpeg, info, samples, icc, metadata = pillow_jxl.Decoder(num_threads=0)(self.data)
        if is_jpeg:  # the file holds a JPEG file's coefficients
            image: Image.Image = Image.open(io.BytesIO(samples), formats=("JPEG",))
            self._check(image.size)
            image.load()
            return image, in_file(image, samples, notes)
        self._check((info.width, info.height))
        if self.header.is_float and info.mode in ("RGB", "RGBA"):
            raise ImageError("a float RGB picture in JPEG XL, which lbic does not read")
        if self.header.bits > 8 and info.mode == "LA":
            raise ImageError(f"a gray JPEG XL picture of {self.header.bits} bits with alpha, which lbic does not read")
        mode = "F" if info.mode == "F;16" else info.mode
        image = Image.frombytes(mode, (info.width, info.height), samples)
        if self.header.bits > 8 and mode in ("RGB", "RGBA"):
            notes.append(depth.REDUCED)
        image.format = FORMAT
        if icc and not _is_srgb(icc):
            image.info["icc_profile"] = icc
        for box in metadata:
            if box.box_type == b"Exif":
                image.info["exif"] = set_upright(_exif(box.data))  # libjxl turns the picture
            elif box.box_type == b"xml ":
                image.info["xmp"] = without_orientation(box.data)
            elif box.box_type == b"brob":
                notes.append("compressed metadata in the file was left out")
        return image, in_file(image, self.data, notes)

    def _check(self, size: tuple[int, int]) -> None:
        """Raise ImageError if the decoded picture has another size than the header says."""
        if size not in (self.size, self.size[::-1]):
            raise ImageError(f"the picture is damaged: {size[0]}x{size[1]} in a file of {self.size[0]}x{self.size[1]}")


def open_file(data: bytes) -> JxlReader:
    """Open a JPEG XL file. Raises ImageError without the package, and for an animation."""
    try:
        import pillow_jxl  # noqa: F401
    except ImportError:
        raise ImageError(_MISSING) from None
    header = read_header(data)
    if header.is_animated:
        raise ImageError("animated JPEG XL; lbic compresses single pictures")
    return JxlReader(data, header)


def _exif(content: bytes) -> bytes:
    """Return the content of a box Exif as Pillow takes it.

    It begins with an offset (18181-2, 9.4), which some programs forget.
    """
    start = 0 if content[:4] in _TIFF_HEADS else 4 + int.from_bytes(content[:4], "big")
    return b"Exif\0\0" + content[start:]


def _is_srgb(icc: bytes) -> bool:
    """Return whether a profile is libjxl's own of gray with sRGB's curve, which needs no note.

    libjxl makes a profile for every picture, and names it by its parts.
    """
    return any(f"Gra_D65_{intent}_SRG".encode("utf-16-be") in icc for intent in ("Per", "Rel", "Sat", "Abs"))
