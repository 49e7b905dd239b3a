"""The .lbic file: every field survives a round trip; other data are refused with a sentence."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbic import limits
from lbic.errors import ExitCode, FormatError, UsageError
from lbic.format import container, varint
from lbic.format.container import Header, pack, read_header, unpack

SMALL = Header("jpeg", quality=20, width=300, height=2, scale=32, type=6, metadata={container.ICC: b"icc", 200: b""})
DATA = pack(SMALL, b"stream")
PLAIN = pack(Header("vvc", 37, 16, 16), b"stream")
SIZE_AT = 12
"""The offset of the width, after the fixed fields."""

metadata = st.dictionaries(st.sampled_from([1, 128, 129, 130, 131, 200, 255]), st.binary(max_size=300), max_size=4)
sides = st.integers(1, 5_000)
headers = st.builds(
    Header,
    codec=st.sampled_from(list(container.CODEC_IDS)),
    quality=st.integers(0, 255),
    width=sides,
    height=sides,
    scale=st.integers(16, 255),
    gray=st.booleans(),
    type=st.integers(0, 255),
    metadata=metadata,
)


USUAL = ([1], [1, 2, 3, 4, 5, 6], [0, 1, 2, 3], [37], [16, 32, 255], [0], [0, 1, 2], [0, 7, 200])
"""Valid values of the bytes after the magic number: version, codec, flags, ..., type."""


def patched(data: bytes, at: int, value: int) -> bytes:
    """Return data with one byte changed and the checksum unchanged."""
    return data[:at] + bytes([value]) + data[at + 1 :]


def sealed(head: bytes, body: bytes) -> bytes:
    """Return a file with a correct checksum and any content."""
    return head + zlib.crc32(head + body).to_bytes(4, "big") + body


def fixed(*, flags: int = 0, width: bytes = b"\x10", height: bytes = b"\x10") -> bytes:
    """Return a header without its checksum."""
    return container.MAGIC + bytes([1, 1, flags, 37, 16, 0, 0, 0]) + width + height


@given(headers, st.binary(min_size=1, max_size=200))
def test_round_trip(header: Header, payload: bytes) -> None:
    data = pack(header, payload)
    assert unpack(data) == (header, payload)
    assert read_header(data) == header


def test_bytes_are_those_of_the_format_page() -> None:
    data = pack(Header("jpeg", quality=20, width=5, height=3, gray=True, type=7), b"\xff\xd8\xff")
    assert data[:14] == bytes.fromhex("C1 4C 42 43 01 03 02 14 10 00 00 07 05 03")
    assert data[14:18] == zlib.crc32(data[:14] + data[18:]).to_bytes(4, "big")
    assert data[18:] == b"\xff\xd8\xff"


def test_codec_numbers_are_those_of_the_format_page() -> None:
    assert container.CODEC_IDS == {"vvc": 1, "vtm": 2, "jpeg": 3, "webp": 4, "avif": 5, "jpeg2000": 6}


@given(st.integers(1, limits.MAX_SIDE), st.integers(1, limits.MAX_SIDE), st.booleans())
def test_header_takes_at_most_24_bytes(width: int, height: int, gray: bool) -> None:
    if width * height > limits.MAX_PIXELS:
        height = limits.MAX_PIXELS // width
    assert len(pack(Header("vvc", 63, width, height, gray=gray, type=255), b"x")) - 1 <= 24


@given(headers)
def test_coded_size_is_the_size_divided_by_the_scale_and_rounded_up(header: Header) -> None:
    for side, coded in zip((header.width, header.height), header.coded_size, strict=True):
        assert coded >= 1
        assert (coded - 1) * header.scale < side * 16 <= coded * header.scale


@pytest.mark.parametrize("data", [DATA, PLAIN], ids=["metadata", "plain"])
def test_every_truncation_is_refused(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(FormatError) as caught:
            unpack(data[:length])
        assert caught.value.exit_code == ExitCode.DAMAGED


@pytest.mark.parametrize("data", [DATA, PLAIN], ids=["metadata", "plain"])
def test_every_flipped_bit_is_noticed(data: bytes) -> None:
    for at in range(len(data)):
        for bit in range(8):
            with pytest.raises(FormatError):
                unpack(patched(data, at, data[at] ^ 1 << bit))


@given(st.binary(max_size=60))
def test_any_bytes_after_the_magic_are_a_file_or_a_format_error(tail: bytes) -> None:
    for data in (container.MAGIC + tail, fixed(flags=1)[:12] + tail):
        try:
            unpack(data)
        except FormatError as error:
            assert str(error)


@given(
    st.tuples(*(st.one_of(st.sampled_from(usual), st.integers(0, 255)) for usual in USUAL)),
    st.one_of(sides.map(varint.write), st.binary(min_size=1, max_size=6)),
    st.one_of(sides.map(varint.write), st.binary(min_size=1, max_size=6)),
    st.binary(max_size=40),
)
def test_any_file_with_a_right_checksum_is_refused_or_says_the_same_when_written_again(
    fields: tuple[int, ...], width: bytes, height: bytes, body: bytes
) -> None:
    try:
        read = unpack(sealed(container.MAGIC + bytes(fields) + width + height, body))
    except FormatError as error:
        assert str(error)
    else:
        assert unpack(pack(*read)) == read


def test_reading_the_header_does_not_need_the_stream() -> None:
    assert read_header(DATA[: -len(b"stream")]) == SMALL


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "not a .lbic file"),
        (b"\xc1LB", "not a .lbic file"),
        (container.MAGIC, "ends inside its header, after 4 bytes"),
        (patched(PLAIN, 4, 2), "format version 2, this lbic reads 1; upgrade lbic"),
        (patched(PLAIN, 4, 2)[:6], "format version 2"),
        (patched(PLAIN, 5, 99), "codec number 99 is unknown"),
        (patched(PLAIN, 5, 0), "codec number 0 is unknown"),
        (patched(PLAIN, 6, 0x04), "reserved flag bits 0x04 are set"),
        (patched(PLAIN, 6, 0x83), "reserved flag bits 0x80 are set"),
        (patched(PLAIN, 8, 15), "scale 15/16 is below 1"),
        (patched(PLAIN, 9, 1), "configuration 1 is unknown"),
        (patched(PLAIN, 10, 3), "payload form 3 is unknown"),
        (patched(PLAIN, 10, 2), "payload form 2 is not one of codec vvc"),
        (PLAIN + b"x", "checksum mismatch"),
        (sealed(fixed(), b""), "no codec stream"),
    ],
)
def test_foreign_and_future_files_are_refused_by_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        unpack(data)


@pytest.mark.parametrize(
    ("width", "height", "sentence"),
    [
        (b"\x00", b"\x10", "sides must be 1..65535"),
        (b"\x10", b"\x00", "sides must be 1..65535"),
        (b"\x80\x80\x04", b"\x01", "65536x1; sides must be"),
        (b"\xff\xff\xff\xff\x0f", b"\x01", "4294967295x1; sides must be"),
        (b"\x90\x00", b"\x10", "not in its shortest form"),
        (b"\x80\x80\x80\x80\x10", b"\x10", "not in its shortest form"),
        (b"\x80\x80\x80\x80\x80\x01", b"\x10", "too long"),
    ],
)
def test_damaged_sizes_are_refused(width: bytes, height: bytes, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        unpack(sealed(fixed(width=width, height=height), b"stream"))


@given(st.integers(0, 0xFFFFFFFF))
def test_numbers_have_one_form(number: int) -> None:
    written = varint.write(number)
    assert varint.read(written, 0) == (number, len(written))
    longer = written[:-1] + bytes([written[-1] | 0x80, 0])
    with pytest.raises(FormatError):
        varint.read(longer, 0)


def test_a_bomb_of_24_bytes_is_refused_before_anything_is_allocated() -> None:
    bomb = sealed(fixed(width=varint.write(60_000), height=varint.write(60_000)), b"x")
    assert len(bomb) <= 24
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=r"60000x60000, 3,600,000,000 pixels; the limit is 400,000,000"):
            unpack(bomb)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        (b"\x00", "metadata section is empty"),
        (b"\x7f", "section says 127 bytes, 6 are left"),
        (b"\x03\x80\x05x", "item 128 says 5 bytes and ends beyond its section"),
        (b"\x06\x80\x01a\x80\x01b", "item 128 is there twice"),
        (b"\x06\xc8\x01a\xc8\x01b", "item 200 is there twice"),
        (b"\x02\x7f\x00", "item 127 must be understood and is unknown"),
        (b"\x02\x02\x00", "item 2 must be understood and is unknown"),
        (b"\x02\x00\x00", "item 0 must be understood and is unknown"),
        (b"\x04\x80\x80\x00\x00", "not in its shortest form"),
    ],
)
def test_damaged_metadata_is_refused(section: bytes, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        unpack(sealed(fixed(flags=1), section + b"stream"))


def test_an_unknown_item_from_128_is_skipped() -> None:
    header, payload = unpack(sealed(fixed(flags=1), b"\x05\x80\x00\xc8\x01z" + b"stream"))
    assert payload == b"stream"
    assert header.metadata == {128: b"", 200: b"z"}


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (Header("vvc", 37, 0, 5), "0x5; sides must be"),
        (Header("vvc", 37, 70_000, 5), "70000x5; sides must be"),
        (Header("vvc", 37, 65_535, 65_535), "the limit is 400,000,000"),
        (Header("vvc", 37, 5, 5, scale=15), "scale 0.9375 is not within"),
        (Header("vvc", 37, 5, 5, scale=256), "scale 16 is not within"),
        (Header("vvc", 256, 5, 5), "quality 256 is not within"),
        (Header("vvc", -1, 5, 5), "quality -1 is not within"),
        (Header("vvc", 37, 5, 5, type=256), "type 256 is not within"),
    ],
)
def test_what_the_format_has_no_room_for_is_not_written(header: Header, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        pack(header, b"stream")
