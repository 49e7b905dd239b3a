"""What types 1 to 4 are measured against: a row a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.costs import Cost
from benchmarks.seams import Seams
from lbic.enhance.types import TYPES


@dataclass(frozen=True)
class Facts:
    """What was found of one type at the quality that the bars are about, all against the codec's picture.

    ``psnr`` (RGB, dB) and ``niqe`` are means; ``gain`` is in dB, ``better`` the share of pictures that gain, ``lpips``
    a change in percent, ``niqe_change`` a difference, ``bd_rate`` in percent over all qualities, ``flat`` in levels
    (lbic.metrics.flatness). None is what was not measured.
    """

    type: int
    psnr: float | None
    niqe: float | None
    gain: float | None = None
    better: float | None = None
    lpips: float | None = None
    niqe_change: float | None = None
    bd_rate: float | None = None
    flat: float | None = None
    seams: Seams | None = None
    cost: Cost | None = None


@dataclass(frozen=True)
class Bar:
    """One row: a fact of some types, and the least or the most that it may be."""

    title: str
    types: tuple[int, ...]
    value: Callable[[Facts], float | None]
    show: str
    least: float | None = None
    most: float | None = None

    def row(self, fact: Facts) -> str:
        """The bar, the fact, and whether it is met, as a row of Markdown."""
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
    """Every bar of every type that was measured."""
    for fact in facts:
        yield from (bar.row(fact) for bar in BARS if fact.type in bar.types)


@dataclass(frozen=True)
class Claim:
    """Which of types 1 to 4 comes first in Kim et al.; ``sign`` is -1 where more is better."""

    title: str
    first: int
    sign: int
    value: Callable[[Facts], float | None]

    def sentence(self, facts: Sequence[Facts]) -> str:
        """The order that was found, and whether the paper's first is first."""
        measured = [(self.sign * value, fact.type) for fact in facts if (value := self.value(fact)) is not None]
        if not measured:
            return f"{self.title}: not measured."
        order = [number for _, number in sorted(measured)]
        words = f"{self.title}, best first: {', '.join(str(TYPES[number]) for number in order)}"
        if self.first not in order:
            return f"{words}; type {TYPES[self.first]}, first in the paper, is not among them."
        networks = [number for number in order if number]  # the paper ranks its types, not the codec
        return (
            f"{words}; type {TYPES[self.first]} first as in the paper: {'yes' if networks[0] == self.first else 'NO'}."
        )


CLAIMS = (Claim("RGB-PSNR", 1, -1, lambda fact: fact.psnr), Claim("NIQE", 4, 1, lambda fact: fact.niqe))
