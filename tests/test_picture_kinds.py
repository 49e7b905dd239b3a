"""Files that lbic does not read are named, with what helps."""

from __future__ import annotations

import gzip

import pytest
from helpers import photo, written
from test_pictures import FILES

from lbic.errors import ImageError
from lbic.picture import kinds
from lbic.picture.load import load

DEVELOP = "develop it to TIFF, PNG or JPEG first"
EXPORT = "export it as PNG or TIFF first"


def ftyp(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(12)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ((FILES / "jpeg-12bit.jpg").read_bytes(), "a 12-bit JPEG; lbic reads 8-bit ones"),
        (b"8BPS\0\1" + bytes(20), f"a Photoshop file (PSD); {EXPORT}"),
        (b"gimp xcf v011", f"a GIMP file (XCF); {EXPORT}"),
        (b"FUJIFILMCCD-RAW 0201", f"a raw file of a camera (RAF); {DEVELOP}"),
        (b"IIU\0" + bytes(20), f"a raw file of a camera (RW2); {DEVELOP}"),
        (b"IIRO" + bytes(20), f"a raw file of a camera (ORF); {DEVELOP}"),
        (ftyp(b"crx "), f"a raw file of a camera (CR3); {DEVELOP}"),
        (b"%PDF-1.7", "a PDF document; render it to PNG first"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript document; render it to PNG first"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing; render it to PNG first"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a -->\n<svg>", "an SVG drawing; render it to PNG first"),
        (b"<!DOCTYPE html><html><svg", "an HTML page"),
        (b"\n <!doctype HTML><html>", "an HTML page"),
        (b"v/1\x01\2\0\0\0", f"an OpenEXR picture; {EXPORT}"),
        (b"#?RADIANCE\n", f"a Radiance HDR picture; {EXPORT}"),
        (b"PF\n2 2\n-1.0\n" + bytes(48), f"a float colour PFM; {EXPORT}"),
        (ftyp(b"isom"), "a video; save one frame as a picture first"),
        (ftyp(b"qt  "), "a video; save one frame as a picture first"),
        (b"RIFF\0\0\0\0AVI LIST", "a video; save one frame as a picture first"),
        (b"\x1a\x45\xdf\xa3" + bytes(30), "a video; save one frame as a picture first"),
        (b"\xc1LBC\1\1", "a .lbic file, which is compressed already"),
        (bytes(128) + b"DICM", f"a DICOM file; {EXPORT}"),
        (b"PK\3\4" + bytes(30), "a ZIP archive"),
        (gzip.compress(b"<svg/>"), "a gzip archive"),
        (b"\xff\xd8\xff\xf7\0\x0b\x08\0\1\0\1\1\1\x11\0", "a JPEG-LS JPEG; lbic reads baseline and progressive ones"),
        (b"\xff\xd8\xff\xc3\0\x0b\x08\0\1\0\1\1\1\x11\0", "a lossless JPEG; lbic reads baseline and progressive ones"),
        (b"\xff\xd8\xff\xe0" + bytes(30), "a damaged JPEG file"),
        (b"GIF89a", "a damaged GIF file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_for_lbic_is_named(data: bytes, sentence: str) -> None:
    with pytest.raises(ImageError) as caught:
        load(data)
    assert str(caught.value) == sentence


def test_a_tiff_that_nothing_reads_is_named() -> None:
    data = written(photo(16, 8), "TIFF", tiffinfo={274: 1})
    tag = b"\x06\x01\x03\x00\x01\x00\x00\x00"
    assert data.count(tag) == 1
    at = data.index(tag) + len(tag)
    with pytest.raises(ImageError, match=r"a TIFF file of a kind that lbic does not read; export it"):
        load(data[:at] + (32_844).to_bytes(2, "little") + data[at + 2 :])  # CIELog2L


@pytest.mark.parametrize("data", [b"", b"not a picture at all", b"#define x_width 1\n", b"<x/>", b"BM", b"RIFF"])
def test_what_has_no_name(data: bytes) -> None:
    assert kinds.name(data) is None
