"""What an evaluation is to do: which codings of every picture, which types to decode with, what to measure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lbic.codecs import table as codecs
from lbic.codecs.base import DEFAULT_EFFORT, EFFORTS, Codec
from lbic.codecs.table import check_quality
from lbic.coding import SCALE_ONE, Coding
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, EnhancementType
from lbic.errors import UsageError
from lbic.evaluate import peers
from lbic.evaluate.peers import PEERS, Peer
from lbic.metrics.table import ALWAYS, Metric

_CODING = re.compile(rf"((?:{peers.PREFIX})?[^:@]*)(?:@([^:]*))?(?::(.*))?", re.DOTALL)


@dataclass(frozen=True)
class PlannedCoding(Coding):
    """A coding to make a file with, a .lbic file or that of a peer, which is always at full size."""

    effort: int | None = None
    """The codec's effort; None leaves it to the plan."""

    @property
    def name(self) -> str:
        """What rows call it: the codec, and the effort where it has one of its own."""
        return self.codec if self.effort is None else f"{self.codec}@{self.effort}"


@dataclass(frozen=True)
class Plan:
    """Every coding is done once for a picture, and decoded and measured once for every type."""

    codings: tuple[PlannedCoding, ...]
    types: tuple[EnhancementType, ...] = (NONE,)
    metrics: tuple[Metric, ...] = ALWAYS
    effort: int = DEFAULT_EFFORT
    runtime: Runtime = field(default_factory=Runtime)

    def types_of(self, coding: PlannedCoding) -> tuple[EnhancementType, ...]:
        """The types that a coding is decoded with; the files of peers are only what their own decoders make of them."""
        return (NONE,) if coding.codec in PEERS else self.types

    def effort_of(self, coding: PlannedCoding) -> int:
        """The effort that a coding is made with."""
        return self.effort if coding.effort is None else coding.effort

    @property
    def steps(self) -> int:
        """How many rows a picture gets."""
        return sum(len(self.types_of(coding)) for coding in self.codings)


def coder(name: str) -> Codec | Peer:
    """The codec of .lbic files or the peer of this name; UsageError when there is none."""
    return peers.get(name) if name.startswith(peers.PREFIX) else codecs.get(name)


def parse_codings(text: str) -> list[PlannedCoding]:
    """Codec and qualities as evaluate takes them, at full size.

    ``vvc:37``, ``file:jpeg:10,20``, ``vvc@4:37`` at an effort of its own, ``vvc`` for the default quality. Raises
    UsageError for an unknown codec, an effort that is none, or a quality that is no number or not in its range.
    """
    found = _CODING.fullmatch(text)
    assert found  # everything matches
    name, at, numbers = found.groups()
    known = coder(name)
    effort = None if at is None else _effort(at, text)
    if not numbers:
        return [PlannedCoding(name, known.default_quality, effort=effort)]
    try:
        qualities = [int(number) for number in numbers.split(",")]
    except ValueError:
        raise UsageError(f"{text!r}: qualities are whole numbers joined by commas, as in jpeg:10,20") from None
    return [PlannedCoding(name, check_quality(known, quality), effort=effort) for quality in qualities]


def _effort(number: str, text: str) -> int:
    """The effort that stands in a coding's text; UsageError names the range."""
    least, most = EFFORTS[0], EFFORTS[-1]
    if number not in map(str, EFFORTS):
        raise UsageError(f"{text!r}: the effort after @ is {least}..{most}, as in vvc@{most}:37")
    return int(number)


def codings(texts: Iterable[str], scales: Sequence[int]) -> tuple[PlannedCoding, ...]:
    """Every coding that the texts name at every scale, in sixteenths; those of peers only at full size."""
    parsed = dict.fromkeys(one for text in texts for one in parse_codings(text))
    return tuple(
        replace(coding, scale=scale)
        for coding in parsed
        for scale in ((SCALE_ONE,) if coding.codec in PEERS else scales)
    )


def missing(plan: Plan) -> list[str]:
    """Why codecs of the plan cannot encode here, a sentence each; empty when all can."""
    names = dict.fromkeys(coding.codec for coding in plan.codings)
    return [sentence for name in names if (sentence := coder(name).availability())]
