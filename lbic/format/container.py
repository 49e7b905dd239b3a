"""The .lbic file: a header of about 20 bytes, optional metadata items, one payload.

docs/format.md is the normative page; the tables here mirror it one for one. Integers are
unsigned; multi-byte ones are big-endian, variable-length ones are LEB128.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from lbic import limits
from lbic.coding import SCALE_ONE, Coding
from lbic.errors import FormatError, UsageError
from lbic.format import plugin, varint

MAGIC = b"\xc1LBC"
VERSION = 1
CONFIGURATION = 0
"""BT.601 full range, box chroma down, cubic chroma up, Pillow's antialiased bicubic for scale."""
CODEC_IDS = {"vvc": 1, "vtm": 2, "jpeg": 3, "webp": 4, "avif": 5, "jpeg2000": 6}
"""The codecs' numbers, fixed in docs/format.md and never reused."""
PLUGIN_ID = 255
"""The number of every codec that comes from another package; the item CODEC names it."""
PAYLOAD_STREAM = 0
"""The payload is the codec's whole standard stream."""
PAYLOAD_VVC = 1
"""The payload is a VVC stream without its parameter sets (codecs/payload_vvc.py)."""
PAYLOAD_JPEG = 2
"""The payload is a JPEG stream without its headers (codecs/payload_jpeg.py)."""
FORMS = {PAYLOAD_STREAM: tuple(CODEC_IDS), PAYLOAD_VVC: ("vvc", "vtm"), PAYLOAD_JPEG: ("jpeg",)}
"""The codecs that may use each payload form; the numbers are fixed in docs/format.md."""

FLAG_METADATA = 0x01
FLAG_GRAY = 0x02
RESERVED_FLAGS = 0xFF & ~(FLAG_METADATA | FLAG_GRAY)

ALPHA, CODEC, ICC, EXIF, XMP = 1, 3, 128, 129, 130
METADATA_NAMES = {ALPHA: "alpha", CODEC: "codec", ICC: "icc", EXIF: "exif", XMP: "xmp"}
"""The metadata items that this version understands; others below 128 are refused.

Number 2 is reserved (docs/format.md).
"""

_FIXED = struct.Struct(">4sBBBBBBBB")  # magic .. recommended type
_CRC = struct.Struct(">I")


@dataclass(frozen=True)
class Header:
    """The header of a .lbic file."""

    codec: str
    """The codec's name."""
    quality: int
    """The codec's own quality, 0..255 in the file."""
    width: int
    """The original picture's width in pixels."""
    height: int
    """The original picture's height in pixels."""
    scale: int = SCALE_ONE
    """Downsampling before the codec, in sixteenths; the default is none."""
    gray: bool = False
    """Whether the picture has luma only; the default is 4:2:0."""
    type: int = 0
    """The number of the recommended enhancement type; 0 is none."""
    config: int = CONFIGURATION
    """The number of the colour and resampling rules."""
    form: int = PAYLOAD_STREAM
    """The payload form's number; the default is the whole stream."""
    metadata: dict[int, bytes] = field(default_factory=dict)
    """The metadata items by their number, without the item CODEC."""
    package: str = ""
    """The package that the codec comes from; empty for lbic's own codecs."""

    @property
    def coding(self) -> Coding:
        """How the picture is coded: codec, quality and scale."""
        return Coding(self.codec, self.quality, self.scale)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the original picture in pixels."""
        return self.width, self.height

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height of the coded picture: the size divided by the scale, rounded up."""
        return scaled(self.width, self.scale), scaled(self.height, self.scale)


