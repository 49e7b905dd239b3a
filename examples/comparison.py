"""Compare lbic with JPEG, WebP and AVIF at equal bytes: one labelled picture.

    python examples/comparison.py [photo.png] [-o comparison.webp] [-q 37]
        [--crop LEFT,TOP,RIGHT,BOTTOM]

lbic compresses the photo with default settings. Each other format gets the highest quality whose
file is not larger, by its own encoder at its best effort.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from sheet import Box, Panel, panel, sheet

import lbic

DOG = Path(__file__).resolve().parent / "dog.png"
FACE = (120, 140, 408, 428)
ENCODERS: dict[str, dict[str, Any]] = {
    "JPEG": {"subsampling": "4:2:0", "optimize": True, "progressive": True},
    "WebP": {"method": 6},
    "AVIF": {"subsampling": "4:2:0", "speed": 0},
}
"""Pillow's options for the smallest files of each format."""


def encode(image: Image.Image, name: str, quality: int) -> bytes:
    """Return the file of a format at a quality, 0..100."""
    out = io.BytesIO()
    image.save(out, name, quality=quality, **ENCODERS[name])
    return out.getvalue()


def largest_below(image: Image.Image, name: str, count: int) -> bytes:
    """Return the best file of at most ``count`` bytes, or the smallest file."""
    low, high = 0, 100
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(encode(image, name, middle)) <= count else (low, middle - 1)
    return encode(image, name, low)


def panels(original: Image.Image, source: Path, quality: int) -> list[list[Panel]]:
    """Compress the picture in every format and return the panels of the sheet, row by row."""
    data = lbic.compress(original, q=quality)
    files = {name: largest_below(original, name, len(data)) for name in ENCODERS}
    decoded = {name: Image.open(io.BytesIO(file)).convert("RGB") for name, file in files.items()}
    others = [panel(original, decoded[name], f"{name}", len(files[name])) for name in ENCODERS]
    ours = panel(original, lbic.decompress(data), "lbic", len(data))
    texture = panel(original, lbic.decompress(data, type="nr+tr"), "lbic, --type nr+tr", len(data))
    first = Panel(original, "Original", f"{source.stat().st_size:,} bytes ({source.suffix[1:].upper()})")
    return [[first, *others[:2]], [others[2], ours, texture]]


def middle(image: Image.Image, side: int = 288) -> Box:
    """Return the square in the middle of a picture, or all of a smaller one."""
    width, height = min(side, image.width), min(side, image.height)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return left, top, left + width, top + height


def main() -> None:
    """Parse the command line and write the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?", default=DOG, help="default: examples/dog.png")
    parser.add_argument("-o", dest="output", type=Path, default=Path("comparison.webp"), help="PNG or WebP")
    parser.add_argument("-q", dest="quality", type=int, default=37, help="lbic's quality: a VVC QP, default 37")
    parser.add_argument("--crop", help="LEFT,TOP,RIGHT,BOTTOM in pixels; default: the middle")
    options = parser.parse_args()
    original = Image.open(options.photo).convert("RGB")
    rows = panels(original, options.photo, options.quality)
    for each in (each for row in rows for each in row):
        sys.stdout.write(f"{each.title:20} {each.facts}\n")
    box = FACE if options.photo == DOG else middle(original)
    if options.crop:
        left, top, right, bottom = (int(number) for number in options.crop.split(","))
        box = left, top, right, bottom
    sheet(rows, box).save(options.output, quality=95, method=6)


if __name__ == "__main__":
    main()
