"""The largest inputs that lbic accepts and the reason for each limit (see docs/security.md).

lbic compares headers with these limits before it allocates memory of the claimed size.
"""

MAX_SIDE = 65_535
"""Pixels of the longer side: JPEG's own limit (16 bits in its frame header). VVC encoders stop
earlier, with an error that says so."""

MAX_PIXELS = 400_000_000
"""Pixels of one picture. Its float planes take 4.8 GB; a larger one is a mistake or an attack."""

JPEG_PIXELS_PER_BYTE = 512
"""The most pixels that one byte of a JPEG stream can code: a block of 8x8 pixels needs at least
one Huffman code, which has at least one bit. Without this check a file that is only a header makes
libjpeg fill the largest picture with gray, which takes half a minute and 7 GB."""

VVC_PIXELS_PER_BYTE = 131_072
"""The most pixels that one byte of a VVC stream can code: a coding tree unit has at most 128x128
pixels and needs at least one bit (some 50 bins of at least 0.02 bits each). A black picture coded
by libvvenc has 9,700."""

MAX_FILE = (1 << 31) - 1
"""Bytes of an input file. FFmpeg and libjpeg count a stream's bytes in signed 32 bits. A picture
of MAX_PIXELS in raw 8-bit RGB has 1.2 GB, so a longer file is a device, a film or an attack."""

MAX_METADATA = 64 << 20
"""Bytes of one decoded metadata item. ICC profiles and EXIF blocks stay below 16 MB. Alpha has a
limit of its own: width times height."""
