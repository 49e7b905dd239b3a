"""Find how a picture that is no .lbic file was coded before, and the type that suits it.

The user may name codec and quality. A JPEG file's quality follows from its quantisation table. Any
other picture is assumed to be coded like those that the networks were trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lbic.codecs import jpegquality
from lbic.codecs.jpeg import JpegCodec
from lbic.codecs.table import CODECS, DEFAULT_CODEC, check_quality, get
from lbic.coding import Coding
from lbic.enhance import catalog
from lbic.enhance.catalog import ModelSpec
from lbic.enhance.types import NONE, EnhancementType
from lbic.errors import BetterThanTrainedError, MissingError
from lbic.picture.load import Picture


@dataclass(frozen=True)
class Degradation:
    """How the picture was coded before, and how well that is known."""

    coding: Coding
    """The codec and its quality (for jpeg 1..100), at full size."""
    known_from: Literal["option", "file", "assumed"]
    """Where the quality comes from: the user, the picture's file, or the codec's default."""

    def note(self) -> str:
        """Return the note for the user where an assumed quality matters."""
        return f"quality unknown: assumed {self.coding.quality}"


def find(picture: Picture, codec: str | None, quality: int | None, kind: EnhancementType | None) -> Degradation:
    """Find how a picture was coded: the given codec and quality go first, then what its file says.

    Where neither says, the codec is one that the networks of ``kind`` were trained for, or
    without a type the default codec, and the quality is its default. Raises UsageError for an
    unknown codec and for a quality out of its range.
    """
    table = picture.luma_table
    row = get(codec or (JpegCodec.name if table else _assumed_codec(kind)))
    if quality is not None:
        return Degradation(Coding(row.name, check_quality(row, quality)), "option")
    if table and row.name == JpegCodec.name:
        return Degradation(Coding(row.name, jpegquality.estimate(table)), "file")
    return Degradation(Coding(row.name, row.default_quality), "assumed")


def choose_type(degradation: Degradation) -> EnhancementType:
    """Return the type for a picture when the user names none: Catalog.enhancing_type.

    Raises MissingError when no network is shipped for the codec, and BetterThanTrainedError when
    the picture is known to be better than all that the networks were trained on: they may harm
    it.
    """
    coding = degradation.coding
    kind = catalog.load().enhancing_type(coding)
    if kind is NONE:
        raise MissingError(f"no network is shipped for pictures coded with {coding.codec}; 'lbic models' lists them")
    for spec in catalog.load().networks(kind, coding):
        if degradation.known_from != "assumed" and _is_better(coding, spec):
            raise BetterThanTrainedError(
                f"{coding.codec} quality {coding.quality} is better than what model {spec.name} is for "
                f"({spec.domain(coding.codec)}) and may be harmed by it",
                kind.id,
            )
    return kind


def _assumed_codec(kind: EnhancementType | None) -> str:
    """Return the default codec, or where the type's network is not for it, the network's first."""
    networks = catalog.load().networks(kind or NONE, Coding(DEFAULT_CODEC, CODECS[DEFAULT_CODEC].default_quality))
    codecs = networks[0].codecs if networks else ()
    return DEFAULT_CODEC if not codecs or DEFAULT_CODEC in codecs else codecs[0]


def _is_better(coding: Coding, spec: ModelSpec) -> bool:
    """Return whether a picture is better than all that the network was trained or measured for."""
    ranges = spec.ranges(coding.codec)
    if not ranges:
        return False
    if get(coding.codec).lower_is_better:
        return coding.quality < min(low for low, _ in ranges)
    return coding.quality > max(high for _, high in ranges)
