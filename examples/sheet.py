"""A sheet of labelled crops: how the example scripts show pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from lbic.metrics.psnr import psnr_rgb

GAP, LABEL = 6, 44
"""Pixels between crops, and the height of a label."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom of a crop, in pixels of the whole picture."""


@dataclass(frozen=True)
class Panel:
    """One picture of a sheet and the two lines above it."""

    picture: Image.Image
    title: str
    facts: str


def panel(original: Image.Image, decoded: Image.Image, title: str, count: int) -> Panel:
    """Return a panel with a label: the file's bytes and rate, the whole picture's RGB-PSNR."""
    bpp = 8 * count / (original.width * original.height)
    facts = f"{count:,} bytes  {bpp:.2f} bpp  {psnr_rgb(original, decoded):.2f} dB"
    return Panel(decoded, title, facts)


def sheet(rows: Sequence[Sequence[Panel]], box: Box) -> Image.Image:
    """Draw the same crop of every panel at 100 %, one row of panels below the other."""
    width, height = box[2] - box[0], box[3] - box[1]
    columns = max(len(row) for row in rows)
    size = columns * (width + GAP) - GAP, len(rows) * (LABEL + height + GAP) - GAP
    result = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(result)
    bold, plain = ImageFont.load_default(17), ImageFont.load_default(14)
    for y, row in enumerate(rows):
        for x, each in enumerate(row):
            left, top = x * (width + GAP), y * (LABEL + height + GAP)
            draw.text((left + 2, top + 2), each.title, "black", bold)
            draw.text((left + 2, top + 23), each.facts, "#404040", plain)
            result.paste(each.picture.crop(box), (left, top + LABEL))
    return result
