"""Compress the example photo with vvc and jpeg, decompress both, and show the enhancement.

Writes into demo/: the .lbic files, the decompressed pictures, and before-after.png, a row of
labelled crops for each codec: original, the codec's picture, and the enhanced pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from sheet import Panel, panel, sheet

import lbic

HERE = Path(__file__).resolve().parent
ROWS = (("vvc", 37, ("none", "nr", "nr+tr")), ("jpeg", 10, ("none", "nr")))
"""Codec, quality and the enhancement types to show: for vvc types 1 and 3."""
FACE = (120, 140, 408, 428)


def main() -> None:
    """Run the demo in demo/ beside the examples folder."""
    folder = HERE.parent / "demo"
    folder.mkdir(exist_ok=True)
    original = Image.open(HERE / "dog.png").convert("RGB")
    rows = []
    for codec, quality, types in ROWS:
        data = lbic.compress(original, codec=codec, q=quality)
        path = folder / f"dog-{codec}.lbic"
        path.write_bytes(data)
        sys.stdout.write(f"demo/{path.name}\n")
        row = [Panel(original, "Original", f"{(HERE / 'dog.png').stat().st_size:,} bytes (PNG)")]
        for kind in types:
            picture = lbic.decompress(data, type=kind)
            picture.save(folder / f"{path.name}.{kind}.png")
            title = f"{codec}, no networks" if kind == "none" else f"{codec}, --type {kind}"
            row.append(panel(original, picture, title, len(data)))
            sys.stdout.write(f"  {row[-1].title:20} {row[-1].facts}\n")
        rows.append(row)
    sheet(rows, FACE).save(folder / "before-after.png")
    sys.stdout.write("demo/before-after.png shows them side by side\n")


if __name__ == "__main__":
    main()
