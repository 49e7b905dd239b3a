"""How a picture is coded: the codec, its quality and the scale."""

from __future__ import annotations

from dataclasses import dataclass

SCALE_ONE = 16
"""The scale of a picture that is coded at its own size; scales are in sixteenths."""


@dataclass(frozen=True)
class Coding:
    """How a codec codes, or coded, a picture; networks are chosen by it."""

    codec: str
    """The codec's name, as in codecs/table.py."""
    quality: int
    """The codec's own quality; its range and direction differ from codec to codec."""
    scale: int = SCALE_ONE
    """Downsampling before the codec, in sixteenths: 32 halves both sides, the default keeps
    them."""

    def __str__(self) -> str:
        """Return the words of a sentence: jpeg quality 20, scale 2."""
        return f"{self.codec} quality {self.quality}, scale {self.scale / SCALE_ONE:g}"
