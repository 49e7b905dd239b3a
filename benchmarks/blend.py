"""What side information on how much of noise reduction's correction to take would gain, and what it would cost.

The encoder has the original, so it could send a weight for each block of the picture. Here it chooses them as well
as can be, by the gain against the bytes of an adaptive arithmetic coder; nothing is written to a file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lbic import color, pipeline
from lbic.enhance.apply import enhance_planes
from lbic.enhance.choice import ENCODER
from lbic.enhance.types import parse
from lbic.picture.load import load
from lbic.pipeline import CompressSettings

QPS = (32, 37, 42)
BLOCKS = (32, 64, 128)
"""Sides in pixels."""
WEIGHTS = np.array([0, 0.5, 1, 1.5, 2])
CHROMA_WEIGHTS = (0.5, 1, 1.5)
DB_PER_E = 4.0
"""RGB-PSNR, dB, that e times the bytes bring: 3.8 on Kodak (the codec's QP 32 to 42 in docs/benchmark.md)."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """Sums over the blocks of a picture of what the error at some weights is made of."""

    error: Floats
    luma: Floats
    chroma: Floats
    luma_error: Floats
    chroma_error: Floats
    luma_chroma: Floats

    def remaining(self, luma: float, chroma: float) -> Floats:
        """The squared error of each block when so much of the corrections of luma and of chroma is taken."""
        return (
            self.error
            + luma * luma * self.luma
            + chroma * chroma * self.chroma
            - 2 * luma * self.luma_error
            - 2 * chroma * self.chroma_error
            + 2 * luma * chroma * self.luma_chroma
        )


def measure(folder: Path) -> str:
    """Markdown: a row for each QP and side of blocks, means over the PNG pictures of a folder."""
    found: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
    for path in sorted(folder.glob("*.png")):
        for qp in QPS:
            size, error, correction = corrected(path, qp)
            for side in BLOCKS:
                found.setdefault((qp, side), []).append(gain(size, sums(error, correction, side)))
        sys.stderr.write(f"{path.name}\n")
    lines = ["| QP | blocks | dB gained | bytes | the same bytes in the codec, dB |", "|---|---|---|---|---|"]
    for (qp, side), rows in sorted(found.items()):
        decibels, count, worth = np.mean(rows, axis=0)
        lines.append(f"| {qp} | {side}x{side} | {decibels:+.4f} | {count:.1f} | {worth:.4f} |")
    return "\n".join(lines)


def corrected(path: Path, qp: int) -> tuple[int, Floats, Floats]:
    """The bytes of a picture's file, the codec's error and the network's correction of it, (height, width, 3) RGB."""
    picture = load(path.read_bytes())
    kind = parse("nr")
    done = pipeline.compress(picture, CompressSettings("vvc", qp, type=kind))
    header, planes = pipeline.decode_coded(done.data)
    plain = color.planes_to_rgb(planes).astype(np.float64)
    enhanced = color.planes_to_rgb(enhance_planes(planes, kind, header, ENCODER, explicit=True).planes)
    return len(done.data), np.asarray(picture.image.convert("RGB")) / 255 - plain, enhanced - plain


def sums(error: Floats, correction: Floats, side: int) -> Sums:
    """Sums over blocks; blocks at the right and lower borders may be smaller."""
    luma = np.repeat((correction @ _LUMA)[..., None], 3, axis=2)
    chroma = correction - luma

    def total(product: Floats) -> Floats:
        plane: Floats = product.sum(axis=2)
        for axis in (0, 1):
            plane = np.add.reduceat(plane, np.arange(0, plane.shape[axis], side), axis=axis)
        return plane.ravel()

    pairs = ((error, error), (luma, luma), (chroma, chroma), (luma, error), (chroma, error), (luma, chroma))
    return Sums(*(total(one * other) for one, other in pairs))


def gain(size: int, parts: Sums) -> tuple[float, float, float]:
    """The dB that weights gain over taking all of the correction, their bytes, and what those bring in the codec."""
    whole = float(parts.remaining(1, 1).sum())
    worth_of_a_bit = whole * (10 ** (DB_PER_E / size / 10) - 1) / 8
    chosen = min((_choose(parts, chroma, worth_of_a_bit) for chroma in CHROMA_WEIGHTS), key=lambda found: found[0])
    _, left, bits = chosen
    return 10 * np.log10(whole / left), bits / 8, DB_PER_E * np.log1p(bits / 8 / size)


def _choose(parts: Sums, chroma: float, worth_of_a_bit: float) -> tuple[float, float, float]:
    """The cost of the best luma weights beside a chroma weight, the squared error they leave, and their bits."""
    errors = np.stack([parts.remaining(float(weight), chroma) for weight in WEIGHTS])
    counts: Floats = np.ones(len(WEIGHTS))
    for _ in range(4):  # the coder's probabilities follow the choice and the choice the probabilities
        prices = -np.log2(counts / counts.sum())
        symbols = np.argmin(errors + worth_of_a_bit * prices[:, None], axis=0)
        counts = 0.5 + np.bincount(symbols, minlength=len(WEIGHTS)).astype(np.float64)
    left = float(np.take_along_axis(errors, symbols[None], axis=0).sum())
    bits = _adaptive_bits(symbols) + 8  # a byte for the chroma weight and the side of the blocks
    return left + worth_of_a_bit * bits, left, bits


def _adaptive_bits(symbols: Iterable[int]) -> float:
    """What an arithmetic coder needs that learns how often each symbol comes."""
    counts = np.full(len(WEIGHTS), 0.4)
    bits = 0.0
    for symbol in symbols:
        bits -= np.log2(counts[symbol] / counts.sum())
        counts[symbol] += 1
    return bits
