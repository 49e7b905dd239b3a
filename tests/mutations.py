"""Damage .lbic files like a disk, a faulty program or an attacker (for tests/fuzzer.py)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from lbic import limits
from lbic.coding import SCALE_ONE
from lbic.errors import FormatError, UsageError
from lbic.format import container, varint
from lbic.format.container import CODEC_IDS, FORMS, Header

_FIXED = 12
_CRC = 4
_TELLING = (0, 1, 2, 3, 0x7F, 0x80, 0xC0, 0xD8, 0xD9, 0xDA, 0xFE, 0xFF)
"""Bytes with a meaning in one of the formats."""
_MARKS = (
    *(b"\x00\x00\x01", b"\x00\x00\x03", b"\x00\x00\x00\x01\x00\x79", b"\x00\x00\x01\x00\x41", b"\x00\x00\x01\x00\x89"),
    *(bytes([0xFF, marker]) for marker in (0x00, 0xC0, 0xC2, 0xC4, 0xD0, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xE0, 0xFF)),
)
"""VVC's start codes, emulation prevention and NAL unit headers; JPEG's markers."""
_LONGEST_RUN = 64


@dataclass(frozen=True)
class Seed:
    """The parts of a valid file that is to be damaged."""

    name: str
    header: Header
    payload: bytes


def take_apart(name: str, data: bytes) -> Seed:
    """Split a file into its parts. Raises FormatError if it is damaged."""
    return Seed(name, *container.unpack(data))


def seal(data: bytes) -> bytes | None:
    """Return the file with a right checksum; None if no decoder would read as far."""
    try:
        _, at = varint.read(data, _FIXED)
        _, at = varint.read(data, at)
    except FormatError:
        return None
    if len(data) < at + _CRC:
        return None
    crc = zlib.crc32(data[at + _CRC :], zlib.crc32(data[:at]))
    return data[:at] + crc.to_bytes(_CRC, "big") + data[at + _CRC :]


def mutate(seeds: Sequence[Seed], random: Random) -> bytes:
    """Return a damaged file; ``seal`` corrects its checksum."""
    seed = random.choice(seeds)
    kind = random.random()
    if kind < 0.08:
        return _damaged(container.pack(seed.header, seed.payload), random)
    header = seed.header
    if kind < 0.2:
        header = _other_header(header, random)
    payload = seed.payload
    if kind >= 0.15:
        payload = _spliced(seed, seeds, random) if random.random() < 0.1 else payload
        payload = _damaged(payload, random)
    try:
        return container.pack(header, payload)
    except UsageError:  # a size beyond the limits: a file can say it all the same
        return container.pack(replace(header, width=limits.MAX_SIDE, height=1), payload)


def _damaged(data: bytes, random: Random) -> bytes:
    """Apply one to four kinds of damage, most often one."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        data = random.choice(_WAYS)(data, random)
    return data


def _spliced(seed: Seed, seeds: Sequence[Seed], random: Random) -> bytes:
    """Join the start of one payload and the end of another, mostly of the same codec."""
    alike = [other for other in seeds if other.header.codec == seed.header.codec]
    other = random.choice(alike if random.random() < 0.8 else seeds).payload
    return seed.payload[: _place(seed.payload, random)] + other[_place(other, random) :]


def _other_header(header: Header, random: Random) -> Header:
    """Change one or two fields of the header."""
    for _ in range(random.choice((1, 1, 2))):
        header = random.choice(_FIELDS)(header, random)
    return header


def _other_width(header: Header, random: Random) -> Header:
    return replace(header, width=_side(header.width, random))


def _other_height(header: Header, random: Random) -> Header:
    return replace(header, height=_side(header.height, random))


def _other_scale(header: Header, random: Random) -> Header:
    return replace(header, scale=random.choice((SCALE_ONE, 24, 32, 64, 255, random.randint(SCALE_ONE, 255))))


def _other_quality(header: Header, random: Random) -> Header:
    return replace(header, quality=random.randint(0, 255))


def _other_type(header: Header, random: Random) -> Header:
    return replace(header, type=random.randint(0, 255))


def _other_colour(header: Header, random: Random) -> Header:
    return replace(header, gray=not header.gray)


def _other_codec(header: Header, random: Random) -> Header:
    codec = random.choice(tuple(CODEC_IDS))
    return replace(header, codec=codec, form=random.choice([form for form, of in FORMS.items() if codec in of]))


def _other_metadata(header: Header, random: Random) -> Header:
    kind = random.choice((*container.METADATA_NAMES, 2, 131, 255))
    known = header.metadata.get(kind) or zlib.compress(random.randbytes(random.randint(0, 300)))
    return replace(header, metadata=header.metadata | {kind: _damaged(known, random)})


def _side(side: int, random: Random) -> int:
    near = (side - 1, side + 1, side * 2, side // 2, side + 64, 8 * side)
    return max(1, random.choice((*near, 1, 63, 64, 65, random.randint(1, 4096), random.randint(1, limits.MAX_SIDE))))


_FIELDS: tuple[Callable[[Header, Random], Header], ...] = (
    _other_width,
    _other_height,
    _other_scale,
    _other_quality,
    _other_type,
    _other_colour,
    _other_codec,
    _other_metadata,
)


def _place(data: bytes, random: Random) -> int:
    """Return a position, twice as often near the start, where headers and tables are."""
    if random.random() < 0.3:
        return random.randint(0, min(len(data), 48))
    return random.randint(0, len(data))


def _run(data: bytes, random: Random) -> tuple[int, int]:
    """Return the start and the end of some bytes."""
    at = _place(data, random)
    return at, min(len(data), at + random.randint(1, _LONGEST_RUN))


def _flip(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        if changed:
            changed[min(_place(data, random), len(data) - 1)] ^= 1 << random.randrange(8)
    return bytes(changed)


def _set(data: bytes, random: Random) -> bytes:
    at = _place(data, random)
    return data[:at] + bytes([random.choice(_TELLING)]) + data[at + 1 :]


def _mark(data: bytes, random: Random) -> bytes:
    at, mark = _place(data, random), random.choice(_MARKS)
    return data[:at] + mark + data[at + (len(mark) if random.random() < 0.5 else 0) :]


def _scramble(data: bytes, random: Random) -> bytes:
    at, end = _run(data, random)
    return data[:at] + random.randbytes(end - at) + data[end:]


def _insert(data: bytes, random: Random) -> bytes:
    at = _place(data, random)
    return data[:at] + random.randbytes(random.randint(1, 16)) + data[at:]


def _fill(data: bytes, random: Random) -> bytes:
    at, end = _run(data, random)
    return data[:at] + bytes([random.choice((0, 0xFF))]) * (end - at) + data[end:]


def _repeat(data: bytes, random: Random) -> bytes:
    at, end = _run(data, random)
    return data[:end] + data[at:end] * random.choice((1, 1, 2, 8)) + data[end:]


def _delete(data: bytes, random: Random) -> bytes:
    at, end = _run(data, random)
    return data[:at] + data[end:]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: _place(data, random)]


_WAYS: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_flip, _flip, _flip, _set, _set, _mark, _scramble, _insert, _fill, _repeat, _delete),
    _cut,
)
