"""Companions of a picture in its file: gain maps, videos, further views. lbic leaves them out."""

from __future__ import annotations

import re
from typing import Any

from PIL import Image

from lbic.picture import boxes
from lbic.picture.jpeg import SOI, structure

_GAIN_MAPS = b"http://ns.adobe.com/hdr-gain-map/1.0/", b"http://ns.apple.com/HDRGainMap/1.0/", *boxes.GAIN_MAPS
"""What a JPEG file with a gain map contains: XMP of Ultra HDR or Apple, or ISO 21496-1's name."""
_JXL = b"\0\0\0\x0cJXL "
_ABSENT = {
    b"http://ns.adobe.com/hdr-gain-map/1.0/": rb"[\w.-]+",
    b"http://ns.apple.com/HDRGainMap/1.0/": rb"[\w.-]+",
    b"http://ns.google.com/photos/1.0/container/": rb"[\w.-]+",
    b"http://ns.google.com/photos/1.0/container/item/": rb"[\w.-]+",
    b"http://ns.google.com/photos/1.0/camera/": rb"(?:Motion|MicroVideo)[\w.-]*",
    b"http://ns.adobe.com/xmp/note/": rb"HasExtendedXMP",
}
"""Names of XMP properties, by namespace, that describe what a picture alone does not have: the
gain map, the video, the list of both, and a second XMP packet."""


_ENTRIES = 0xB002
"""The tag MPEntry (CIPA DC-007, 5.2.3)."""


def _more_views(image: Image.Image) -> list[str]:
    """Return a note on the further views in a JPEG file of several (MPO), as 3D cameras write."""
    index: Any = getattr(image, "mpinfo", None) or {}
    kinds = [str(entry.get("Attribute", {}).get("MPType", "")) for entry in index.get(_ENTRIES, ())[1:]]
    count = sum(kind.startswith("Multi-Frame") for kind in kinds)
    return [f"{count} more view{'s' if count > 1 else ''} in the file left out"] if count else []


def notes(image: Image.Image, data: bytes) -> list[str]:
    """Return a note on each companion of a picture in its file."""
    if image.format in ("JPEG", "MPO"):
        markers = structure(data)
        end = markers.end if markers and markers.end else len(data)
        second = data.find(SOI + b"\xff", end) >= 0
        gain_map = second and any(name in data for name in _GAIN_MAPS)
        video = data.find(b"ftyp", end) >= 0
    elif image.format in ("AVIF", "HEIF"):
        gain_map = boxes.has_gain_map(data)
        video = any(kind == b"mpvd" for kind, _, _ in boxes.boxes(data))
    else:
        gain_map, video = False, False
    if data.startswith(_JXL):  # which may hold a JPEG
        gain_map = any(kind == b"jhgm" for kind, _, _ in boxes.boxes(data))
    left_out = [name for name, is_there in (("HDR gain map", gain_map), ("video", video)) if is_there]
    return [*(f"the {name} in the file was left out" for name in left_out), *_more_views(image)]


def without_companions(xmp: bytes) -> bytes:
    """Return an XMP packet without the properties of gain maps and videos, which are absent."""
    for space, names in _ABSENT.items():
        declaration = rb"\sxmlns:([\w.-]+)\s?=\s?([\"'])" + re.escape(space) + rb"\2"
        for prefix in {prefix for prefix, _ in re.findall(declaration, xmp)}:
            xmp = _without_elements(xmp, re.escape(prefix), names)
            xmp = re.sub(rb"\s" + re.escape(prefix) + rb":" + names + rb"\s?=\s?(\"[^\"]*\"|'[^']*')", b"", xmp)
            if not re.search(rb"[\s</]" + re.escape(prefix) + rb":", xmp):
                xmp = re.sub(rb"\sxmlns:" + re.escape(prefix) + rb"\s?=\s?(\"[^\"]*\"|'[^']*')", b"", xmp)
    return xmp


def _without_elements(xmp: bytes, prefix: bytes, names: bytes) -> bytes:
    """Return XML without the elements of these names; none contains another of its name."""
    parts, at = [], 0
    for tag in re.finditer(rb"<(" + prefix + rb":" + names + rb")(?:\s[^>]*)?/?>", xmp):
        if tag.start() < at:
            continue  # inside an element that was left out
        end = tag.end()
        if not tag[0].endswith(b"/>"):
            closing = b"</" + tag[1] + b">"
            end = xmp.find(closing, end) + len(closing)
            if end < tag.end():
                break
        parts.append(xmp[at : tag.start()])
        at = end
    return b"".join([*parts, xmp[at:]])
