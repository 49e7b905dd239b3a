"""TIFF files of several pages: previews are no pages, and raw files are no previews."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from helpers import photo, written
from PIL import Image
from test_picture_tiff import shares, stored
from test_pictures import FILES

from lbic.errors import ImageError
from lbic.picture.load import load
from lbic.picture.tiff import find_page

tifffile = pytest.importorskip("tifffile")

DNG_VERSION, SUBFILE, OLD_SUBFILE = 50_706, 254, 255


def pages(*tags: dict[int, int]) -> bytes:
    """Return a TIFF file of a page for each dict of tags: page i has the size 16 + i, 8."""
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for number, page in enumerate(tags):
            kind = page.pop(SUBFILE, 0)
            samples = np.asarray(photo(16 + number, 8)) if kind != 4 else np.ones((8, 16), bool)
            extra = [(tag, 3 if tag == OLD_SUBFILE else 1, 1, value, True) for tag, value in page.items()]
            writer.write(samples, photometric=4 if kind == 4 else 2, subfiletype=kind, extratags=extra, metadata=None)
    return out.getvalue()


def test_a_thumbnail_behind_the_picture() -> None:
    picture = load((FILES / "tiff-page2-is-thumbnail.tif").read_bytes())
    assert picture.image.size == (96, 64) and picture.notes == ()


@pytest.mark.parametrize(
    ("tags", "index", "notes"),
    [
        (({}, {SUBFILE: 1}), 0, ()),
        (({SUBFILE: 1}, {}), 1, ()),
        (({SUBFILE: 1}, {SUBFILE: 1}, {}), 2, ()),
        (({}, {OLD_SUBFILE: 2}), 0, ()),
        (({OLD_SUBFILE: 2}, {OLD_SUBFILE: 1}), 1, ()),
        (({SUBFILE: 1},), 0, ()),
        (({}, {SUBFILE: 4}), 0, ("the transparency mask in the file was left out",)),
    ],
)
def test_the_page_that_is_the_picture(tags: tuple[dict[int, int], ...], index: int, notes: tuple[str, ...]) -> None:
    picture = load(pages(*(dict(page) for page in tags)))
    assert picture.image.tobytes() == photo(16 + index, 8).tobytes()
    assert picture.notes == notes


def test_a_deep_picture_behind_a_thumbnail() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(np.asarray(photo(4, 4)), photometric="rgb", subfiletype=1, metadata=None)
        writer.write(stored(3, "u2"), photometric="rgb", metadata=None)
    assert np.abs(np.asarray(load(out.getvalue()).image) / 255 - shares(3)).max() < 1 / 255


def test_several_pages_and_only_previews_are_refused() -> None:
    with pytest.raises(ImageError, match="the TIFF file has 2 pages; lbic compresses single pictures"):
        load(pages({}, {}, {SUBFILE: 1}))
    with pytest.raises(ImageError, match="the TIFF file has 2 pages"):
        load(pages({SUBFILE: 2}, {SUBFILE: 2}))
    with pytest.raises(ImageError, match=r"^a TIFF file of previews only$"):
        load(pages({SUBFILE: 1}, {SUBFILE: 1}))


def raw(maker: str = "", **options: Any) -> bytes:
    """Return a file as cameras write: a preview, and the picture of a sensor below it."""
    out = io.BytesIO()
    extra = [(271, 2, None, maker, True)] if maker else []
    with tifffile.TiffWriter(out) as writer:
        writer.write(
            np.asarray(photo(8, 6)), photometric="rgb", subfiletype=1, subifds=1, extratags=extra, metadata=None
        )
        writer.write(np.zeros((60, 80), np.uint16), photometric="cfa", metadata=None, **options)
    return out.getvalue()


def test_raw_files_are_not_taken_for_their_previews() -> None:
    with pytest.raises(ImageError, match=r"^a raw file of a camera \(NIKON\); develop it to TIFF, PNG or JPEG first$"):
        load(raw("NIKON"))
    with pytest.raises(ImageError, match=r"^a DNG raw file; develop it to TIFF, PNG or JPEG first$"):
        load(pages({DNG_VERSION: 1}))
    cr2 = b"II*\0\x10\0\0\0CR\2\0" + bytes(4) + pages({})[8:]
    with pytest.raises(ImageError, match=r"^a raw file of a camera; |damaged"):
        load(cr2)


def test_damaged_directories_are_left_to_pillow() -> None:
    data = pages({})
    assert find_page(data) is not None
    assert find_page(data[:40]) is None
    circle = bytearray(written(Image.new("L", (4, 4)), "TIFF"))
    offset = int.from_bytes(circle[4:8], "little")
    count = int.from_bytes(circle[offset : offset + 2], "little")
    circle[offset + 2 + 12 * count :][:4] = circle[4:8]
    end = offset + 2 + 12 * count
    circle[end : end + 4] = circle[4:8]
    page = find_page(bytes(circle))
    assert page is not None and page.index == 0, "a circle of pages is one page"
