"""JPEG files of Kodak, gray and in colour, after `lbic enhance` with no option."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

import lbic
from lbic.errors import MissingError
from lbic.metrics.psnr import luma, psnr_luma, psnr_rgb

QUALITIES = (5, 10, 20, 40, 75, 90)


def measure(folder: Path) -> str:
    """Markdown: by quality, the mean gain over the JPEG and the least of any picture."""
    originals = []
    for path in sorted(folder.glob("kodim*.png")):
        with Image.open(path) as image:
            originals.append(image.convert("RGB"))
    lines = [
        "| quality | gray, luma: dB | gain | least | colour, luma: dB | gain | least | RGB: dB | gain | least |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for quality in QUALITIES:
        cells = [str(quality)]
        try:
            gray = [_enhanced(Image.fromarray(luma(original)), quality) for original in originals]
            colour = [_enhanced(original, quality) for original in originals]
        except MissingError as error:
            lines.append(f"| {quality} | {error} |" + " |" * 8)
            continue
        for results, metric in ((gray, psnr_luma), (colour, psnr_luma), (colour, psnr_rgb)):
            values = np.array(
                [(metric(original, jpeg), metric(original, better)) for original, jpeg, better in results]
            )
            gains = values[:, 1] - values[:, 0]
            cells += [f"{values[:, 0].mean():.2f}", f"**{gains.mean():+.2f}**", f"{gains.min():+.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _enhanced(original: Image.Image, quality: int) -> tuple[Image.Image, Image.Image, Image.Image]:
    """A picture, its JPEG file's, and what enhance makes of the file, with no option."""
    file = io.BytesIO()
    original.save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        image.load()
        return original, image, lbic.enhance(image)
