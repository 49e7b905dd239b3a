"""The schedule of a run: which step of the recipe each step of the run corresponds to.

The learning rate and everything else that changes with the step follow the recipe's steps. A run
of another length passes through them faster or slower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lbic.errors import UsageError

_TOLERANCE = 0.01
"""Part of the remaining steps by which a schedule may grow before it is changed."""


@dataclass(frozen=True)
class Schedule:
    """A linear map from the steps of a run to those of its recipe, from ``start`` to ``end``."""

    steps: int
    """Number of steps of the recipe."""
    end: int
    """Number of steps of the run."""
    start: int = 0
    """Step of the run, counted from 0, from which the map holds."""
    position: float = 0.0
    """Step of the recipe that corresponds to ``start``."""

    def at(self, step: int) -> float:
        """Return the recipe's step for a step of the run, both counted from 0.

        The last step of the run corresponds to the last one of the recipe.
        """
        if self.end == self.steps and self.start == 0:
            return step
        last = self.steps - 1
        if step >= self.end - 1:
            return last
        return self.position + (last - self.position) * (step - self.start) / (self.end - 1 - self.start)

    def refit(self, step: int, end: int) -> Schedule:
        """Return the schedule that goes on from its position at ``step`` and ends at ``end``.

        It is this schedule unchanged if that adds at most 1 % to the remaining steps.
        """
        if self.end <= end <= self.end + _TOLERANCE * (self.end - step):
            return self
        return Schedule(self.steps, end, step, self.at(step))

    def state(self) -> dict[str, Any]:
        """Return what an exact resume needs."""
        return {"steps": self.steps, "end": self.end, "start": self.start, "position": self.position}

    def restored(self, state: dict[str, Any]) -> Schedule:
        """Return the schedule of a checkpoint.

        A checkpoint of a run that was as long as its recipe does not bind: then it is this
        schedule. Raises UsageError if the run was fitted to another number of steps.
        """
        saved = Schedule(int(state["steps"]), int(state["end"]), int(state["start"]), float(state["position"]))
        if saved.end == saved.steps and saved.start == 0:
            return self
        if saved.steps != self.steps:
            raise UsageError(f"the run was fitted to a recipe of {saved.steps} steps; this recipe has {self.steps}")
        return saved
