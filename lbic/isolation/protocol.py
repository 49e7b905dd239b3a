"""What lbic and its decoders' processes (worker.py) say to each other: numbers of a fixed form, bytes and sentences.

lbic asks one thing at a time, for a payload's planes (codecs/isolated.py) or a file's picture (apart.py). A request is
REQUEST, the fields of what is asked for, and the stream or file. The first reply, READY, comes before any request.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct(">BIQ")
"""DECODE or READ, seconds that it may take (READ: before the picture's size is known), bytes of the stream or file."""
DECODE, READ = range(2)
STREAM = struct.Struct(">BBII")
"""The fields of DECODE: codec number, gray, width, height."""
FILE = struct.Struct(">QB")
"""The fields of READ: pixels at most, whether a profile is kept."""

REPLY = struct.Struct(">BI")
"""Outcome, count. REFUSED and UNFORESEEN count the bytes of a sentence (UTF-8), which follows."""
READY, DECODED, OPENED, LOADED, REFUSED, NO_MEMORY, UNFORESEEN = range(7)
"""Outcomes. DECODED counts the planes, which follow. READ is answered by OPENED and a SIZE, and then by LOADED, which
counts the bytes of a JSON object: the picture's mode, size, notes and luma_table, whether it has alpha, and the
bytes of icc, exif and xmp. Its samples in bands, its alpha, icc, exif and xmp follow."""
PLANE = struct.Struct(">II")
"""Rows, columns; the samples follow, float32 as this machine stores them."""
SIZE = struct.Struct(">II")
"""Width and height as the file has them; the picture may be turned."""
ITEMS = ("icc", "exif", "xmp")

LONGEST = 4096
"""Bytes of a sentence."""
BAND = 1 << 16
"""Bytes of a picture's samples that are sent at a time, or one row: neither side holds them a second time. A pipe holds
as many."""

TIMEOUT = 10
TIMEOUT_PER_MEGAPIXEL = 5
TIMEOUT_PER_MEGABYTE = 0.1
"""Seconds, added; the last is for a file whose size in pixels is not known yet. The slowest decoder needs about 0.2 for
a megapixel; only a hang exceeds this."""

MEMORY = 1_000_000_000
MEMORY_PER_PIXEL = 64
MEMORY_PER_BYTE = 4
"""Bytes that a process may take, added; the last is for each of the stream or file. The interpreter and the
libraries take 0.1 GB, more where one starts many threads; a pixel takes 18 (JPEG) to 29 bytes (VVC, WebP) to decode,
float planes included, and 12 (PNG) to 56 (floating-point TIFF) to read. The largest legal picture fits as well."""


def band_rows(mode: str, width: int) -> int:
    """The rows of a band of a picture of this mode, L or RGB."""
    return max(1, BAND // (width * len(mode)))
