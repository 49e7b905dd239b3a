"""Type 7 on Kodak at JPEG quality 10 and 20: .lbic files and `lbic enhance`, luma and colour."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

import lbic
from lbic.metrics.psnr import luma, psnr_luma, psnr_rgb

QUALITIES = (10, 20)


def measure(folder: Path) -> str:
    """Return Markdown: mean PSNR before and after enhancement, and the range of gains."""
    lines = [
        "| picture | route | quality | JPEG, dB | type 7, dB | mean gain | least | most |",
        "|---|---|---|---|---|---|---|---|",
    ]
    originals = []
    for path in sorted(folder.glob("kodim*.png")):
        with Image.open(path) as image:
            originals.append(image.convert("RGB"))
    for (prepare, metrics), (route, restore), quality in product(PICTURES, ROUTES.items(), QUALITIES):
        results = [(picture, *restore(picture, quality)) for picture in map(prepare, originals)]
        for name, psnr in metrics.items():
            pairs = np.array([(psnr(picture, plain), psnr(picture, better)) for picture, plain, better in results])
            gains = pairs[:, 1] - pairs[:, 0]
            lines.append(
                f"| {name} | {route} | {quality} | {pairs[:, 0].mean():.2f} | {pairs[:, 1].mean():.2f} "
                f"| **{gains.mean():+.2f}** | {gains.min():+.2f} | {gains.max():+.2f} |"
            )
    return "\n".join(lines)


def _through_lbic(original: Image.Image, quality: int) -> tuple[Image.Image, Image.Image]:
    data = lbic.compress(original, codec="jpeg", q=quality)
    return lbic.decompress(data, type="none"), lbic.decompress(data, type="ar")


def _through_enhance(original: Image.Image, quality: int) -> tuple[Image.Image, Image.Image]:
    file = io.BytesIO()
    original.save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        image.load()
        return image, lbic.enhance(image, type="ar")


ROUTES: dict[str, Callable[[Image.Image, int], tuple[Image.Image, Image.Image]]] = {
    "`lbic decompress`": _through_lbic,
    "`lbic enhance`": _through_enhance,
}
Metric = Callable[[Image.Image, Image.Image], float]
PICTURES: tuple[tuple[Callable[[Image.Image], Image.Image], dict[str, Metric]], ...] = (
    (lambda image: Image.fromarray(luma(image)), {"luma as a gray picture": psnr_luma}),
    (lambda image: image, {"colour, luma PSNR": psnr_luma, "colour, RGB-PSNR": psnr_rgb}),
)
