"""Codecs that a network serves without having been trained for them."""

from __future__ import annotations

from dataclasses import dataclass


def distance_to_range(quality: int, ends: tuple[int, int]) -> int:
    """Return how far a quality is outside a range, given in either direction; 0 inside."""
    return max(min(ends) - quality, quality - max(ends), 0)


@dataclass(frozen=True)
class Equivalent:
    """A codec that a network was not trained for and, as measured, gains on (docs/models.md).

    The quality plane then holds a quality of the training whose pictures are damaged in a like
    way.
    """

    codec: str
    """The codec's name."""
    quality: tuple[int, int]
    """The first and the last quality, in either direction."""
    looks_like: tuple[int, int]
    """The qualities of the training that these two look like; those between are interpolated."""

    def distance(self, quality: int) -> int:
        """Return how far a quality is outside the range; 0 inside."""
        return distance_to_range(quality, self.quality)

    def quality_for(self, quality: int) -> int:
        """Return the quality of the training that a quality, clipped to the range, looks like."""
        first, last = self.quality
        share = (min(max(quality, min(self.quality)), max(self.quality)) - first) / (last - first)
        return round(self.looks_like[0] + share * (self.looks_like[1] - self.looks_like[0]))
