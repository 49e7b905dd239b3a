"""Find what a file states about its colours other than by an ICC profile."""

from __future__ import annotations

import struct
from typing import Any

from PIL import ExifTags, Image

from lbic.picture import boxes, cicp, png
from lbic.picture.cicp import Stated
from lbic.picture.icc import high_range

_EXIF_IFD, _INTEROP_IFD = 0x8769, 0xA005
_COLOUR_SPACE, _GAMMA, _INTEROP_INDEX = 0xA001, 0xA500, 0x0001
_WHITE, _PRIMARIES, _TRANSFER = 0x013E, 0x013F, 0x012D
_SRGB, _ADOBE_RGB, _UNCALIBRATED = 1, 2, 65_535
"""Values of ColorSpace (EXIF 2.32, 4.6.5.A); 2 is not in the standard, but cameras write it."""
_ADOBE_GAMMA = 563 / 256
_TIFF_GAMMA = 2.2
"""The curve of a TIFF file with primaries and no TransferFunction (TIFF 6.0, section 20)."""

_BMP_V4, _BMP_V5 = 108, 124
_BMP_CALIBRATED, _BMP_EMBEDDED, _BMP_LINKED = 0, 0x4D424544, 0x4C494E4B


def in_image(image: Image.Image, notes: list[str]) -> Stated | None:
    """Return what a Pillow image's info and EXIF state; None for nothing or sRGB.

    An ICC profile goes before them, and is ignored if it is for high dynamic range: then its code
    points are returned. A PNG file's EXIF may be read only once it is loaded, since
    looking for it loads the file: call ``exif`` then.
    """
    if profile := image.info.get("icc_profile"):
        return high_range(profile, notes)
    nclx = image.info.get("nclx_profile")  # of pillow-heif's Pillow plugin
    if isinstance(nclx, dict):
        return cicp.from_numbers(nclx["color_primaries"], nclx["transfer_characteristics"], notes)
    stated = png.from_info(image.info, notes)
    return stated if stated or image.format == "PNG" else exif(image, notes)


def in_file(image: Image.Image, data: bytes, notes: list[str]) -> Stated | None:
    """Return what a file states; None for nothing or sRGB.

    A profile that Pillow does not read is added to the image's info. A PNG file's cICP removes the
    profile, which it overrides.
    """
    if image.format == "PNG":
        stated = png.cicp_chunk(data, notes)
        if stated is not None:
            image.info.pop("icc_profile", None)
            return stated
    profile: bytes | None = None
    stated = None
    if image.format in ("AVIF", "HEIF") and not image.info.get("icc_profile"):
        stated = boxes.nclx(data, notes)
        if image.format == "AVIF" and not any(kind == b"colr" for kind, _ in boxes.primary_properties(data)):
            from lbic.picture import ffmpeg

            stated = ffmpeg.avif_stated(data, notes)
    elif image.format == "JPEG2000":
        profile, stated = boxes.jp2_colours(data, notes)
    elif image.format == "BMP":
        profile, stated = _bmp(data, notes)
    if profile:
        image.info["icc_profile"] = profile
    return stated or in_image(image, notes)


def exif(image: Image.Image, notes: list[str]) -> Stated | None:
    """Return what EXIF, or a TIFF file's tags, state: Adobe RGB, or primaries; None for sRGB.

    An ICC profile and the PNG chunk sRGB go before them.
    """
    if image.info.get("icc_profile") or "srgb" in image.info:
        return None
    try:
        tags = _tags(image)
        details = tags.get_ifd(_EXIF_IFD)
        space = details.get(_COLOUR_SPACE)
        index = tags.get_ifd(_INTEROP_IFD).get(_INTEROP_INDEX)
        primaries = _chromaticities(tags)
        gamma = float(details[_GAMMA]) if _GAMMA in details else None
        table = tags.get(_TRANSFER)
    except Exception:  # damaged EXIF raises almost any exception; exif.upright has a note on it
        return None
    if space == _SRGB:
        return None
    if space == _ADOBE_RGB or str(index).startswith("R03"):
        return Stated(cicp.ADOBE_RGB, gamma=_ADOBE_GAMMA)
    if primaries and image.format == "TIFF":
        curve = _table(table, image)
        return Stated(primaries, gamma=None if curve else _TIFF_GAMMA, table=curve)
    if primaries:
        return Stated(primaries, gamma=gamma or _TIFF_GAMMA)
    if space == _UNCALIBRATED:
        notes.append("EXIF calls the colours uncalibrated and there is no profile; read as sRGB")
    return None


def _tags(image: Image.Image) -> Image.Exif:
    """Return an image's EXIF; raises almost any exception if it is damaged.

    Image.getexif would raise it only once: upright() has to meet it too.
    """
    if image.format == "TIFF":
        return image.getexif()
    tags = Image.Exif()
    tags.load(image.info.get("exif", b""))
    return tags


def _chromaticities(tags: Image.Exif) -> cicp.Chromaticities | None:
    """Return the tags PrimaryChromaticities and WhitePoint; None if missing or impossible."""
    points, white = tags.get(_PRIMARIES), tags.get(_WHITE, cicp.D65)
    if not isinstance(points, tuple) or not isinstance(white, tuple) or (len(points), len(white)) != (6, 2):
        return None
    values: Any = tuple(float(value) for value in (*points, *white))
    return values if cicp.is_valid(values) else None


def _table(values: object, image: Image.Image) -> tuple[int, ...] | None:
    """Return a TransferFunction's table of the first channel, or None if it has another length."""
    if not isinstance(values, tuple) or not all(isinstance(value, int) for value in values):
        return None
    bits = getattr(image, "tag_v2", {}).get(ExifTags.Base.BitsPerSample, (8,))[0]
    return values[: 1 << bits] if len(values) in (1 << bits, 3 << bits) else None


def _bmp(data: bytes, notes: list[str]) -> tuple[bytes | None, Stated | None]:
    """Return the profile in a BMP file (version 5), or the primaries and gamma (version 4)."""
    size, space = (int.from_bytes(data[at : at + 4], "little") for at in (14, 70))
    if size >= _BMP_V5 and space == _BMP_EMBEDDED:
        at, length = (int.from_bytes(data[at : at + 4], "little") for at in (126, 130))
        return data[14 + at : 14 + at + length] or None, None
    if size >= _BMP_V5 and space == _BMP_LINKED:
        notes.append("the ICC profile is in another file and was ignored")
    if size < _BMP_V4 or space != _BMP_CALIBRATED:
        return None, None
    ends = struct.unpack_from("<9i", data, 74)
    xyz = [ends[at : at + 3] for at in (0, 3, 6)]
    xyz.append(tuple(sum(values) for values in zip(*xyz, strict=True)))  # white
    if any(sum(point) <= 0 for point in xyz):
        return None, None  # most programs leave the fields empty
    points: Any = tuple(value / sum(point) for point in xyz for value in point[:2])
    gamma = int.from_bytes(data[114:118], "little") / 65_536  # green's
    if not cicp.is_valid(points):
        return None, None
    return None, Stated(points, gamma=gamma if 0.1 <= gamma <= 10 else _TIFF_GAMMA)
