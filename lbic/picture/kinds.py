"""Name files that lbic does not read, and say what helps."""

from __future__ import annotations

import re

from lbic.picture.jpeg import structure
from lbic.picture.tiff import DEVELOP, is_tiff

_EXPORT = "export it as PNG or TIFF first"
_RENDER = "render it to PNG first"
_FRAME = "save one frame as a picture first"
_RAW = "a raw file of a camera ({})"

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xc1LBC", "a .lbic file, which is compressed already", ""),
    (b"8BPS", "a Photoshop file (PSD)", _EXPORT),
    (b"gimp xcf", "a GIMP file (XCF)", _EXPORT),
    (b"FUJIFILMCCD-RAW", _RAW.format("RAF"), DEVELOP),
    (b"IIU\0", _RAW.format("RW2"), DEVELOP),
    (b"IIRO", _RAW.format("ORF"), DEVELOP),
    (b"IIRS", _RAW.format("ORF"), DEVELOP),
    (b"MMOR", _RAW.format("ORF"), DEVELOP),
    (b"FOVb", _RAW.format("X3F"), DEVELOP),
    (b"\0MRM", _RAW.format("MRW"), DEVELOP),
    (b"%PDF", "a PDF document", _RENDER),
    (b"%!PS", "a PostScript document", _RENDER),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document", _RENDER),
    (b"v/1\x01", "an OpenEXR picture", _EXPORT),
    (b"#?RADIANCE", "a Radiance HDR picture", _EXPORT),
    (b"#?RGBE", "a Radiance HDR picture", _EXPORT),
    (b"PF\n", "a float colour PFM", _EXPORT),
    (b"P7\n", "a PAM picture", _EXPORT),
    (b"II\xbc", "a JPEG XR picture", _EXPORT),
    (b"qoif", "a QOI picture", _EXPORT),
    (b"DDS ", "a DDS texture", _EXPORT),
    (b"icns", "an Apple icon", _EXPORT),
    (b"\0\0\1\0", "a Windows icon", _EXPORT),
    (b"AT&TFORM", "a DjVu document", _RENDER),
    (b"SIMPLE  =", "a FITS file", _EXPORT),
    (b"\x1a\x45\xdf\xa3", "a video", _FRAME),
    (b"\x89PNG\r\n\x1a\n", "a damaged PNG file", ""),
    (b"GIF8", "a damaged GIF file", ""),
    (b"PK\3\4", "a ZIP archive", ""),
    (b"\x1f\x8b", "a gzip archive", ""),
)
"""First bytes, a name, and what helps."""
_BRANDS = {
    b"crx ": (_RAW.format("CR3"), DEVELOP),
    **dict.fromkeys((b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ", b"3gp4"), ("a video", _FRAME)),
}
"""Names by the major brand of an ISO file (ftyp)."""
_SVG = re.compile(rb"<svg[\s>:]", re.IGNORECASE)
_HTML = re.compile(rb"^\s*<(!doctype\s+html|html)", re.IGNORECASE)
_PROCESSES = {0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical", 0xF7: "JPEG-LS"}
_BEGIN = 4096
"""Bytes in which the root element of an SVG file or a page is looked for."""


def name(data: bytes) -> str | None:
    """Return a file's kind and what helps, for a sentence; None for a kind that lbic reads or does
    not know.
    """
    kind = _kind(data)
    return None if kind is None else "; ".join(part for part in kind if part)


def unread_jpeg(data: bytes) -> str | None:
    """Return the kind of a JPEG file that libjpeg does not decode, as ``name`` does; else None."""
    kind = _jpeg(data)
    return None if kind is None else "; ".join(kind)


def _kind(data: bytes) -> tuple[str, str] | None:
    for beginning, kind, help_text in _BEGINNINGS:
        if data.startswith(beginning):
            return kind, help_text
    if data[4:8] == b"ftyp" and data[8:12] in _BRANDS:
        return _BRANDS[data[8:12]]
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "a video", _FRAME
    if data[128:132] == b"DICM":
        return "a DICOM file", _EXPORT
    begin = data[:_BEGIN].removeprefix(b"\xef\xbb\xbf")
    if begin.lstrip()[:1] == b"<":
        if _HTML.search(begin):
            return "an HTML page", ""
        if _SVG.search(begin):
            return "an SVG drawing", _RENDER
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data) or ("a damaged JPEG file", "")
    if is_tiff(data):
        return "a TIFF file of a kind that lbic does not read", _EXPORT
    return None


def _jpeg(data: bytes) -> tuple[str, str] | None:
    markers = structure(data)
    if markers is None:
        return None
    if markers.process in _PROCESSES:
        return f"a {_PROCESSES[markers.process]} JPEG", "lbic reads baseline and progressive ones"
    if markers.precision != 8:
        return f"a {markers.precision}-bit JPEG", "lbic reads 8-bit ones"
    return None
