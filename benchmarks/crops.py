"""Write crops side by side as one WebP file: the original, the codec's picture and every type.

python -m benchmarks.crops --pictures DIR docs/images [--crop kodim19:200,460 ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks.restored import CODEC, QUALITY, code, restore, shipped
from lbic.enhance.types import NONE

SIDE, GAP, HEAD = 192, 4, 14
"""In pixels: the side of a crop, the white between crops, the height of the titles."""


@dataclass(frozen=True)
class Crop:
    """A square of SIDE pixels."""

    picture: str
    """The name of the file, without its suffix."""
    left: int
    top: int

    @classmethod
    def parse(cls, text: str) -> Crop:
        """Parse ``kodim19:200,460``. Raises ValueError for other text."""
        picture, corner = text.split(":")
        left, top = (int(number) for number in corner.split(","))
        return cls(picture, left, top)


CROPS = (Crop("kodim19", 200, 460), Crop("kodim15", 380, 60), Crop("kodim20", 60, 60))
"""Grass and a fence, a face, and a sky that has to stay smooth."""


def sheet(folder: Path, crops: Sequence[Crop], quality: int) -> Image.Image:
    """Return a picture with a row for each crop and a column for each version."""
    kinds = shipped()
    titles = ["original", f"{CODEC} {quality}", *(f"type {kind}" for kind in kinds)]
    size = len(titles) * (SIDE + GAP) - GAP, HEAD + len(crops) * (SIDE + GAP) - GAP
    result = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(result)
    for column, title in enumerate(titles):
        draw.text((column * (SIDE + GAP), 0), title, fill="black")
    for row, crop in enumerate(crops):
        coded = code(folder / f"{crop.picture}.png", quality)
        box = crop.left, crop.top, crop.left + SIDE, crop.top + SIDE
        for column, picture in enumerate([coded.original, *(restore(coded, kind) for kind in (NONE, *kinds))]):
            result.paste(picture.crop(box), (column * (SIDE + GAP), HEAD + row * (SIDE + GAP)))
    return result


def main() -> None:
    """Parse the command line, and write hgrdn-q37.webp into the folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crops", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder that the picture is written to")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of kodim01.png .. kodim24.png")
    parser.add_argument(
        "--crop", type=Crop.parse, action="append", metavar="NAME:LEFT,TOP", help="instead of the usual crops"
    )
    parser.add_argument("--qp", type=int, default=QUALITY, help=f"default {QUALITY}")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    picture = sheet(options.pictures, options.crop or CROPS, options.qp)
    picture.save(options.folder / f"hgrdn-q{options.qp}.webp", lossless=True, method=6)


if __name__ == "__main__":
    main()
