"""The bars: what types 1 to 4 have to reach, a row each, and the order that the paper claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.costs import Cost
from benchmarks.seams import Seams
from lbic.enhance.types import TYPES


@dataclass(frozen=True)
class Facts:
    """Measurements of one type at QUALITY (see restored); None where one was not made.

    From ``gain`` on they compare the type with the codec's picture, and are None for type 0.
    """

    type: int
    psnr: float | None
    """Mean RGB-PSNR in dB."""
    niqe: float | None
    """Mean NIQE."""
    gain: float | None = None
    """Mean gain of RGB-PSNR in dB."""
    better: float | None = None
    """The share of pictures with a gain, 0..1."""
    lpips: float | None = None
    """Change of mean LPIPS in percent."""
    niqe_change: float | None = None
    """Change of mean NIQE."""
    bd_rate: float | None = None
    """BD-rate in percent over all qualities."""
    flat: float | None = None
    """Mean standard deviation added to flat blocks, in levels (lbic.metrics.flatness)."""
    seams: Seams | None = None
    cost: Cost | None = None


@dataclass(frozen=True)
class Bar:
    """A limit on one measurement of some types."""

    title: str
    types: tuple[int, ...]
    value: Callable[[Facts], float | None]
    """Returns the measurement."""
    show: str
    """The format of the measurement and of the limit."""
    least: float | None = None
    """The lower limit; None for a bar with an upper one."""
    most: float | None = None
    """The upper limit; None for a bar with a lower one."""

    def row(self, fact: Facts) -> str:
        """Return a row of Markdown: the bar, the measurement, and whether it is met."""
        value = self.value(fact)
        word, limit = ("at least", self.least) if self.most is None else ("at most", self.most)
        head = f"| {TYPES[fact.type]} | {self.title} | {word} {self.show.format(limit)} |"
        if value is None:
            return f"{head} not measured | |"
        met = (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        return f"{head} {self.show.format(value)} | {'yes' if met else '**NO**'} |"


BARS = (
    Bar("RGB-PSNR gain", (1,), lambda fact: fact.gain, "{:+.2f} dB", least=0.25),
    Bar("pictures that gain", (1,), lambda fact: fact.better, "{:.1%}", least=22 / 24),
    Bar("BD-rate", (1,), lambda fact: fact.bd_rate, "{:+.1f} %", most=-5),
    Bar("LPIPS", (2,), lambda fact: fact.lpips, "{:+.1f} %", most=0),
    Bar("LPIPS", (3, 4), lambda fact: fact.lpips, "{:+.1f} %", most=-25),
    Bar("RGB-PSNR gain", (3, 4), lambda fact: fact.gain, "{:+.2f} dB", least=-0.6),
    Bar("NIQE against the codec's", (3, 4), lambda fact: fact.niqe_change, "{:+.3f}", most=0),
    Bar("texture added to flat blocks", (1, 2, 3, 4), lambda fact: fact.flat, "{:.2f} levels", most=1),
    Bar(
        "pixels that tiles leave as they are",
        (1, 2, 3, 4),
        lambda fact: fact.seams.within if fact.seams else None,
        "{:.2%}",
        least=0.999,
    ),
    Bar("seconds", (1,), lambda fact: fact.cost.seconds if fact.cost else None, "{:.2f} s", most=1.5),
    Bar("seconds", (3,), lambda fact: fact.cost.seconds if fact.cost else None, "{:.2f} s", most=3),
)


def rows(facts: Sequence[Facts]) -> Iterator[str]:
    """Yield a row for every bar of every measured type."""
    for fact in facts:
        yield from (bar.row(fact) for bar in BARS if fact.type in bar.types)


@dataclass(frozen=True)
class Claim:
    """A claim of Kim et al. about which of types 1 to 4 is first."""

    title: str
    first: int
    """The type that is first in the paper."""
    sign: int
    """-1 where more is better, else 1."""
    value: Callable[[Facts], float | None]
    """Returns the measurement."""

    def sentence(self, facts: Sequence[Facts]) -> str:
        """Return the measured order, and whether the paper's first type is first in it."""
        measured = [(self.sign * value, fact.type) for fact in facts if (value := self.value(fact)) is not None]
        if not measured:
            return f"{self.title}: not measured."
        order = [number for _, number in sorted(measured)]
        words = f"{self.title}, best first: {', '.join(str(TYPES[number]) for number in order)}"
        if self.first not in order:
            return f"{words}; type {TYPES[self.first]}, first in the paper, is not among them."
        networks = [number for number in order if number]
        return (
            f"{words}; type {TYPES[self.first]} first as in the paper: {'yes' if networks[0] == self.first else 'NO'}."
        )


CLAIMS = (Claim("RGB-PSNR", 1, -1, lambda fact: fact.psnr), Claim("NIQE", 4, 1, lambda fact: fact.niqe))
