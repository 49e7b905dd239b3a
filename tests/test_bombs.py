"""Small files that claim to be huge are refused without using memory."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import photo, png16, written

from lbic import pipeline
from lbic.enhance.types import NONE
from lbic.format import container, varint
from lbic.pipeline import CompressSettings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts kilobytes on Linux only")

SIDE = 60_000
MOST_KB = 8_000
"""The modules that a reader imports fit in this; one byte per pixel would be 3,500,000."""
SCRIPT = """
import pathlib, resource, sys
from lbic import pipeline
from lbic.errors import LbicError
from lbic.picture.load import load

def refused(path):
    data = path.read_bytes()
    try:
        pipeline.verify(data) if path.suffix == ".lbic" else load(data)
    except LbicError as error:
        return f"{path.name}: {error}"
    return f"{path.name}: accepted"

folder = pathlib.Path(sys.argv[1])
for path in sorted(folder.glob("good/*")):
    assert refused(path).endswith("accepted"), refused(path)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
lines = [refused(path) for path in sorted(folder.glob("bad/*"))]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, *lines, sep="\\n")
"""


def pictures() -> Iterator[tuple[str, bytes, bytes]]:
    """Yield a name, a valid file, and the same file with SIDE x SIDE in its header."""
    png = bytearray(png16(1, 1))
    png[16:24] = 2 * SIDE.to_bytes(4, "big")
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    yield "a.png", png16(1, 1), bytes(png)
    little = 2 * SIDE.to_bytes(2, "little")
    for name, suffix, places in (
        ("JPEG", "jpg", None),
        ("GIF", "gif", None),
        ("BMP", "bmp", 18),
        ("JPEG2000", "j2k", 8),
    ):
        good = written(photo(16, 16), name, **({"no_jp2": True} if suffix == "j2k" else {}))
        bad = bytearray(good)
        if name == "JPEG":
            at = good.index(b"\xff\xc0") + 5
            bad[at : at + 4] = 2 * SIDE.to_bytes(2, "big")
        elif name == "GIF":
            frame = good.index(b",\0\0\0\0\x10\0\x10\0") + 5
            bad[6:10] = bad[frame : frame + 4] = little
        else:
            assert places is not None
            bad[places : places + 8] = 2 * SIDE.to_bytes(4, "little" if name == "BMP" else "big")
        yield f"a.{suffix}", good, bytes(bad)
    yield "a.ppm", b"P6 1 1 255\nabc", b"P6 %d %d 255\nabc" % (SIDE, SIDE)


def files(codecs: tuple[str, ...] = ("jpeg", "webp", "avif", "jpeg2000")) -> Iterator[tuple[str, bytes, bytes]]:
    """Also .lbic files: 60000x60000 in 24 bytes, and a legal size that is not the stream's."""
    for codec in codecs:
        good = pipeline.compress(photo(16, 16), CompressSettings(codec, type=NONE)).data
        header, payload = container.unpack(good)
        head = good[:12] + varint.write(20_000) * 2
        assert header.metadata == {}
        yield f"{codec}.lbic", good, head + zlib.crc32(payload, zlib.crc32(head)).to_bytes(4, "big") + payload
    head = good[:12] + varint.write(SIDE) * 2
    yield "claim.lbic", good, (head + zlib.crc32(b"xx", zlib.crc32(head)).to_bytes(4, "big") + b"xx")[:24]


def test_claims_of_60000x60000_take_no_memory(tmp_path: Path) -> None:
    for folder in ("good", "bad"):
        (tmp_path / folder).mkdir()
    wanted = 0
    for name, good, bad in [*pictures(), *files()]:
        (tmp_path / "good" / name).write_bytes(good)
        (tmp_path / "bad" / name).write_bytes(bad)
        (tmp_path / "bad" / f"cut-{name}").write_bytes(bad[:24])
        wanted += 2
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    grown, *lines = done.stdout.splitlines()
    assert len(lines) == wanted
    assert not [line for line in lines if line.endswith("accepted")]
    whole = {line.split(": ")[0]: line for line in lines if not line.startswith("cut-")}
    for name, line in whole.items():
        beyond = name == "claim.lbic" or not name.endswith(".lbic")
        assert ("limit is 400,000,000" if beyond else "20000x20000") in line
    assert int(grown) < MOST_KB, done.stdout
