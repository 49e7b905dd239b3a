"""Kodak at QP 37, effort 2: bytes of the file and of its parts, and agreement of two decoders."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

import lbic
from lbic import pipeline
from lbic.codecs import encoders, vvc
from lbic.codecs.bitstream import split
from lbic.metrics.psnr import psnr_luma, psnr_rgb
from lbic.metrics.rate import bits_per_pixel

_PICTURE = (8, 17)
"""NAL unit types: the slice of an IDR picture (8), adaptation parameter sets (17)."""


@dataclass(frozen=True)
class Row:
    """The measurements of one picture."""

    name: str
    size: int
    """Bytes of the .lbic file."""
    stream: int
    """Bytes of the standard stream."""
    picture: int
    """Bytes of the slice and of the adaptation parameter sets."""
    bpp: float
    rgb: float
    """RGB-PSNR in dB."""
    luma: float
    """Luma PSNR in dB."""
    identical: bool
    """Whether ffmpeg decodes the same samples."""


def measure(folder: Path) -> str:
    """Return Markdown: a row for each picture, and the means."""
    rows = [_row(path) for path in sorted(folder.glob("kodim*.png"))]
    lines = [
        "| picture | bytes | stream | slice and APS | the rest | bpp | RGB-PSNR | luma PSNR | decoders agree |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {r.name} | {r.size:,} | {r.stream:,} | {r.picture:,} | {r.size - r.picture} | {r.bpp:.4f} "
            f"| {r.rgb:.2f} | {r.luma:.2f} | {'yes' if r.identical else 'NO'} |"
            for r in rows
        ),
        f"| **mean of {len(rows)}** | {_mean(r.size for r in rows):,.0f} | {_mean(r.stream for r in rows):,.0f} "
        f"| {_mean(r.picture for r in rows):,.0f} | {_mean(r.size - r.picture for r in rows):.1f} "
        f"| {_mean(r.bpp for r in rows):.4f} "
        f"| {_mean(r.rgb for r in rows):.2f} | {_mean(r.luma for r in rows):.2f} "
        f"| {sum(r.identical for r in rows)} of {len(rows)} |",
    ]
    return "\n".join(lines)


def _row(path: Path) -> Row:
    with Image.open(path) as image:
        original = image.convert("RGB")
    data = lbic.compress(original, q=37, effort=2)
    plain = lbic.decompress(data, type=0)
    _, stream = pipeline.extract(data)
    units = (unit.removesuffix(b"\x00") for unit in split(stream))
    picture = sum(len(unit) for unit in units if unit[1] >> 3 in _PICTURE)
    bpp = bits_per_pixel(len(data), *original.size)
    psnrs = psnr_rgb(original, plain), psnr_luma(original, plain)
    return Row(path.stem, len(data), len(stream), picture, bpp, *psnrs, second_decoder_agrees(stream))


def second_decoder_agrees(stream: bytes) -> bool:
    """Return whether ffmpeg's program, on one thread, decodes the same 10-bit samples."""
    ours = b"".join(plane.astype("<u2").tobytes() for plane in vvc.decode_levels(stream))
    with TemporaryDirectory() as folder:
        source = Path(folder, "a.266")
        source.write_bytes(stream)
        command = [encoders.require().path, "-v", "error", "-threads", "1", "-i", str(source), "-f", "rawvideo", "-"]
        return subprocess.run(command, capture_output=True, check=True).stdout == ours


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
