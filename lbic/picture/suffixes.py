"""The file name suffixes of pictures."""

from __future__ import annotations

from importlib.util import find_spec

_WITH_EXTRAS = {"pillow_heif": {".heic", ".heif", ".hif"}, "pillow_jxl": {".jxl"}}
"""The suffixes that need a package."""
PICTURES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".j2c", ".jpc", ".jpx"}
).union(*(suffixes for package, suffixes in _WITH_EXTRAS.items() if find_spec(package)))
"""The suffixes, in lower case, of files that count as pictures when a folder is searched. A file
that the user names may have any suffix."""
