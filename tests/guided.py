"""Coverage-guided fuzzing of lbic's own parsers (``make fuzz``), with atheris.

    .venv/bin/python tests/guided.py TARGET [FOLDER] [libFuzzer's options, such as -runs=100000]
    .venv/bin/python tests/guided.py TARGET --keep [FOLDER]     adds to tests/guided what is new

TARGET is files or pictures. Inputs that reach new code of lbic are kept in FOLDER, by default
fuzz/TARGET, and are where the next run goes on. Parsers run in this process: an exception other
than LbicError, a crash, ten seconds or 2 GB end the run, and libFuzzer keeps the file.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from helpers import photo, png, wide_profile, written
from mutations import seal
from PIL import Image

HERE = Path(__file__).parent
KEPT = HERE / "guided"
"""Inputs of earlier runs that reach code which no other reaches, in a folder for each target."""
LONGEST = 2048
"""Bytes of an input that is kept."""
LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=8192", "-use_value_profile=1")
MAX_PIXELS = 1 << 16
"""Pixels of a picture that is read: guided fuzzing is for the parsers, not for the samples."""


def files(data: bytes) -> None:
    """Take a .lbic file apart: container, metadata, payload form, and the stream's headers."""
    from lbic import pipeline
    from lbic.codecs import jpeg, vvc
    from lbic.codecs.base import Geometry
    from lbic.errors import LbicError
    from lbic.format import container, metadata

    try:
        header, _ = container.unpack(seal(data) or data, MAX_PIXELS)
        metadata.unpack(header)
        header, stream = pipeline.extract(seal(data) or data)
        geometry = Geometry(*header.coded_size, header.gray)
        if header.codec in ("vvc", "vtm"):
            vvc.check(stream, geometry)
        elif header.codec == "jpeg":
            jpeg.opened(stream, geometry)
    except LbicError:
        pass


def pictures(data: bytes) -> None:
    """Read a picture file."""
    from lbic.errors import LbicError
    from lbic.picture.load import load

    with suppress(LbicError, MemoryError):  # the worker process limits memory
        load(data, max_pixels=MAX_PIXELS)


TARGETS: dict[str, Callable[[bytes], None]] = {"files": files, "pictures": pictures}


def seeds(target: str) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the files that a first run starts from."""
    folders = {"files": ("golden", "corpus"), "pictures": ("pictures",)}[target]
    paths = [*(KEPT / target).glob("*"), *(path for name in folders for path in (HERE / name).glob("*.*"))]
    for path in sorted(paths):
        if path.suffix == ".lbic" or target == "pictures":
            yield path.name, path.read_bytes()
    if target == "pictures":
        yield from made()


def made() -> Iterator[tuple[str, bytes]]:
    """Yield small pictures of many kinds, with metadata."""
    small, exif = photo(16, 16), Image.Exif()
    exif[0x0112], exif[0x010F], exif[0xA001] = 6, "a camera", 65535
    exif.get_ifd(0x8769)[0x9003] = "2026:11:28 00:00:00"
    for name in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        for label, image in (("colour", small), ("gray", small.convert("L")), ("palette", small.convert("P"))):
            fits = label != "palette" or name in ("PNG", "TIFF")
            if fits:
                yield f"{label}.{name.lower()}", written(image, name, exif=exif, icc_profile=wide_profile())
    for name in ("BMP", "PPM", "GIF", "JPEG2000"):
        yield f"plain.{name.lower()}", written(small, name)
    for mode in ("CMYK", "LAB", "I;16", "F", "1", "LA", "RGBA"):
        yield f"{mode.replace(';', '')}.tiff", written(_converted(small, mode), "TIFF", compression="tiff_lzw")
    for bits, colour in ((1, 0), (16, 0), (16, 2), (8, 4), (16, 6)):
        yield f"{bits}-{colour}.png", png(8, 8, bits, colour, b"\x55" * (8 * bits * (1, 0, 3, 0, 2, 0, 4)[colour] // 8))


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return Image.new("LAB", image.size, (90, 10, 20)) if mode == "LAB" else image.convert("L").convert(mode)


def lines(target: str, data: bytes) -> frozenset[tuple[str, int, int]]:
    """Run a target; return the steps from line to line that it takes in lbic's parsers."""
    steps: set[tuple[str, int, int]] = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        name, last = frame.f_code.co_filename, frame.f_lineno
        if not name.startswith(str(HERE.parent / "lbic")):
            return None

        def step(inner: FrameType, event: str, _: object) -> Any:
            nonlocal last
            steps.add((name, last, inner.f_lineno))
            last = inner.f_lineno
            return step

        return step

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        TARGETS[target](data)
    finally:
        sys.settrace(before)
    return frozenset(steps)


def keep(target: str, folder: Path) -> None:
    """Copy to KEPT the inputs of a run that together take every step, the shortest first."""
    covered = frozenset[tuple[str, int, int]]().union(*(lines(target, data) for _, data in seeds(target)))
    (KEPT / target).mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_size):
        steps = lines(target, path.read_bytes())
        if path.stat().st_size <= LONGEST and not steps <= covered:
            covered |= steps
            (KEPT / target / path.name[:16]).write_bytes(path.read_bytes())


def main() -> None:
    """Fuzz a target until libFuzzer's options end it."""
    target, *rest = sys.argv[1:]
    if rest[:1] == ["--keep"]:
        keep(target, Path(rest[1]) if rest[1:] else Path("fuzz") / target)
        return
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

    folder = Path(rest.pop(0)) if rest and not rest[0].startswith("-") else Path("fuzz") / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds(target):
        (folder / name).write_bytes(data)
    with atheris.instrument_imports(include=["lbic"]):
        importlib.import_module("lbic.pipeline")
        # All modules, since some are imported only at their first use.
        for package in ("picture", "format", "codecs"):
            for path in (HERE.parent / "lbic" / package).glob("[a-z]*.py"):
                importlib.import_module(f"lbic.{package}.{path.stem}")
    options = (*LIMITS, *rest, f"-artifact_prefix={folder.parent}/{target}-")
    atheris.Setup([sys.argv[0], *options, str(folder)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
