"""The file name suffixes of pictures."""

from __future__ import annotations

PICTURES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".j2c", ".jpc", ".jpx"}
)
"""The suffixes, in lower case, of files that count as pictures when a folder is searched. A file
that the user names may have any suffix."""
