"""Hints: the option of the command line that helps with an error.

Errors below lbic.cli say what is wrong and never name an option, since a Python caller has none.
The command line adds the option by the error's class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lbic.errors import (
    BetterThanTrainedError,
    LbicError,
    NetworkMemoryError,
    NoAlphaError,
    NoGainsError,
    OtherRunError,
    OutputExistsError,
    ProviderError,
    QualityAndTargetError,
    TooLargeError,
)

if TYPE_CHECKING:
    from lbic.enhance.degradation import Degradation

HINTS: dict[type[LbicError], str] = {
    BetterThanTrainedError: "--type {error.type_id} runs it anyway",
    NetworkMemoryError: "a smaller --tile needs less",
    NoAlphaError: "-o chooses the format",
    NoGainsError: "train with --val",
    OtherRunError: "--{error.role} names that network",
    OutputExistsError: "use -f to overwrite it",
    ProviderError: "--device auto uses what works",
    QualityAndTargetError: "leave out -q",
    TooLargeError: "choose a larger --scale or another --codec",
}
"""The hint for each class of error and its subclasses; ``{error.x}`` is a field of the error."""


def hint(error: LbicError) -> str | None:
    """Return the hint for an error; None where no option helps."""
    for kind in type(error).__mro__:
        if kind in HINTS:
            return HINTS[kind].format(error=error)
    return None


def sentence(error: LbicError) -> str:
    """Return an error's sentence with its hint: "a.lbic exists; use -f to overwrite it"."""
    return _joined(str(error), hint(error))


def notes(notes: tuple[str, ...], obstacle: LbicError | None) -> tuple[str, ...]:
    """Return the notes on a file, with a hint in the note on the obstacle.

    ``obstacle`` is the error that kept the networks from running; None if there was none.
    """
    if obstacle is None:
        return notes
    return tuple(_joined(note, hint(obstacle)) if note.startswith(str(obstacle)) else note for note in notes)


def assumed_quality(notes: tuple[str, ...], degradation: Degradation) -> tuple[str, ...]:
    """Return the notes on a picture, with the option -q in the note on an assumed quality."""
    return tuple(_joined(note, "-q sets it") if note == degradation.note() else note for note in notes)


def dropped(counts: Mapping[str, int], total: int) -> str:
    """Return the note on metadata that ``total`` files lost: "EXIF, ICC dropped; ..."."""
    rows = sorted(counts.items())
    names = ", ".join(name.upper() if total == 1 else f"{name.upper()} of {count:,}" for name, count in rows)
    return f"{names} dropped; --keep all keeps {'it' if total == len(rows) == 1 else 'them'}"


def _joined(text: str, hint: str | None) -> str:
    return f"{text}; {hint}" if hint else text
