"""Boxes of AVIF files: the part of a picture that is shown, items, malformed structures."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from helpers import photo, written
from PIL import Image
from test_picture_companions import box
from test_pictures import FILES

from lbic.isolation import pictures
from lbic.picture import boxes
from lbic.picture.load import load


def with_property(data: bytes, extra: bytes) -> bytes:
    """Return an AVIF file whose first item has one more property; offsets are repaired."""
    ranges = {path[-1]: boxes.find(data, path) for path in ((b"meta",), (b"meta", b"iprp"))}
    ipco, ipma = (boxes.find(data, (b"meta", b"iprp", name)) for name in (b"ipco", b"ipma"))
    iloc, mdat = boxes.find(data, (b"meta", b"iloc")), boxes.find(data, (b"mdat",))
    assert ipco and ipma and iloc and mdat and all(ranges.values())
    edited, added = bytearray(data), len(extra) + 1
    starts = {data.index(name) - 4: added for name in ranges}
    starts |= {ipco[0] - 8: len(extra), ipma[0] - 8: 1}
    for at, more in starts.items():
        edited[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + more).to_bytes(4, "big")
    assert data[iloc[0] : iloc[0] + 6] == b"\0\0\0\0\x44\0", "offsets and lengths of 4 bytes, no base"
    for at in range(iloc[0] + 14, iloc[1], 14):
        offset = int.from_bytes(data[at : at + 4], "big")
        assert mdat[0] <= offset < mdat[1]
        edited[at : at + 4] = (offset + added).to_bytes(4, "big")
    count = ipma[0] + 10  # after version, number of items, and the first item's number
    number = sum(1 for _ in boxes.boxes(data, *ipco)) + 1
    edited[count] += 1
    edited[count + 1 : count + 1] = bytes([0x80 | number])  # before a rotation
    edited[ipco[1] : ipco[1]] = extra
    return bytes(edited)


def clap(*fractions: tuple[int, int]) -> bytes:
    return box(b"clap", b"".join(struct.pack(">iI", *each) for each in fractions))


AVIF = written(photo(32, 24), "AVIF", quality=100, subsampling="4:4:4")
FULL = np.asarray(load(AVIF).image)


@pytest.mark.parametrize(
    ("fractions", "part"),
    [
        (((10, 1), (8, 1), (0, 1), (0, 1)), (11, 8, 21, 16)),
        (((20, 2), (8, 1), (-3, 1), (4, 1)), (8, 12, 18, 20)),
        (((9, 1), (7, 1), (1, 2), (-1, 2)), (12, 8, 21, 15)),
        (((32, 1), (24, 1), (0, 1), (0, 1)), (0, 0, 32, 24)),
    ],
)
def test_the_part_that_a_file_shows(fractions: tuple[tuple[int, int], ...], part: tuple[int, int, int, int]) -> None:
    data = with_property(AVIF, clap(*fractions))
    left, top, right, bottom = part
    assert boxes.clean_aperture(data, (32, 24)) == part
    picture = load(data)
    assert picture.notes == ()
    assert np.array_equal(np.asarray(picture.image), FULL[top:bottom, left:right])
    assert pictures.load(data).image.tobytes() == picture.image.tobytes()


def test_the_part_is_taken_before_the_picture_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = written(photo(32, 24), "AVIF", quality=100, subsampling="4:4:4", exif=exif)
    picture = load(with_property(turned, clap((10, 1), (8, 1), (0, 1), (0, 1))))
    assert np.array_equal(np.asarray(picture.image), np.rot90(FULL[8:16, 11:21], -1))


@pytest.mark.parametrize(
    "fractions",
    [
        ((10, 1), (8, 1), (12, 1), (0, 1)),  # beyond the right edge
        ((10, 1), (8, 1), (1, 2), (0, 1)),  # between pixels
        ((10, 0), (8, 1), (0, 1), (0, 1)),
        ((0, 1), (8, 1), (0, 1), (0, 1)),
        ((40, 1), (8, 1), (0, 1), (0, 1)),
    ],
)
def test_a_part_that_is_no_part_is_ignored(fractions: tuple[tuple[int, int], ...]) -> None:
    data = with_property(AVIF, clap(*fractions))
    assert boxes.clean_aperture(data, (32, 24)) is None
    assert load(data).image.size == (32, 24)


def test_malformed_structures_end_the_search() -> None:
    data = (FILES / "avif-nclx-pq-10bit.avif").read_bytes()
    assert boxes.primary_item(data) is not None and boxes.primary_properties(data)
    for name in (b"pitm", b"iinf", b"iloc", b"ipco", b"ipma", b"iprp", b"meta"):
        damaged = data.replace(name, b"xxxx", 1)
        assert boxes.primary_item(damaged) is None or name in (b"ipco", b"ipma", b"iprp")
        assert boxes.primary_properties(damaged) == [] or name in (b"iinf", b"iloc")
    rng = np.random.default_rng(1)
    for _ in range(300):
        changed = bytearray(data)
        for at in rng.integers(0, 400, 3):
            changed[at] = rng.integers(256)
        boxes.primary_item(bytes(changed))
        boxes.primary_properties(bytes(changed))
        boxes.has_gain_map(bytes(changed))
        boxes.clean_aperture(bytes(changed), (96, 64))
    assert list(boxes.boxes(b"\0\0\0\4abcd")) == [] and boxes.find(b"", (b"meta",)) is None
    assert list(boxes.boxes(b"\0\0\0\0abcdxyz")) == [(b"abcd", 8, 11)], "a box to the end"
    assert list(boxes.boxes(b"\0\0\0\1abcd" + (17).to_bytes(8, "big") + b"x")) == [(b"abcd", 16, 17)]
    with Image.open(io.BytesIO(AVIF)) as image:
        assert image.size == (32, 24)
