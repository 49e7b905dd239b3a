"""Compress the example photo with vvc and with jpeg, bring both back, and show what the networks add.

Writes demo/: the .lbic files, the decompressed pictures, and before-after.png (original, codec's picture,
enhanced picture; one row a codec).
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

import lbic
from lbic.metrics.psnr import psnr_rgb

HERE = Path(__file__).resolve().parent
CODINGS = (("vvc", 27, 2), ("jpeg", 10, 1))  # codec, quality, scale
CROP = (190, 90, 490, 390)


def main() -> None:
    """Run the demo in demo/ beside the examples folder."""
    out = HERE.parent / "demo"
    out.mkdir(exist_ok=True)
    original = Image.open(HERE / "dog.png")
    rows = []
    for codec, quality, scale in CODINGS:
        data = lbic.compress(original, codec=codec, q=quality, scale=scale)
        path = out / f"dog-{codec}.lbic"
        path.write_bytes(data)
        plain, enhanced = lbic.decompress(data, type=0), lbic.decompress(data)
        enhanced.save(out / f"{path.name}.png")
        bpp = 8 * len(data) / (original.width * original.height)
        sys.stdout.write(
            f"{path.name:14} {codec} q{quality} scale {scale}  {len(data):,} B  {bpp:.3f} bpp  "
            f"codec alone {psnr_rgb(original, plain):.2f} dB  enhanced {psnr_rgb(original, enhanced):.2f} dB\n"
        )
        rows.append([image.crop(CROP) for image in (original, plain, enhanced)])
    side = CROP[2] - CROP[0]
    sheet = Image.new("RGB", (3 * side, len(rows) * side))
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            sheet.paste(image, (x * side, y * side))
    sheet.save(out / "before-after.png")
    sys.stdout.write("before and after: demo/before-after.png (original, codec alone, enhanced)\n")


if __name__ == "__main__":
    main()
