"""Variable-length integers of the .lbic format: LEB128, at most 32 bits, in the shortest form."""

from __future__ import annotations

from lbic.errors import FormatError

_MOST = 0xFFFFFFFF
_MOST_BYTES = 5


def write(value: int) -> bytes:
    """Return a number in LEB128.

    Each byte holds seven bits, the lowest first; the top bit is set on all but the last byte.
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read(data: bytes, at: int, where: str = "header") -> tuple[int, int]:
    """Return the number at an offset and the offset after it.

    Raises FormatError, which names ``where`` the number should be, when there is none.
    """
    value = 0
    for index in range(_MOST_BYTES):
        if at + index >= len(data):
            raise FormatError(f"the file ends inside its {where}, after {len(data)} bytes")
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if value > _MOST or (byte == 0 and index):
                raise FormatError(f"a number in the {where} is not in its shortest form")
            return value, at + index + 1
    raise FormatError(f"a number in the {where} is too long")
