"""Whether a picture file has more than 8 bits a sample where the image that Pillow makes of it does not tell."""

from __future__ import annotations

from PIL import Image

_AV1_CONFIGURATION = b"av1C"
_AV1_DEEP = 0x40  # high_bitdepth, in the third byte of the box (AV1-ISOBMFF, section 2.3.3): 10 or 12 bits
_JPEG2000_SIZE = b"\xff\x4f\xff\x51"  # SOC and SIZ
_JPEG2000_DEPTHS = 40  # from SOC to the number of components, 3 bytes each after it (T.800, A.5.1)


def is_deep(image: Image.Image, data: bytes) -> bool:
    """Tell files of more than 8 bits that Pillow opens as 8; ``image`` is opened and not yet loaded."""
    if image.mode[0] in "IF":
        return False  # the mode tells
    if image.format == "AVIF":
        return _avif(data)
    if image.format == "JPEG2000":
        return _jpeg2000(data)
    return _by_tile(image)


def _avif(data: bytes) -> bool:
    at = data.find(_AV1_CONFIGURATION) + len(_AV1_CONFIGURATION) + 2
    return bool(data[at : at + 1]) and bool(data[at] & _AV1_DEEP)


def _jpeg2000(data: bytes) -> bool:
    """By the first codestream's SIZ segment; the top bit of a depth tells signed samples, the rest is depth - 1."""
    at = data.find(_JPEG2000_SIZE) + _JPEG2000_DEPTHS
    count = int.from_bytes(data[at : at + 2], "big")
    return any(depth & 0x7F >= 8 for depth in data[at + 2 : at + 2 + 3 * count : 3])


def _by_tile(image: Image.Image) -> bool:
    """How the first tile is coded: the only trace that Pillow leaves of a PNG's, TIFF's or PPM's depth."""
    tiles = getattr(image, "tile", None)
    if not tiles:
        return False
    values = tiles[0].args if isinstance(tiles[0].args, tuple) else (tiles[0].args,)
    if tiles[0].codec_name == "ppm":
        return isinstance(values[-1], int) and values[-1] > 255  # PPM's own largest level
    return bool(values) and isinstance(values[0], str) and "16" in values[0]
