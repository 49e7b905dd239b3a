"""Files that Pillow cannot write: ICC profiles and TIFF files of 16 bits."""

from __future__ import annotations

import struct
from typing import Any, Literal

from numpy.typing import NDArray

LINEAR = b"curv" + bytes(8)
"""An ICC curve: light is proportional to the samples."""


def icc(curve: bytes, *, space: bytes = b"RGB ", name: str = "A profile") -> bytes:
    """Return an ICC profile with sRGB's primaries and one curve for all channels."""
    text = name.encode("utf-16-be")
    desc = b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(text), 28) + text
    tags = {b"desc": desc, b"wtpt": xyz(0.9642, 1.0, 0.8249)}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        colours = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
        tags |= {name + b"XYZ": xyz(*each) for name, each in zip((b"r", b"g", b"b"), colours, strict=True)}
        tags |= {name + b"TRC": curve for name in (b"r", b"g", b"b")}
    table, body = struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        table += struct.pack(">4sII", tag, 128 + 4 + 12 * len(tags) + len(body), len(content))
        body += content.ljust(-(-len(content) // 4) * 4, b"\0")
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4s", size, b"") + bytes.fromhex("02400000") + b"mntr" + space + b"XYZ "
    head = head.ljust(36, b"\0") + b"acsp"
    return head.ljust(68, b"\0") + xyz(0.9642, 1.0, 0.8249)[8:] + bytes(48) + table + body


def xyz(*values: float) -> bytes:
    """Return an ICC tag of a colour."""
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65_536) for value in values))


def para(number: int, *values: float) -> bytes:
    """Return a parametric ICC curve (ICC.1, 10.18)."""
    return (
        b"para"
        + bytes(4)
        + struct.pack(">HH", number, 0)
        + b"".join(struct.pack(">i", round(value * 65_536)) for value in values)
    )


def tiff(
    samples: NDArray[Any], order: Literal["<", ">"] = "<", extra: int | None = None, profile: bytes = b""
) -> bytes:
    """Return RGB or RGBA samples of any kind as a TIFF file without compression.

    ``extra`` is the tag ExtraSamples, None for none.
    """
    height, width, channels = samples.shape
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    entries = [(256, 3, 1, width), (257, 3, 1, height), (259, 3, 1, 1), (262, 3, 1, 2)]
    entries += [
        (277, 3, 1, channels),
        (278, 3, 1, height),
        (279, 4, 1, len(data)),
        (339, 3, 1, "uif".index(samples.dtype.kind) + 1),
    ]
    if extra is not None:
        entries.append((338, 3, 1, extra))
    count = len(entries) + 2 + bool(profile)
    after = 8 + 2 + 12 * count + 4
    entries += [(258, 3, channels, after), (273, 4, 1, after + 2 * channels + len(profile))]
    if profile:
        entries.append((34675, 7, len(profile), after + 2 * channels))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, count)
    for tag, kind, number, value in sorted(entries):
        packed = struct.pack(f"{order}H2x", value) if kind == 3 and number == 1 else struct.pack(f"{order}I", value)
        head += struct.pack(f"{order}HHI", tag, kind, number) + packed
    return head + bytes(4) + struct.pack(f"{order}{channels}H", *[8 * samples.itemsize] * channels) + profile + data
