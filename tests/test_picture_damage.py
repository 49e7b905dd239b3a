"""Damage that costs no pixel is a note; damage that costs pixels is an error or has a note."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from helpers import gray, photo, png_of, ramp, written
from numpy.typing import NDArray
from PIL import Image
from test_pictures import FILES

from lbic.errors import ImageError
from lbic.picture import jpeg, png
from lbic.picture.load import from_pillow, load, with_alpha

NO_END = "the JPEG file has no end marker"
EARLY = "the JPEG file ends early: blocks of the picture are missing"


def samples(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(load(data).image)


# --- JPEG ----------------------------------------------------------------------------------------

KINDS = {
    "baseline": written(photo(40, 24), "JPEG"),
    "4:4:4": written(photo(40, 24), "JPEG", subsampling="4:4:4"),
    "gray": written(gray(40, 24), "JPEG"),
    "progressive": written(photo(40, 24), "JPEG", progressive=True),
    "restarts": written(photo(40, 24), "JPEG", restart_marker_blocks=2),
    "CMYK": written(photo(40, 24).convert("CMYK"), "JPEG"),
    "odd": written(photo(33, 17), "JPEG", quality=95),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rest", [b"", b"\xff", bytes(5)])
def test_a_jpeg_without_its_end_marker_is_read_with_a_note(kind: str, rest: bytes) -> None:
    data = KINDS[kind]
    whole, cut = load(data), load(data[:-2] + rest)
    assert cut.notes == (NO_END, *whole.notes)
    assert cut.image.tobytes() == whole.image.tobytes() and cut.luma_table == whole.luma_table


def test_another_programs_jpeg_without_its_end_marker() -> None:
    assert load((FILES / "jpeg-no-eoi.jpg").read_bytes()).notes == (NO_END,)


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_blocks_is_refused(kind: str) -> None:
    """Only the last byte or two of a scan may be without effect on the picture."""
    data = KINDS[kind]
    for length in range(200, len(data) - 4, 7):
        with pytest.raises(ImageError, match="damaged"):
            load(data[:length])


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_whose_end_came_too_early_has_a_note(kind: str) -> None:
    data = KINDS[kind]
    assert EARLY not in load(data).notes
    cut = data[: len(data) * 4 // 5].rstrip(b"\xff")
    if kind == "progressive":  # the second half of its scans is missing
        starts = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xc4"]
        cut = data[: starts[len(starts) // 2]]
    assert EARLY in load(cut + jpeg.EOI).notes


def test_more_after_the_end_is_no_damage() -> None:
    assert load(KINDS["baseline"] + b"more\xff\xd9").notes == ()
    assert load(KINDS["baseline"][:-2] + bytes(20) + jpeg.EOI).notes == ()


def test_scans_that_are_missing_altogether() -> None:
    data = KINDS["progressive"]
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    tables = data.rindex(b"\xff\xc4", 0, scans[-1])
    markers = jpeg.structure(data[:tables])
    assert markers is not None and jpeg.completed(data[:tables], markers) is None
    arithmetic = jpeg.Structure(process=0xC9, scans=markers.scans, components=markers.components)
    assert jpeg.completed(data, arithmetic) is None
    assert jpeg.has_all_blocks(data, arithmetic)


# --- PNG -----------------------------------------------------------------------------------------


def chunk(name: bytes, content: bytes, *, intact: bool = True) -> bytes:
    crc = zlib.crc32(name + content) ^ (not intact)
    return len(content).to_bytes(4, "big") + name + content + crc.to_bytes(4, "big")


def with_chunk(extra: bytes, *, last: bool = False) -> bytes:
    """Return a PNG file with another chunk: before the image data or before the end."""
    data = png_of(np.asarray(photo(16, 8)))
    at = data.index(b"IEND" if last else b"IDAT") - 4
    return data[:at] + extra + data[at:]


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt", b"pHYs", b"tIME", b"eXIf", b"iCCP", b"gAMA", b"priV"])
@pytest.mark.parametrize("last", [False, True])
def test_an_ancillary_chunk_with_a_wrong_crc_is_left_out(name: bytes, last: bool) -> None:
    picture = load(with_chunk(chunk(name, b"a\0b" * 5, intact=False), last=last))
    assert picture.notes == (f"the PNG chunk {name.decode()} cannot be read and was left out",)
    assert picture.image.tobytes() == photo(16, 8).tobytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"pHYs", b"short"),
        (b"zTXt", b"a\0\1" + zlib.compress(b"text")),
        (b"zTXt", b"a\0\0" + zlib.compress(bytes(3 << 20))),
        (b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(3 << 20))),
        (b"cHRM", b""),
        (b"sRGB", b""),
    ],
)
def test_an_ancillary_chunk_that_pillow_refuses(name: bytes, content: bytes) -> None:
    picture = load(with_chunk(chunk(name, content)))
    assert picture.image.tobytes() == photo(16, 8).tobytes()
    assert picture.notes in ((f"the PNG chunk {name.decode()} cannot be read and was left out",), ())


def test_the_orientation_survives_a_damaged_text() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = with_chunk(chunk(b"eXIf", exif.tobytes()[6:]) + chunk(b"pHYs", b"short"))
    picture = load(data)
    assert picture.image.size == (8, 16)
    assert picture.notes == ("the PNG chunk pHYs cannot be read and was left out",)


def test_damage_to_the_picture_itself_stays_an_error() -> None:
    data = with_chunk(chunk(b"pHYs", b"short"))
    at = data.index(b"IDAT") + 20
    for damaged in (data[:at] + b"xxxx" + data[at + 4 :], data[:at]):
        with pytest.raises(ImageError, match="damaged"):
            load(damaged)
    sizes: list[tuple[int, int]] = []
    load(data, opened=lambda *size: sizes.append(size))
    assert sizes == [(16, 8)], "the size is reported once"
    with pytest.raises(ImageError, match="a damaged PNG file"):
        load(chunk(b"IHDR", bytes(13), intact=False).join([png.SIGNATURE, b""]))


def test_a_text_chunk_of_another_program() -> None:
    assert load((FILES / "png-bad-crc-in-text.png").read_bytes()).notes == (
        "the PNG chunk tEXt cannot be read and was left out",
    )


def test_animations_stay_animations() -> None:
    frames = [photo(16, 16, seed) for seed in (1, 2, 3)]
    data = written(frames[0], "PNG", save_all=True, append_images=frames[1:])
    at = data.index(b"acTL") - 4
    with pytest.raises(ImageError, match="animated PNG"):
        load(data[:at] + chunk(b"pHYs", b"short") + data[at:])


# --- BMP -----------------------------------------------------------------------------------------


def bmp(alpha: NDArray[np.uint8]) -> bytes:
    """Return a BMP file of 32 bits with a mask for alpha."""
    return written(with_alpha(photo(16, 9), alpha), "BMP")


def test_a_bmp_whose_alpha_is_0_everywhere_is_opaque() -> None:
    data = (FILES / "bmp-v5-alpha-all-zero.bmp").read_bytes()
    picture = load(data)
    assert picture.alpha is None and picture.notes == ("alpha is 0 everywhere and was ignored",)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(picture.image), np.asarray(image)[..., :3])
        assert from_pillow(image).notes == picture.notes
    assert image.mode == "RGBA"


def test_other_alpha_is_kept() -> None:
    clear = np.zeros((9, 16), np.uint8)
    cleared = load(written(with_alpha(photo(16, 9), clear), "PNG"))
    assert cleared.alpha is not None and not cleared.alpha.any(), "only BMP files leave the byte empty"
    kept = load((FILES / "bmp-v5-alpha-all-zero.bmp").read_bytes()[:-1] + b"\1")
    assert kept.alpha is not None and kept.alpha.sum() == 1
    assert load(written(with_alpha(photo(16, 9), ramp(16, 9)), "TIFF")).alpha is not None
