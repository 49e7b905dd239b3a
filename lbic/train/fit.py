"""Fit the length of a run to a time: measure its steps, and set how many are left.

A run's speed is known only after its first steps, and may change. So the number of steps is set
again whenever a twentieth of the remaining time has passed. Near the end that is every few steps:
a machine that slows down still ends in time, with the learning rate at its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_WARMUP = 5
"""Steps that are not measured at first: the network is compiled in them."""
_FIRST = 3.0
"""Seconds that the first measurement takes, if that is less than a twentieth of the time."""
_PARTS = 20
"""Part of the remaining time after which the number of steps is set again."""


class Fit:
    """The time of a run, and what its steps, validations and checkpoints take of it."""

    def __init__(self, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Fit all sittings of a run to a time that begins now; ``clock`` returns seconds."""
        self.clock = clock
        self._end = clock() + minutes * 60
        self._first_step = 0
        self._step_seconds: float | None = None
        self._validation: float | None = None
        self._save: float | None = None
        self._mark: tuple[int, float] | None = None  # step and time at which a measurement began
        self._paused = 0.0  # seconds of validations and checkpoints since then

    def begin(self, step: int, seconds: float) -> None:
        """Start a sitting at a step; ``seconds`` is the time of all earlier sittings."""
        self._end -= seconds
        self._first_step = step

    @property
    def trial(self) -> bool:
        """Whether to validate and save now: the speed is known, but not what these two take."""
        return self._step_seconds is not None and (self._validation is None or self._save is None)

    def validated(self, seconds: float) -> None:
        """Take note of the time of a validation."""
        self._validation = seconds
        self._paused += seconds

    def saved(self, seconds: float) -> None:
        """Take note of the time of a checkpoint."""
        self._save = seconds
        self._paused += seconds

    def over(self) -> bool:
        """Return whether only the last checkpoint and validation still fit in the time."""
        return self._left() <= 0

    def last_step(self, step: int, validate_every: int, save_minutes: float) -> int | None:
        """Return the number of steps that fit in the time, after ``step`` of them.

        Returns None if it is too early for a new measurement. Call it only when all steps up to
        this one are computed; a GPU computes behind the program. ``validate_every`` and
        ``save_minutes`` are those of loop.Pace.
        """
        now = self.clock()
        if self._mark is None:
            if step >= self._first_step + _WARMUP:
                self._mark, self._paused = (step, now), 0.0
            return None
        marked_step, marked_time = self._mark
        left = self._left()
        enough = left / _PARTS if self._step_seconds is not None else min(_FIRST, left / _PARTS)
        if step == marked_step or now - marked_time < enough:
            return None
        measured = (now - marked_time - self._paused) / (step - marked_step)
        self._step_seconds = measured if self._step_seconds is None else (self._step_seconds + measured) / 2
        self._mark, self._paused = (step, now), 0.0
        usable = left * (1 - min(0.5, (self._save or 0) / (save_minutes * 60)))
        each = self._step_seconds + (self._validation or 0) / validate_every
        return step + max(0, int(usable / max(each, 1e-9)))

    def _left(self) -> float:
        """Return the seconds until the last checkpoint must begin."""
        return self._end - self.clock() - (self._validation or 0) - (self._save or 0)
