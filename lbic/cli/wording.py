"""Words and JSON keys that commands share for a picture, its codec and its size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lbic.codecs.table import get
from lbic.coding import SCALE_ONE, Coding
from lbic.enhance.providers import BY_NAME
from lbic.enhance.types import NONE, EnhancementType
from lbic.format.container import METADATA_NAMES, Header
from lbic.metrics.rate import bits_per_pixel


def join(*parts: str) -> str:
    """Join the parts of a report line with two spaces; empty parts are left out."""
    return "  ".join(part for part in parts if part)


def size(width: int, height: int) -> str:
    """Return "768x512"."""
    return f"{width}x{height}"


def coded(coding: Coding) -> str:
    """Return "vvc qp37", or "jpeg q10 scale 2" for a picture that was downsampled."""
    text = f"{coding.codec} {get(coding.codec).quality_symbol}{coding.quality}"
    return text if coding.scale == SCALE_ONE else f"{text} scale {scale_number(coding.scale):g}"


def rate(count: int, header: Header) -> str:
    """Return "4,211 B  0.086 bpp"."""
    return f"{count:,} B  {bits_per_pixel(count, *header.size):.3f} bpp"


def seconds(duration: float) -> str:
    """Return "2.1 s"."""
    return f"{duration:.1f} s"


def applied(kind: EnhancementType, strength: float) -> str:
    """Return "type 7 (ar)", or "type 7 (ar) strength 0.5" for a strength below 1."""
    text = f"type {kind}"
    return text if strength == 1 or kind is NONE else f"{text} strength {strength:g}"


def provider(name: str | None) -> str:
    """Return "CUDA" for CUDAExecutionProvider, and "" for None: no network ran."""
    return BY_NAME[name].label if name in BY_NAME else name or ""


def networks(models: Sequence[str], profile: str | None, provider: str | None) -> tuple[str, ...]:
    """Return the line that --verbose adds if networks ran."""
    return (f"{', '.join(models)} ({profile}) on {provider}",) if models else ()


def scale_number(sixteenths: int) -> float:
    """Return a scale in sixteenths as the user writes it: 1.5, or 2 as an integer."""
    return sixteenths // SCALE_ONE if sixteenths % SCALE_ONE == 0 else sixteenths / SCALE_ONE


def metadata_sizes(header: Header) -> dict[str, int]:
    """Return the size of each stored metadata item in bytes, by name."""
    return {METADATA_NAMES.get(kind, str(kind)): len(value) for kind, value in header.metadata.items()}


def header_record(header: Header) -> dict[str, Any]:
    """Return the JSON keys that reports on .lbic files share."""
    return {
        "width": header.width,
        "height": header.height,
        "codec": header.codec,
        "q": header.quality,
        "scale": scale_number(header.scale),
    }
