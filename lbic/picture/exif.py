"""EXIF and XMP: apply and remove the orientation, and select what a TIFF file can store."""

from __future__ import annotations

import re

from PIL import Image

from lbic.errors import printable
from lbic.picture.companions import without_companions

_ORIENTATION, _TIFF_XMP = 0x0112, 700
_EXIF_IFD, _INTEROP_IFD = 0x8769, 0xA005
_COLOUR_SPACE, _GAMMA, _INTEROP_INDEX, _SRGB = 0xA001, 0xA500, 0x0001, 1
_WHITE, _PRIMARIES, _TRANSFER = 0x013E, 0x013F, 0x012D
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that sets each orientation upright (EXIF 2.32, 4.6.4.A)."""
_XMP_ORIENTATIONS = rb'\s?tiff:Orientation="[0-9]"', rb"<tiff:Orientation>[0-9]</tiff:Orientation>"
"""The two forms that Pillow recognises."""
_TEXT_TAGS = 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298
"""Description, camera maker and model, software, time, artist, host, copyright: text that does not
depend on how the samples are stored."""


def upright(source: Image.Image, notes: list[str]) -> tuple[Image.Image, bytes | None, bytes | None]:
    """Return an upright copy of a picture, and its EXIF and XMP without the orientation.

    XMP also loses the properties of what the picture comes without (companions.py).

    EXIF is None for a TIFF file whose tags are only its structure. Metadata that cannot be read
    does not turn the picture; damaged EXIF is dropped with a note, and the XMP stays unchanged.
    """
    source.load()
    xmp = source.info.get("xmp")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    elif not isinstance(xmp, bytes):  # in a TIFF file it may be a number
        xmp = None
    try:
        image = _turned(source)
    except Exception as error:  # damaged EXIF raises almost any exception
        notes.append(f"the EXIF block is damaged and was ignored: {printable(str(error))}")
        return source.copy(), None, xmp
    return image, _block(source, image, notes), without_companions(without_orientation(xmp)) if xmp else None


def _block(source: Image.Image, image: Image.Image, notes: list[str]) -> bytes | None:
    if source.format == "TIFF" and not source.info.get("exif"):
        return None
    try:
        exif = image.getexif()
        exif.pop(_ORIENTATION, None)
        return exif.tobytes() if len(exif) else None
    except Exception as error:  # one tag with a value of the wrong type is enough
        notes.append(f"the EXIF block is damaged and was left out: {printable(str(error))}")
        return None


def _turned(source: Image.Image) -> Image.Image:
    turn = _TURNS.get(source.getexif().get(_ORIENTATION, 1))
    return source.copy() if turn is None else source.transpose(turn)


def without_orientation(xmp: bytes) -> bytes:
    """Return an XMP packet without its orientation."""
    for pattern in _XMP_ORIENTATIONS:
        xmp = re.sub(pattern, b"", xmp)
    return xmp


def as_srgb(block: bytes) -> bytes:
    """Return an EXIF block that states sRGB, for a picture that was converted to it.

    A block without a colour space, and a damaged one, is returned unchanged.
    """
    try:
        tags = Image.Exif()
        tags.load(block)
        details = tags.get_ifd(_EXIF_IFD) if _EXIF_IFD in tags else {}
        if details.get(_COLOUR_SPACE, _SRGB) != _SRGB:
            details[_COLOUR_SPACE] = _SRGB
        if _INTEROP_IFD in details and _INTEROP_INDEX in (related := tags.get_ifd(_INTEROP_IFD)):
            related[_INTEROP_INDEX] = "R98"
        details.pop(_GAMMA, None)
        for tag in (_WHITE, _PRIMARIES, _TRANSFER):
            tags.pop(tag, None)
        return tags.tobytes()
    except Exception:  # damaged EXIF raises almost any exception
        return block


def set_upright(block: bytes) -> bytes:
    """Return an EXIF block that turns no picture, for files whose decoder turns it already."""
    try:
        tags = Image.Exif()
        tags.load(block)
        if tags.get(_ORIENTATION, 1) == 1:
            return block
        tags[_ORIENTATION] = 1
        return tags.tobytes()
    except Exception:  # damaged EXIF raises almost any exception; upright() has a note on it
        return block


def tiff_tags(exif: bytes | None, xmp: bytes | None, notes: list[str]) -> Image.Exif:
    """Return the tags of a TIFF file for an EXIF and an XMP block; ``notes`` gets what is lost.

    An EXIF block is the structure of a TIFF file, with its own sizes and offsets. Only its text
    tags are valid in another file.
    """
    tags = Image.Exif()
    if exif:
        try:
            block = Image.Exif()
            block.load(exif)
            text = {tag: block[tag] for tag in _TEXT_TAGS if isinstance(block.get(tag), str)}
            if set(block) - set(text):
                notes.append("only the text of exif was kept: .tif files have their own structure")
            tags.update(text)
        except Exception as error:  # damaged EXIF raises almost any exception
            notes.append(f"the EXIF block is damaged and was left out: {printable(str(error))}")
    if xmp:
        tags[_TIFF_XMP] = xmp
    return tags
