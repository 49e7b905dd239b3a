"""The table in docs/pictures.md: compressing each picture gives the stated result."""

from __future__ import annotations

import io
import re
import shlex
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import lbic, records
from filemaker import LINEAR, icc, tiff
from helpers import gray, photo, png16, png_of, profile, ramp, written
from PIL import Image

from lbic import api
from lbic.errors import ExitCode
from lbic.picture.load import with_alpha

PAGE = Path(__file__).parents[1] / "docs" / "pictures.md"
FILES = Path(__file__).parent / "pictures"
ORIENTATION = 0x0112


@dataclass(frozen=True)
class Row:
    """A row of the table: the picture's name, the options in it, and the stated result."""

    name: str
    options: tuple[str, ...]
    coded: str
    alpha: str
    said: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join([self.name, *self.options])


def rows() -> list[Row]:
    table = re.findall(r"^\| (.*?) \| (gray|colour|refused) \| (.*?)\| (.*?)\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    found = []
    for title, coded, alpha, said in table:
        name, _, options = title.partition(", `")
        found.append(Row(name, tuple(shlex.split(options.strip("`"))), coded, alpha.strip(), phrases(said)))
    return found


def phrases(cell: str) -> tuple[str, ...]:
    """Return the quoted phrases of a cell: parts of one note each, or of the error."""
    return tuple(re.findall(r"`(.*?)`", cell))


def photos(name: str) -> bytes:
    """Return an animation of three frames."""
    frames = [photo(16, 16, seed) for seed in (1, 2, 3)]
    return written(frames[0], name, save_all=True, append_images=frames[1:])


def swapped() -> bytes:
    """Return sRGB's profile with another name and with red and green swapped."""
    data = profile("sRGB").replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")
    name, other = ("sRGB built-in".encode("utf-16-be"), "Swapped".ljust(13, "\0").encode("utf-16-be"))
    assert name in data
    return data.replace(name, other)


def huge() -> bytes:
    data = bytearray(png16(1, 1))
    data[16:24] = 2 * (60_000).to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def turned() -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return written(photo(24, 16), "JPEG", exif=exif)


def optional(package: str) -> bytes:
    """Return a picture in the format of another package, or nothing without it."""
    if find_spec(package) is None:
        return b""
    module, out = import_module(package), io.BytesIO()
    if package == "pillow_jxl":
        return written(photo(16, 16), "JXL")
    module.from_pillow(photo(16, 16)).save(out, quality=90)
    return out.getvalue()


def deep_ppm() -> bytes:
    levels = np.asarray(photo(16, 16)).astype(">u2") * 257
    return b"P6 16 16 65535\n" + levels.tobytes()


GAIN_MAP = b'<x xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>'
CASES = (
    "PNG, BT.2020 PQ by cICP",
    "PNG, Adobe RGB by gAMA and cHRM",
    "JPEG, Adobe RGB by EXIF",
    "AVIF, Display P3 by nclx",
    "10-bit AVIF, BT.2020 PQ by nclx",
    "TIFF with a thumbnail as its second page",
    "BMP whose alpha is 0 everywhere",
    "JPEG without its end marker",
    "PNG with a damaged text chunk",
)
NEEDED = {"tifffile": ("floating-point RGB TIFF",), "pillow_heif": ("HEIC",), "pillow_jxl": ("JPEG XL",)}
"""The packages of extras that a row needs."""
RGBA = with_alpha(photo(16, 16), ramp(16, 16))
LA = with_alpha(gray(16, 16), ramp(16, 16))

MAKERS: dict[str, Callable[[], bytes]] = {
    "gray": lambda: written(gray(16, 16), "PNG"),
    "gray with alpha": lambda: written(LA, "PNG"),
    "1 bit": lambda: written(gray(16, 16).convert("1"), "PNG"),
    "palette": lambda: written(photo(16, 16).quantize(16), "PNG"),
    "palette of grays": lambda: written(gray(16, 16), "GIF"),
    "palette of grays, another ICC profile": lambda: written(gray(16, 16).convert("P"), "PNG", icc_profile=swapped()),
    "palette with a clear colour": lambda: written(photo(16, 16).quantize(16), "PNG", transparency=3),
    "RGB": lambda: written(photo(16, 16), "PNG"),
    "RGB with one clear colour": lambda: written(Image.new("RGB", (16, 16), "red"), "PNG", transparency=(255, 0, 0)),
    "RGBA": lambda: written(RGBA, "PNG"),
    "RGBA, opaque everywhere": lambda: written(photo(16, 16).convert("RGBA"), "PNG"),
    "16-bit gray PNG": lambda: written(Image.fromarray(np.asarray(gray(16, 16)).astype(np.uint16) * 257), "PNG"),
    "16-bit RGB PNG": lambda: png16(16, 16),
    "16-bit PPM": deep_ppm,
    "16-bit JPEG 2000, JP2 file": FILES.joinpath("16-bit.jp2").read_bytes,
    "16-bit JPEG 2000, codestream": FILES.joinpath("16-bit.j2k").read_bytes,
    "10-bit AVIF": FILES.joinpath("10-bit.avif").read_bytes,
    "floating-point gray TIFF": lambda: written(Image.fromarray(np.float32(np.asarray(gray(16, 16)) / 255)), "TIFF"),
    "floating-point RGB TIFF": lambda: tiff((np.asarray(photo(16, 16)) / 255).astype(np.float32)),
    "TIFF of signed samples": FILES.joinpath("tiff-int8-signed.tif").read_bytes,
    "TIFF with a thumbnail as its second page": FILES.joinpath("tiff-page2-is-thumbnail.tif").read_bytes,
    "a DNG raw file": lambda: written(photo(16, 16), "TIFF", tiffinfo={50_706: b"\1\4\0\0"}),
    "floating-point gray TIFF up to 50": lambda: written(Image.new("F", (16, 16), 50.0), "TIFF"),
    "32-bit integers": lambda: written(Image.new("I", (16, 16), 1 << 20), "TIFF"),
    "CMYK JPEG": lambda: written(photo(16, 16).convert("CMYK"), "JPEG"),
    "CMYK TIFF": lambda: written(photo(16, 16).convert("CMYK"), "TIFF"),
    "sRGB profile": lambda: written(photo(16, 16), "PNG", icc_profile=profile("sRGB")),
    "another ICC profile": lambda: written(photo(16, 16), "PNG", icc_profile=swapped()),
    "damaged ICC profile": lambda: written(photo(16, 16), "PNG", icc_profile=b"no profile" * 30),
    "16-bit RGB TIFF, linear ICC profile": lambda: tiff(np.full((16, 16, 3), 900, np.uint16), profile=icc(LINEAR)),
    "PNG, Display P3 by cICP": lambda: png_of(np.asarray(photo(16, 16)), [(b"cICP", bytes([12, 13, 0, 1]))]),
    "PNG, BT.2020 PQ by cICP": FILES.joinpath("cicp-pq2020.png").read_bytes,
    "PNG, BT.2020 HLG by cICP": lambda: png_of(np.asarray(photo(16, 16)), [(b"cICP", bytes([9, 18, 0, 1]))]),
    "PNG, linear by gAMA": lambda: png_of(np.asarray(gray(16, 16)), [(b"gAMA", (100_000).to_bytes(4, "big"))]),
    "PNG, Adobe RGB by gAMA and cHRM": FILES.joinpath("png-chrm-adobergb.png").read_bytes,
    "JPEG, Adobe RGB by EXIF": FILES.joinpath("jpeg-exif-adobergb-r03.jpg").read_bytes,
    "AVIF, Display P3 by nclx": FILES.joinpath("avif-nclx-p3.avif").read_bytes,
    "10-bit AVIF, BT.2020 PQ by nclx": FILES.joinpath("avif-nclx-pq-10bit.avif").read_bytes,
    "16-bit RGB PNG with one clear colour": FILES.joinpath("png-16bit-rgb-trns.png").read_bytes,
    "a phone's JPEG with a gain map": lambda: (
        written(photo(16, 16), "JPEG", xmp=GAIN_MAP) + written(photo(8, 8), "JPEG")
    ),
    "a phone's motion photo": FILES.joinpath("jpeg-motionphoto-xmp.jpg").read_bytes,
    "EXIF orientation 6 (a phone held upright)": turned,
    "a phone's JPEG with a preview in it (MPO)": lambda: written(
        photo(32, 24), "MPO", save_all=True, append_images=[photo(16, 12)]
    ),
    "1x1": lambda: written(photo(1, 1), "PNG"),
    "1x5000": lambda: written(photo(1, 5000), "PNG"),
    "5000x1": lambda: written(photo(5000, 1), "PNG"),
    "65535x1": lambda: written(photo(65_535, 1), "PNG"),
    "65536x1": lambda: written(Image.new("RGB", (65_536, 1)), "PNG"),
    "a PNG that says 60000x60000": huge,
    "its first 24 bytes": lambda: huge()[:24],
    "16x16": lambda: written(photo(16, 16), "PNG"),
    "animated GIF": lambda: photos("GIF"),
    "animated PNG": lambda: photos("PNG"),
    "animated WebP": lambda: photos("WEBP"),
    "animated AVIF": lambda: photos("AVIF"),
    "TIFF of several pages": lambda: photos("TIFF"),
    "half a PNG": lambda: written(photo(16, 16), "PNG")[:200],
    "HEIC": lambda: optional("pillow_heif"),
    "JPEG XL": lambda: optional("pillow_jxl"),
    "BMP whose alpha is 0 everywhere": FILES.joinpath("bmp-v5-alpha-all-zero.bmp").read_bytes,
    "JPEG without its end marker": FILES.joinpath("jpeg-no-eoi.jpg").read_bytes,
    "JPEG whose end comes too early": lambda: written(photo(16, 16), "JPEG")[:-40] + b"\xff\xd9",
    "PNG with a damaged text chunk": FILES.joinpath("png-bad-crc-in-text.png").read_bytes,
    "12-bit JPEG": FILES.joinpath("jpeg-12bit.jpg").read_bytes,
    "an SVG drawing": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a Photoshop file": lambda: b"8BPS\0\1",
    "a video": lambda: b"\0\0\0\x18ftypmp42",
    "a text": lambda: b"some words",
    "an empty file": lambda: b"",
}
SIZES = {
    **dict.fromkeys(CASES, (96, 64)),
    "a phone's motion photo": (64, 96),
    "EXIF orientation 6 (a phone held upright)": (16, 24),
    "a phone's JPEG with a preview in it (MPO)": (32, 24),
    **{name: tuple(int(side) for side in name.split("x")) for name in MAKERS if re.fullmatch(r"\d+x\d+", name)},
}
"""The size of the result, if it is not 16x16."""


def test_the_table_and_the_pictures_are_the_same() -> None:
    assert {row.name for row in rows()} == set(MAKERS)
    assert len(rows()) == PAGE.read_text("utf-8").count("\n| ") - 1, "every row was understood"


@pytest.mark.parametrize("row", rows(), ids=str)
def test_a_row(row: Row, tmp_path: Path, needs_vvc: None) -> None:
    for package in (package for package, names in NEEDED.items() if row.name in names):
        pytest.importorskip(package)
    source, target = tmp_path / "a.picture", tmp_path / "a.lbic"
    source.write_bytes(MAKERS[row.name]())
    options = ("--effort", 0, "--json", *row.options)
    if row.coded == "refused":
        (record,) = records(lbic("compress", *options, source, code=ExitCode.DAMAGED))
        assert row.said and row.said[0] in record["error"]["message"]
        assert not target.exists()
        return
    (record,) = records(lbic("compress", *options, source))
    assert len(record["notes"]) == len(row.said)
    assert all(phrase in note for phrase, note in zip(row.said, record["notes"], strict=True))
    data = target.read_bytes()
    header = api.info(data)
    assert header.gray == (row.coded == "gray")
    assert set(header.metadata) == ({1} if row.alpha == "kept" else {128} if "icc" in row.options else set())
    back = api.decompress(data, type=0)
    assert back.mode == {"gray": "L", "colour": "RGB"}[row.coded] + ("A" if row.alpha == "kept" else "")
    assert back.size == SIZES.get(row.name, (16, 16))
    if row.alpha == "kept":
        with Image.open(source) as original:
            if "16-bit" not in row.name:  # Pillow compares a clear colour in 8 bits
                assert back.getchannel("A").tobytes() == original.convert("RGBA").getchannel("A").tobytes()