def scaled(side: int, scale: int) -> int:
    """Return a side in pixels divided by a scale in sixteenths, rounded up, at least 1."""
    return max(1, -(-side * SCALE_ONE // scale))


def check(header: Header) -> None:
    """Raise UsageError for a header that no file can have; checked before encoding."""
    problem = _size_problem(header.width, header.height)
    if problem:
        raise UsageError(f"the picture is {problem}")
    if not SCALE_ONE <= header.scale <= 255:
        raise UsageError(f"scale {header.scale / SCALE_ONE:g} is not within 1..{255 / SCALE_ONE:g}")
    for name, value in (("quality", header.quality), ("type", header.type)):
        if not 0 <= value <= 255:
            raise UsageError(f"{name} {value} is not within 0..255")
    if header.codec not in CODEC_IDS:
        plugin.check(header.codec, header.package)
        if header.form != PAYLOAD_STREAM:
            raise UsageError(f"payload form {header.form} is not one of codec {header.codec}")


def pack(header: Header, payload: bytes) -> bytes:
    """Return a file of a header and payload.

    Raises UsageError as ``check`` does, and for a file longer than lbic reads.
    """
    check(header)
    metadata = dict(header.metadata)
    if header.codec not in CODEC_IDS:
        metadata[CODEC] = plugin.pack(header.codec, header.package)
    flags = (FLAG_METADATA if metadata else 0) | (FLAG_GRAY if header.gray else 0)
    head = _FIXED.pack(
        MAGIC,
        VERSION,
        CODEC_IDS.get(header.codec, PLUGIN_ID),
        flags,
        header.quality,
        header.scale,
        header.config,
        header.form,
        header.type,
    )
    head += varint.write(header.width) + varint.write(header.height)
    body = payload
    if metadata:
        items = b"".join(bytes([kind]) + varint.write(len(value)) + value for kind, value in sorted(metadata.items()))
        body = varint.write(len(items)) + items + payload
    size = len(head) + _CRC.size + len(body)
    if size > limits.MAX_FILE:
        raise UsageError(f"the file would have {size:,} bytes; the limit is {limits.MAX_FILE:,}")
    return head + _CRC.pack(zlib.crc32(body, zlib.crc32(head))) + body


def unpack(data: bytes, max_pixels: int = limits.MAX_PIXELS) -> tuple[Header, bytes]:
    """Return a file's header and payload.

    Raises FormatError for foreign, empty, truncated or damaged data, for a version, codec, flag
    or metadata item that this lbic does not know, and for a picture over the limits or
    ``max_pixels``.
    """
    header, offset, crc_at = _read_header(data, max_pixels)
    stated = _CRC.unpack_from(data, crc_at)[0]
    actual = zlib.crc32(memoryview(data)[crc_at + _CRC.size :], zlib.crc32(data[:crc_at]))
    if stated != actual:
        raise FormatError(
            f"checksum mismatch ({actual:08x}, the file says {stated:08x}): the file is damaged or truncated"
        )
    if offset == len(data):
        raise FormatError("there is no codec stream after the header")
    return header, data[offset:]


def read_header(data: bytes) -> Header:
    """Return the header and metadata items; the checksum is not verified. Raises as ``unpack``."""
    return _read_header(data)[0]


def is_lbic(prefix: bytes) -> bool:
    """Return whether a file that begins so is a .lbic file."""
    return prefix[: len(MAGIC)] == MAGIC


def _read_header(data: bytes, max_pixels: int = limits.MAX_PIXELS) -> tuple[Header, int, int]:
    """Return the header, the payload's offset and the checksum's offset; raises FormatError."""
    if not data:
        raise FormatError("the file is empty")
    if not is_lbic(data):
        raise FormatError("not a .lbic file (it does not begin with the magic number)")
    if len(data) > len(MAGIC) and data[len(MAGIC)] != VERSION:
        raise FormatError(f"format version {data[len(MAGIC)]}, this lbic reads {VERSION}; upgrade lbic")
    if len(data) < _FIXED.size:
        raise FormatError(f"the file ends inside its header, after {len(data)} bytes")
    _, _, codec_id, flags, quality, scale, config, form, kind = _FIXED.unpack_from(data)
    names = {number: name for name, number in CODEC_IDS.items()} | {PLUGIN_ID: ""}
    if codec_id not in names:
        raise FormatError(f"codec number {codec_id} is unknown to this lbic; upgrade lbic")
    if flags & RESERVED_FLAGS:
        raise FormatError(f"reserved flag bits 0x{flags & RESERVED_FLAGS:02x} are set; upgrade lbic")
    if config != CONFIGURATION:
        raise FormatError(f"configuration {config} is unknown to this lbic; upgrade lbic")
    if form not in FORMS:
        raise FormatError(f"payload form {form} is unknown to this lbic; upgrade lbic")
    if form != PAYLOAD_STREAM and names[codec_id] not in FORMS[form]:
        raise FormatError(f"payload form {form} is not one of codec {names[codec_id] or codec_id}")
    if scale < SCALE_ONE:
        raise FormatError(f"scale {scale}/{SCALE_ONE} is below 1")
    width, at = varint.read(data, _FIXED.size)
    height, at = varint.read(data, at)
    problem = _size_problem(width, height, max_pixels)
    if problem:
        raise FormatError(f"the header says {problem}")
    crc_at = at
    at += _CRC.size
    if len(data) < at:
        raise FormatError(f"the file ends inside its header, after {len(data)} bytes")
    metadata: dict[int, bytes] = {}
    if flags & FLAG_METADATA:
        metadata, at = _read_metadata(data, at)
    codec, package = names[codec_id], ""
    if codec_id == PLUGIN_ID:
        codec, package = _read_codec(metadata)
    elif CODEC in metadata:
        raise FormatError(f"metadata item {CODEC} names a codec, the header says {codec}")
    header = Header(
        codec=codec,
        quality=quality,
        width=width,
        height=height,
        scale=scale,
        gray=bool(flags & FLAG_GRAY),
        type=kind,
        config=config,
        form=form,
        metadata=metadata,
        package=package,
    )
    return header, at, crc_at


def _size_problem(width: int, height: int, max_pixels: int = limits.MAX_PIXELS) -> str | None:
    """Return what is wrong with a size, for a sentence; None when it is within the limits."""
    if not (1 <= width <= limits.MAX_SIDE and 1 <= height <= limits.MAX_SIDE):
        return f"{width}x{height}; sides must be 1..{limits.MAX_SIDE} pixels"
    if width * height > max_pixels:
        return f"{width}x{height}, {width * height:,} pixels; the limit is {max_pixels:,}"
    return None


def _read_codec(metadata: dict[int, bytes]) -> tuple[str, str]:
    """Take the item CODEC out of the metadata; return the codec and its package."""
    if CODEC not in metadata:
        raise FormatError(f"codec number {PLUGIN_ID} without metadata item {CODEC}, which names the codec")
    codec, package = plugin.unpack(metadata.pop(CODEC))
    if codec in CODEC_IDS:
        raise FormatError(f"metadata item {CODEC} names {codec}, a codec with a number of its own")
    return codec, package


def _read_metadata(data: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """Return the metadata items at an offset and the offset after them; raises FormatError."""
    length, at = varint.read(data, at)
    end = at + length
    if end > len(data):
        raise FormatError(f"the metadata section says {length:,} bytes, {len(data) - at:,} are left")
    items: dict[int, bytes] = {}
    while at < end:
        kind = data[at]
        size, at = varint.read(data, at + 1)
        if at + size > end:
            raise FormatError(f"metadata item {kind} says {size:,} bytes and ends beyond its section")
        if kind in items:
            raise FormatError(f"metadata item {kind} is there twice")
        if kind < 128 and kind not in METADATA_NAMES:
            raise FormatError(f"metadata item {kind} must be understood and is unknown to this lbic; upgrade lbic")
        items[kind] = data[at : at + size]
        at += size
    if not items:
        raise FormatError("the metadata section is empty")
    return items, at
