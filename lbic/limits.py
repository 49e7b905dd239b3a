"""The largest things lbic agrees to handle, each with its argument.

They are checked on headers, before anything of the stated size is allocated.
"""

MAX_SIDE = 65_535
"""Pixels: JPEG's own limit (16 bits in SOF); VVC encoders stop earlier and say so."""

MAX_PIXELS = 400_000_000
"""Pixels of one picture. Float planes of such a picture take 4.8 GB; more is a mistake or an attack."""

MAX_METADATA = 64 << 20
"""Bytes of one metadata item once decoded. Profiles and EXIF blocks stay below 16 MB; alpha has its own
bound, width times height."""
