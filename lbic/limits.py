"""The largest things lbic agrees to handle, each with its argument (docs/security.md tells the user).

They are checked on headers, before anything of the stated size is allocated.
"""

MAX_SIDE = 65_535
"""Pixels: JPEG's own limit (16 bits in SOF); VVC encoders stop earlier and say so."""

MAX_PIXELS = 400_000_000
"""Pixels of one picture. Float planes of such a picture take 4.8 GB; more is a mistake or an attack."""

MAX_FILE = (1 << 31) - 1
"""Bytes of an input file. FFmpeg and libjpeg count a stream's bytes in signed 32 bits, and a picture of MAX_PIXELS
in raw 8-bit RGB is 1.2 GB: what is longer is no picture, but a device, a film or an attack."""

MAX_METADATA = 64 << 20
"""Bytes of one metadata item once decoded. Profiles and EXIF blocks stay below 16 MB; alpha has its own
bound, width times height."""
