"""Gain maps and videos beside a picture: a note names them, and XMP forgets them."""

from __future__ import annotations

import io
import struct

import pytest
from helpers import photo, written
from PIL import Image
from test_pictures import FILES

from lbic.picture import jpeg
from lbic.picture.companions import without_companions
from lbic.picture.load import load

GAIN_MAP, VIDEO = "the HDR gain map in the file was left out", "the video in the file was left out"
HDRGM = b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
CAMERA = b'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
CONTAINER = (
    b'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    b'xmlns:Item="http://ns.google.com/photos/1.0/container/item/"'
)


def jpeg_with(xmp: bytes, *rest: bytes) -> bytes:
    """Return a JPEG file with an XMP packet and more after its end."""
    return written(photo(16, 8), "JPEG", xmp=xmp) + b"".join(rest)


def second(xmp: bytes = b"") -> bytes:
    return written(photo(8, 4), "JPEG", **({"xmp": xmp} if xmp else {}))


MP4 = b"\0\0\0\x18ftypmp42" + bytes(40)


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (jpeg_with(b'<x hdrgm:Version="1.0" ' + HDRGM + b"/>", second()), (GAIN_MAP,)),
        (jpeg_with(b"<x/>", second(b"urn:com:apple:photo:2020:aux:hdrgainmap")), (GAIN_MAP,)),
        (jpeg_with(b"<x/>", second(b"<x xmlns:HDRGainMap='http://ns.apple.com/HDRGainMap/1.0/'/>")), (GAIN_MAP,)),
        (jpeg_with(b"urn:iso:std:iso:ts:21496:-1", second()), (GAIN_MAP,)),
        (jpeg_with(b"<x " + HDRGM + b"/>", second(), MP4), (GAIN_MAP, VIDEO)),
        (jpeg_with(b"<x/>", MP4), (VIDEO,)),
        (jpeg_with(b"<x/>", second()), ()),  # a preview
        (jpeg_with(b"<x " + HDRGM + b"/>"), ()),  # the map was removed before
        (jpeg_with(b"<x/>", b"anything"), ()),
    ],
)
def test_what_a_jpeg_has_beside_the_picture(data: bytes, notes: tuple[str, ...]) -> None:
    assert load(data).notes == notes


def test_further_views_of_a_3d_camera() -> None:
    data = written(photo(32, 24), "MPO", save_all=True, append_images=[photo(32, 24, 2)])
    with Image.open(io.BytesIO(data)) as image:
        entry = image.mpinfo[0xB002][1]  # type: ignore[attr-defined]
    plain = struct.pack("<LLLHH", 0, entry["Size"], entry["DataOffset"], 0, 0)
    assert data.count(plain) == 1 and load(data).notes == (), "a preview"
    disparity = struct.pack("<L", 0x020002) + plain[4:]
    assert load(data.replace(plain, disparity)).notes == ("1 more view in the file left out",)


def test_a_motion_photo() -> None:
    picture = load((FILES / "jpeg-motionphoto-xmp.jpg").read_bytes())
    assert picture.notes == (VIDEO,)
    assert picture.xmp is not None and b"rdf:Description" in picture.xmp
    assert not any(name in picture.xmp for name in (b"hdrgm", b"GCamera"))


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def with_items(data: bytes, extra: bytes) -> bytes:
    """Return an AVIF file whose box meta ends with another property; offsets are repaired."""
    at = data.index(b"meta") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    iloc = data.index(b"iloc")
    item = data.index(b"mdat") + 4
    old, new = item.to_bytes(4, "big"), (item + len(extra)).to_bytes(4, "big")
    assert data[iloc:item].count(old) == 1
    moved = data[:iloc] + data[iloc:].replace(old, new, 1)
    return moved[:at] + (size + len(extra)).to_bytes(4, "big") + moved[at + 4 : at + size] + extra + moved[at + size :]


@pytest.mark.parametrize(
    ("extra", "notes"),
    [
        (box(b"free", b"urn:com:apple:photo:2020:aux:hdrgainmap\0"), (GAIN_MAP,)),
        (box(b"free", b"anything"), ()),
    ],
)
def test_a_gain_map_in_an_avif(extra: bytes, notes: tuple[str, ...]) -> None:
    data = written(photo(16, 8), "AVIF")
    assert load(with_items(data, extra)).notes == notes
    assert load(with_items(data, extra) + box(b"mpvd", MP4)).notes == (*notes, VIDEO)


@pytest.mark.parametrize(
    ("xmp", "rest"),
    [
        (b"<x " + HDRGM + b' hdrgm:Version="1.0" a:b="c"/>', b'<x a:b="c"/>'),
        (b"<x " + HDRGM + b"><hdrgm:GainMapMax><y/></hdrgm:GainMapMax><z/></x>", b"<x><z/></x>"),
        (b"<x " + CAMERA + b" GCamera:MotionPhoto='1' GCamera:Lens='2'/>", b"<x " + CAMERA + b" GCamera:Lens='2'/>"),
        (b"<x " + CAMERA + b"><GCamera:MicroVideo>1</GCamera:MicroVideo></x>", b"<x></x>"),
        (b"<x " + CAMERA + b"><GCamera:MotionPhoto/></x>", b"<x></x>"),
        (
            b"<x " + CONTAINER + b'><Container:Directory><y Item:Mime="video/mp4"/></Container:Directory></x>',
            b"<x></x>",
        ),
        (b"<x xmlns:n='http://ns.adobe.com/xmp/note/' n:HasExtendedXMP='AB'/>", b"<x/>"),
        (b"<x " + HDRGM + b"><hdrgm:Open></x>", b"<x " + HDRGM + b"><hdrgm:Open></x>"),
        (b'<x hdrgm:Version="1.0"/>', b'<x hdrgm:Version="1.0"/>'),
        (b"<x/>", b"<x/>"),
    ],
)
def test_xmp_forgets_what_is_not_there(xmp: bytes, rest: bytes) -> None:
    assert without_companions(xmp) == rest


def test_the_structure_of_a_jpeg() -> None:
    data = written(photo(16, 8), "JPEG")
    markers = jpeg.structure(data + b"more")
    assert markers is not None
    assert (markers.end, markers.precision, markers.process, len(markers.scans)) == (len(data), 8, 0xC0, 1)
    progressive = jpeg.structure(written(photo(16, 8), "JPEG", progressive=True))
    assert progressive is not None and progressive.process == 0xC2 and len(progressive.scans) > 3
    cut = jpeg.structure(data[:-2])
    assert cut is not None and cut.end is None and len(cut.scans) == 1
    assert jpeg.structure(b"RIFF") is None
    for length in range(len(data)):
        part = jpeg.structure(data[:length])
        assert part is None or part.end is None


def test_a_picture_with_an_orientation_in_its_xmp_alone() -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6" ' + HDRGM + b' hdrgm:Version="1.0"/></x:xmpmeta>'
    picture = load(written(Image.new("RGB", (8, 4)), "JPEG", xmp=xmp))
    assert picture.image.size == (4, 8)
    assert picture.xmp == b"<x:xmpmeta><rdf:Description/></x:xmpmeta>"
