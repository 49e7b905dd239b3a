"""EXIF and XMP blocks: how they have the picture turned, and what of them a file can hold."""

from __future__ import annotations

import re

from PIL import Image

from lbic.errors import printable

_ORIENTATION, _TIFF_XMP = 0x0112, 700
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What sets each orientation upright (EXIF 2.32, 4.6.4.A)."""
_XMP_ORIENTATIONS = rb'\s*tiff:Orientation="[0-9]"', rb"<tiff:Orientation>[0-9]</tiff:Orientation>"
"""As Pillow finds them."""
_WORDS = 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298
"""Description, camera's maker and model, software, time, artist, host, copyright: they say nothing of samples."""


def upright(source: Image.Image, notes: list[str]) -> tuple[Image.Image, bytes | None, bytes | None]:
    """A picture as its EXIF or XMP orients it, a copy, and its EXIF and XMP blocks without the orientation.

    A TIFF file's tags are its structure, not an EXIF block. What cannot be read turns nothing, and is left in the XMP.
    """
    source.load()
    xmp = source.info.get("xmp")
    xmp = xmp.encode() if isinstance(xmp, str) else xmp if isinstance(xmp, bytes) else None  # a TIFF's may be numbers
    try:
        image = _turned(source)
    except Exception as error:  # damaged EXIF raises almost anything
        notes.append(f"the EXIF block is damaged and was ignored: {printable(str(error))}")
        return source.copy(), None, xmp
    return image, _block(source, image, notes), _without_orientation(xmp) if xmp else None


def _block(source: Image.Image, image: Image.Image, notes: list[str]) -> bytes | None:
    if source.format == "TIFF" and not source.info.get("exif"):
        return None
    try:
        exif = image.getexif()
        exif.pop(_ORIENTATION, None)
        return exif.tobytes() if len(exif) else None
    except Exception as error:  # one tag whose value is not of its type is enough
        notes.append(f"the EXIF block is damaged and was left out: {printable(str(error))}")
        return None


def _turned(source: Image.Image) -> Image.Image:
    turn = _TURNS.get(source.getexif().get(_ORIENTATION, 1))
    return source.copy() if turn is None else source.transpose(turn)


def _without_orientation(xmp: bytes) -> bytes:
    for pattern in _XMP_ORIENTATIONS:
        xmp = re.sub(pattern, b"", xmp)
    return xmp


def tiff_tags(exif: bytes | None, xmp: bytes | None, notes: list[str]) -> Image.Exif:
    """What a TIFF file can hold of the two: a note tells what is left behind.

    An EXIF block is a TIFF file's structure, with its own sizes and offsets: only its words fit another one.
    """
    tags = Image.Exif()
    if exif:
        try:
            block = Image.Exif()
            block.load(exif)
            words = {tag: block[tag] for tag in _WORDS if isinstance(block.get(tag), str)}
            if set(block) - set(words):
                notes.append("left all of exif but its words behind: .tif files have their own structure")
            tags.update(words)
        except Exception as error:  # as in upright
            notes.append(f"the EXIF block is damaged and was left behind: {printable(str(error))}")
    if xmp:
        tags[_TIFF_XMP] = xmp
    return tags
