"""The plan of an evaluation: codings, enhancement types and metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lbic.codecs import table as codecs
from lbic.codecs.base import DEFAULT_EFFORT, EFFORTS, Codec, PerceptualCodec
from lbic.codecs.table import check_quality
from lbic.coding import SCALE_ONE, Coding
from lbic.enhance.choice import FIDELITY, PERCEPTUAL, Goal
from lbic.enhance.session import Runtime
from lbic.enhance.types import NONE, EnhancementType
from lbic.errors import UsageError
from lbic.evaluate import peers
from lbic.evaluate.peers import PEERS, Peer
from lbic.metrics.table import ALWAYS, Metric

_CODING = re.compile(rf"((?:{peers.PREFIX})?[^:@]*)(?:@([^:]*))?(?::(.*))?", re.DOTALL)


@dataclass(frozen=True)
class PlannedCoding(Coding):
    """A coding that an evaluation makes a file with; files of peers are always at full size."""

    effort: int | None = None
    """The effort of the encoder; None takes that of the plan."""
    goal: Goal = FIDELITY
    """What the encoder's mode is for."""

    @property
    def name(self) -> str:
        """The name in rows: the codec, and its own effort and goal where the coding has them."""
        words = [*([] if self.effort is None else [str(self.effort)]), *([] if self.goal == FIDELITY else [self.goal])]
        return f"{self.codec}@{','.join(words)}" if words else self.codec


@dataclass(frozen=True)
class Plan:
    """What to do with each picture: code it with every coding, and measure it with every type."""

    codings: tuple[PlannedCoding, ...]
    types: tuple[EnhancementType, ...] = (NONE,)
    """Types that .lbic files are decoded with; the default runs no networks."""
    metrics: tuple[Metric, ...] = ALWAYS
    effort: int = DEFAULT_EFFORT
    """The effort of codings without one of their own."""
    runtime: Runtime = field(default_factory=Runtime)
    """Profile, device and tiles of the networks."""

    def types_of(self, coding: PlannedCoding) -> tuple[EnhancementType, ...]:
        """Return the types that a coding is decoded with; type 0 alone for peers."""
        return (NONE,) if coding.codec in PEERS else self.types

    def effort_of(self, coding: PlannedCoding) -> int:
        """Return the effort of a coding."""
        return self.effort if coding.effort is None else coding.effort

    @property
    def steps(self) -> int:
        """The number of rows for a picture."""
        return sum(len(self.types_of(coding)) for coding in self.codings)


def coder(name: str) -> Codec | Peer:
    """Return the codec of .lbic files or the peer of a name. Raises UsageError for other names."""
    return peers.get(name) if name.startswith(peers.PREFIX) else codecs.get(name)


def parse_codings(text: str) -> list[PlannedCoding]:
    """Parse a codec with its qualities, at full size.

    Examples are ``vvc:37``, ``file:jpeg:10,20``, ``vvc@4:37`` with an effort of its own,
    ``vvc@perceptual:37`` and ``vvc@4,perceptual:37`` in the encoder's perceptual mode, and ``vvc``
    for the default quality. Raises UsageError for an unknown codec, for an effort or a quality
    out of range, for one that is not a number, and for a mode that the codec does not have.
    """
    match = _CODING.fullmatch(text)
    assert match  # the pattern matches every text
    name, at, numbers = match.groups()
    known = coder(name)
    words = [] if at is None else at.split(",")
    goal = PERCEPTUAL if PERCEPTUAL in words else FIDELITY
    if goal == PERCEPTUAL and not isinstance(known, PerceptualCodec):
        raise UsageError(f"{text!r}: {name} has no perceptual mode")
    efforts = [_effort(word, text) for word in words if word != PERCEPTUAL]
    if len(efforts) > 1:
        raise UsageError(f"{text!r}: a coding has one effort")
    effort = efforts[0] if efforts else None
    if not numbers:
        return [PlannedCoding(name, known.default_quality, effort=effort, goal=goal)]
    try:
        qualities = [int(number) for number in numbers.split(",")]
    except ValueError:
        raise UsageError(f"{text!r}: qualities are whole numbers joined by commas, as in jpeg:10,20") from None
    return [PlannedCoding(name, check_quality(known, quality), effort=effort, goal=goal) for quality in qualities]


def _effort(number: str, text: str) -> int:
    """Parse the effort in a coding's text. Raises UsageError, which names the range."""
    least, most = EFFORTS[0], EFFORTS[-1]
    if number not in map(str, EFFORTS):
        raise UsageError(f"{text!r}: the effort after @ is {least}..{most}, as in vvc@{most}:37")
    return int(number)


def codings(texts: Iterable[str], scales: Sequence[int]) -> tuple[PlannedCoding, ...]:
    """Return the codings of the texts at every scale, each once; those of peers at full size.

    ``scales`` are in sixteenths. Raises UsageError as parse_codings does.
    """
    parsed = dict.fromkeys(one for text in texts for one in parse_codings(text))
    return tuple(
        replace(coding, scale=scale)
        for coding in parsed
        for scale in ((SCALE_ONE,) if coding.codec in PEERS else scales)
    )


def missing(plan: Plan) -> list[str]:
    """Return a sentence on each codec of the plan that cannot encode on this machine."""
    names = dict.fromkeys(coding.codec for coding in plan.codings)
    return [sentence for name in names if (sentence := coder(name).availability())]
