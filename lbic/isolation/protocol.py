"""The protocol between lbic and its worker processes: fixed-size numbers, bytes and sentences.

A request is REQUEST, the fields of its type (STREAM or FILE), and the stream or file. There is one
request at a time: DECODE returns the planes of a payload, READ the picture of a file. The worker
sends the reply READY once, before the first request.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct(">BIQ")
"""Request type (DECODE or READ); limit in seconds of processor time (for READ: until the
picture's size is known); length of the stream or file in bytes."""
DECODE, READ = range(2)
STREAM = struct.Struct(">128sBII")
"""Fields of DECODE: the codec (codecs/table.reference, padded with zero bytes), gray (0 or 1),
width, height."""
FILE = struct.Struct(">QB")
"""Fields of READ: the most pixels to accept, keep the ICC profile (0 or 1)."""

REPLY = struct.Struct(">BI")
"""Outcome, count. For REFUSED, UNFORESEEN and SHORTAGE the count is the length of the sentence
that follows (UTF-8, in bytes)."""
READY, DECODED, OPENED, LOADED, REFUSED, NO_MEMORY, UNFORESEEN, SHORTAGE = range(8)
"""Outcomes. The count of READY is the version of Landlock that confines the worker, 0 for none.
NO_MEMORY means that the worker's own limit is reached, SHORTAGE that the system refuses memory or
threads. DECODED counts the planes that follow. READ is answered by OPENED and a
SIZE, then by LOADED, which counts the bytes of a JSON object: mode, size, notes, luma_table and
profile_applied of the picture, whether it has alpha, and the lengths of icc, exif and xmp in bytes
(null if absent). The samples follow in bands, then alpha, icc, exif and xmp."""
PLANE = struct.Struct(">II")
"""Rows, columns. The samples follow: float32 in this machine's byte order."""
SIZE = struct.Struct(">II")
"""Width and height as stored in the file; EXIF may turn the picture by 90 degrees afterwards."""
ITEMS = ("icc", "exif", "xmp")

LONGEST = 4096
"""The most bytes of a sentence."""
BAND = 1 << 16
"""Bytes of samples that are sent at a time (at least one row), so that neither side needs a second
copy of the picture. This is the capacity of a pipe."""

TIMEOUT = 10
TIMEOUT_PER_MEGAPIXEL = 5
TIMEOUT_PER_MEGABYTE = 0.1
"""Seconds, added up. The last applies to a file whose size in pixels is not known yet. The slowest
decoder needs about 0.2 s per megapixel, so only a hang exceeds the limit. Time in which the
processes are suspended does not count (lbic/system/deadline.py)."""

START_TIMEOUT = 120
"""Seconds for a worker to import its libraries, which may lie on a slow network disk."""

MEMORY = 1_000_000_000
MEMORY_PER_PIXEL = 64
MEMORY_PER_BYTE = 4
"""The most bytes of memory that a worker may use, added up; the last per byte of the stream or
file. The interpreter and the libraries take 0.1 GB, more where a library starts many threads. One
pixel takes 18 (JPEG) to 29 bytes (VVC, WebP) to decode, float planes included, and 12 (PNG) to 56
(floating-point TIFF) to read. The largest picture that lbic accepts fits as well."""


def band_rows(mode: str, width: int) -> int:
    """Return the number of rows in one band of a picture of mode L or RGB."""
    return max(1, BAND // (width * len(mode)))
