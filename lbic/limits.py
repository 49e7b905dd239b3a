"""The largest things lbic agrees to handle, each with its argument (docs/security.md tells the user).

They are checked on headers, before anything of the stated size is allocated.
"""

MAX_SIDE = 65_535
"""Pixels: JPEG's own limit (16 bits in SOF); VVC encoders stop earlier and say so."""

MAX_PIXELS = 400_000_000
"""Pixels of one picture. Float planes of such a picture take 4.8 GB; more is a mistake or an attack."""

JPEG_PIXELS_PER_BYTE = 512
"""At most: a Huffman code has a bit or more, and a block of 8x8 pixels at least one. Without this a header alone would
make libjpeg fill the largest picture with gray, in half a minute and seven gigabytes."""

VVC_PIXELS_PER_BYTE = 131_072
"""At most: one bit for a CTU, of 128x128 pixels or fewer, which has some fifty bins of 0.02 bits or more. libvvenc's
black pictures have 9,700."""

MAX_FILE = (1 << 31) - 1
"""Bytes of an input file. FFmpeg and libjpeg count a stream's bytes in signed 32 bits, and a picture of MAX_PIXELS
in raw 8-bit RGB is 1.2 GB: what is longer is no picture, but a device, a film or an attack."""

MAX_METADATA = 64 << 20
"""Bytes of one metadata item once decoded. Profiles and EXIF blocks stay below 16 MB; alpha has its own
bound, width times height."""
