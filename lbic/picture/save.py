"""Picture files out: the formats that lbic writes, and what each has room for."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, PngImagePlugin

from lbic.errors import UsageError, printable
from lbic.picture.exif import tiff_tags
from lbic.picture.load import apply_profile

WRITERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"lossless": True, "quality": 75, "exact": True}),
    ".tif": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ".tiff": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ".bmp": ("BMP", {}),
    ".ppm": ("PPM", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": "4:4:4"}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": "4:4:4"}),
}
"""Pillow's name and options for each suffix; all lossless but JPEG."""

_WITHOUT_ALPHA = (".ppm", ".jpg", ".jpeg", ".bmp")
_WITHOUT_METADATA = (".ppm", ".bmp")
_MOST_IN_JPEG = 65_504
"""Bytes of EXIF or XMP that one segment has room for: its length has two bytes, and XMP begins with its name."""


def encode(
    image: Image.Image,
    suffix: str,
    *,
    icc: bytes | None = None,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    notes: list[str] | None = None,
) -> bytes:
    """Write a Pillow image (L, RGB, LA or RGBA) as the format that a suffix names; add to ``notes`` what was lost.

    Where the format has no room for an ICC profile, the picture is converted to sRGB. Raises UsageError for an unknown
    suffix, and for a format that has no room for the picture or its alpha.
    """
    try:
        name, options = WRITERS[suffix.lower()]
    except KeyError:
        raise UsageError(f"cannot write {suffix or 'a file without a suffix'}; known: {' '.join(WRITERS)}") from None
    if image.mode in ("LA", "RGBA"):
        check_alpha(suffix)
    notes = [] if notes is None else notes
    if suffix.lower() in _WITHOUT_METADATA:
        if icc:
            image, icc = apply_profile(image, icc, notes, keep=False)
        notes += [
            f"left {what} behind: {suffix} files have none" for what, data in (("exif", exif), ("xmp", xmp)) if data
        ]
        extra = {}
    else:
        extra = _metadata_options(name, icc, exif, xmp, notes)
    out = io.BytesIO()
    try:
        image.save(out, name, **options, **extra)
    except MemoryError:
        raise
    except Exception as error:  # WebP's sides, JPEG's sides; odd metadata raises anything
        raise UsageError(f"the picture cannot be a {suffix} file: {printable(str(error))}") from error
    return out.getvalue()


def check_alpha(suffix: str) -> None:
    """Raise UsageError when the format that a suffix names has no room for alpha."""
    if suffix.lower() in _WITHOUT_ALPHA:
        raise UsageError(f"the picture has alpha and {suffix} files have none; choose .png, .webp or .tif")


def _metadata_options(
    name: str, icc: bytes | None, exif: bytes | None, xmp: bytes | None, notes: list[str]
) -> dict[str, Any]:
    """The metadata as options of Pillow's save; PNG and TIFF drop XMP silently unless it comes in their own ways."""
    options: dict[str, Any] = {"icc_profile": icc, "exif": exif, "xmp": xmp}
    if name == "JPEG":
        for what in ("exif", "xmp"):
            if len(options[what] or b"") > _MOST_IN_JPEG:
                options[what] = None
                notes.append(
                    f"left {what} behind: longer than the {_MOST_IN_JPEG:,} bytes that JPEG files have room for"
                )
    if xmp and name == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp)
    if name == "TIFF":
        options["exif"] = tiff_tags(exif, xmp, notes)
    return {key: value for key, value in options.items() if value is not None}
