"""CPU seconds of the quick commands, and peak memory of a large one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

import lbic
from benchmarks import process

REPEATS = 5
_MEGABYTE = 1 << 20


def measure(folder: Path) -> str:
    """Return Markdown: CPU seconds of --help and info, memory to decompress 24 megapixels."""
    with TemporaryDirectory() as scratch:
        picture = Path(scratch, "a.png")
        mosaic(folder).save(picture, compress_level=1)
        small, large = Path(scratch, "small.lbic"), Path(scratch, "large.lbic")
        with Image.open(folder / "kodim23.png") as image:
            small.write_bytes(lbic.compress(image, q=37))
        with Image.open(picture) as image:
            large.write_bytes(lbic.compress(image, codec="jpeg", q=30, scale=2, type="sr+ar"))
            size = image.size
        decompress = ("decompress", str(large), "-o", str(Path(scratch, "out.png")), "--device", "cpu")
        seconds, memory = run(decompress)
        lines = [
            "| command | CPU seconds | peak memory |",
            "|---|---|---|",
            _row("`lbic --help`", [run(["--help"]) for _ in range(REPEATS)]),
            _row("`lbic info`, a 768x512 picture", [run(["info", str(small)]) for _ in range(REPEATS)]),
            _row(f"`lbic decompress`, type 6, {size[0]}x{size[1]}", [(seconds, memory)]),
        ]
    return "\n".join(lines)


def mosaic(folder: Path, width: int = 6144, height: int = 4096) -> Image.Image:
    """Return a picture made of Kodak's pictures, none of them resized."""
    result = Image.new("RGB", (width, height))
    paths = sorted(folder.glob("kodim*.png"))
    for index in range(-(-width // 768) * -(-height // 512)):
        with Image.open(paths[index % len(paths)]) as image:
            upright = image if image.width > image.height else image.rotate(90, expand=True)
            columns = -(-width // 768)
            result.paste(upright, (index % columns * 768, index // columns * 512))
    return result


def run(arguments: Sequence[str]) -> tuple[float, int]:
    """Run an lbic command; return its CPU seconds and peak resident bytes, from the kernel."""
    cost = process.run(("-m", "lbic", *arguments))
    return cost.cpu, cost.memory


def _row(name: str, runs: Sequence[tuple[float, int]]) -> str:
    """Return the row of the median run.

    A quick command has no figure for memory: the kernel's count begins at the size of this
    process.
    """
    seconds, memory = sorted(runs)[len(runs) // 2]
    peak = f"{memory / _MEGABYTE:,.0f} MiB" if len(runs) == 1 else ""
    return f"| {name} | {seconds:.2f} | {peak} |"
