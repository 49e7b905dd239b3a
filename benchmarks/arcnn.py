"""ARCNN on Kodak's luma at JPEG quality 10 and 20: through .lbic files, and through `lbic enhance`."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import lbic
from lbic.metrics.psnr import psnr_luma

QUALITIES = (10, 20)


def measure(folder: Path) -> str:
    """Markdown: mean luma PSNR of the JPEG, of the enhanced picture, and the gain's extremes."""
    lines = ["| route | quality | JPEG, dB | type 7, dB | mean gain | least | most |", "|---|---|---|---|---|---|---|"]
    originals = []
    for path in sorted(folder.glob("kodim*.png")):
        with Image.open(path) as image:
            originals.append(image.convert("RGB"))
    for name, route in ROUTES.items():
        for quality in QUALITIES:
            pairs = np.array([route(original, quality) for original in originals])
            gains = pairs[:, 1] - pairs[:, 0]
            lines.append(
                f"| {name} | {quality} | {pairs[:, 0].mean():.2f} | {pairs[:, 1].mean():.2f} | **{gains.mean():+.2f}** "
                f"| {gains.min():+.2f} | {gains.max():+.2f} |"
            )
    return "\n".join(lines)


def _through_lbic(original: Image.Image, quality: int) -> tuple[float, float]:
    data = lbic.compress(original, codec="jpeg", q=quality)
    plain, enhanced = (lbic.decompress(data, type=kind) for kind in ("none", "ar"))
    return psnr_luma(original, plain), psnr_luma(original, enhanced)


def _through_enhance(original: Image.Image, quality: int) -> tuple[float, float]:
    file = io.BytesIO()
    original.save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        plain = image.convert("RGB")
    return psnr_luma(original, plain), psnr_luma(original, lbic.enhance(plain, type="ar"))


ROUTES: dict[str, Callable[[Image.Image, int], tuple[float, float]]] = {
    "`lbic compress --codec jpeg`, `lbic decompress`": _through_lbic,
    "`lbic enhance` on a JPEG file": _through_enhance,
}
