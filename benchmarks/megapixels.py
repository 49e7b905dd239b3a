"""What commands cost on pictures of 0.4 to 24 megapixels, beside other codecs in the same run.

Every cost is that of a whole process, from its start to the written file: reading the PNG file
belongs to compressing, writing one to decompressing.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.process import Cost, run
from benchmarks.resources import mosaic
from lbic.codecs.base import EFFORTS
from lbic.coding import SCALE_ONE, Coding
from lbic.enhance import catalog
from lbic.enhance.types import NONE, TYPES, EnhancementType
from lbic.picture.save import WRITERS

SIZES = ((768, 512), (2048, 1536), (4000, 3000), (6144, 4096))
"""Width and height of the pictures: 0.4, 3, 12 and 24 megapixels."""
LIMIT = 140.0
"""CPU seconds of the longest command that is measured."""
_CODING = Coding("vvc", 37, SCALE_ONE)
"""The coding of the pictures that are decompressed."""
_TYPES = (1, 2, 3, 4)
"""The types that the codec vvc has networks for at scale 1."""
_TARGET = "0.1"
"""The target size of the search, in bits per pixel."""


@dataclass(frozen=True)
class Command:
    """A row of the table."""

    name: str
    """The row's name."""
    arguments: tuple[str, ...]
    """Arguments of Python; {0} stands for the path of the picture without its suffix."""


def measure(folder: Path) -> str:
    """Return Markdown: a row for each command, a column for each size, and the ratios at 12 MP."""
    commands = [*_compressing(), *_decompressing(), *_peers()]
    costs: dict[str, list[Cost | None]] = {command.name: [] for command in commands}
    with TemporaryDirectory() as scratch:
        for width, height in SIZES:
            stem = Path(scratch, f"{width}x{height}")
            mosaic(folder, width, height).save(f"{stem}.png", compress_level=1)
            run(("-m", "lbic", "compress", "-f", "--effort", "0", f"{stem}.png", "-o", f"{stem}.lbic"))
            for command in commands:
                row = costs[command.name]
                cost = None if _takes_too_long(row) else run([one.format(stem) for one in command.arguments])
                row.append(cost)
                sys.stderr.write(f"{width}x{height}  {command.name}  {cost or 'not measured'}\n")
    return f"{_table(costs)}\n\n{_ratios(costs)}"


def _compressing() -> list[Command]:
    start = ("-m", "lbic", "compress", "-f", "{0}.png", "-o", "{0}.out.lbic")
    efforts = [Command(f"compress, effort {effort}", (*start, "--effort", str(effort))) for effort in EFFORTS]
    return [*efforts, Command(f"compress --target-bpp {_TARGET}", (*start, "--target-bpp", _TARGET))]


def _decompressing() -> list[Command]:
    """Return the rows of the types that are shipped, with each profile that they have."""
    commands = []
    for number in (NONE.id, *_TYPES):
        kind = TYPES[number]
        for profile in _profiles(kind) if kind.roles else [""]:
            options = ("--type", str(number), *(("--profile", profile) if profile else ()), "--device", "cpu")
            name = f"decompress, type {number}" + (f", {profile}" if profile else "")
            commands.append(
                Command(name, ("-m", "lbic", "decompress", "-f", "{0}.lbic", "-o", "{0}.out.png", *options))
            )
    return commands


def _profiles(kind: EnhancementType) -> list[str]:
    """Return the profiles that have a model for every role of a type."""
    models = [spec for spec in catalog.load().models if spec.covers(_CODING)]
    roles = {profile: {spec.role for spec in models if spec.profile == profile} for profile in catalog.PROFILES}
    return [profile for profile, shipped in roles.items() if shipped >= set(kind.roles)]


def _peers() -> list[Command]:
    """Return the rows of other codecs, at qualities of about the same file size."""
    rows = [
        ("AVIF, speed 4", "avif", "quality=35, speed=4"),
        ("AVIF, speed 6", "avif", "quality=35, speed=6"),
        ("WebP, method 6", "webp", "quality=10, method=6"),
        ("JPEG XL, effort 7", "jxl", "quality=30"),
    ]
    png = WRITERS[".png"][1]
    commands = []
    for name, suffix, options in rows:
        plugin = "import pillow_jxl; " if suffix == "jxl" else ""
        if plugin and importlib.util.find_spec("pillow_jxl") is None:
            continue
        start = f"{plugin}from PIL import Image; Image.MAX_IMAGE_PIXELS = None; Image.open"
        encode = f"{start}('{{0}}.png').save('{{0}}.{suffix}', {options})"
        decode = f"{start}('{{0}}.{suffix}').save('{{0}}.out.png', compress_level={png['compress_level']})"
        commands += [Command(f"{name}: encode", ("-c", encode)), Command(f"{name}: decode", ("-c", decode))]
    return commands


def _table(costs: dict[str, list[Cost | None]]) -> str:
    heads = [f"{width * height / 1e6:.1f} MP" for width, height in SIZES]
    lines = [f"| CPU seconds / seconds / MiB | {' | '.join(heads)} |", "|---|" + "---|" * len(SIZES)]
    lines += [f"| {name} | {' | '.join(str(cost or '') for cost in row)} |" for name, row in costs.items()]
    return "\n".join(lines)


def _ratios(costs: dict[str, list[Cost | None]]) -> str:
    """Return the ratios of CPU seconds at 12 megapixels, as a list."""
    at = {name: row[2].cpu for name, row in costs.items() if row[2]}
    pairs = [
        ("decompress, type 1, fast", "decompress, type 0"),
        ("decompress, type 1, lite", "decompress, type 1, fast"),
        ("decompress, type 3, fast", "decompress, type 1, fast"),
        (f"compress --target-bpp {_TARGET}", "compress, effort 2"),
    ]
    lines = [f"- {a} / {b}: {at[a] / at[b]:.1f}" for a, b in pairs if a in at and b in at]
    return "CPU seconds at 12 megapixels:\n\n" + "\n".join(lines)


def _takes_too_long(row: Sequence[Cost | None]) -> bool:
    """Return whether a command is expected to exceed the limit at the next size."""
    if not row:
        return False
    pixels = [width * height for width, height in SIZES]
    return row[-1] is None or row[-1].cpu * pixels[len(row)] / pixels[len(row) - 1] > LIMIT
