"""Random forests for regression (Breiman, 2001), as randomforest-matlab stores them: the mean over many trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Forest:
    """Trees side by side: of node n of tree t tells [n, t].

    Children and variables are counted from 1. ``left`` is 0 in a leaf, whose ``value`` is the tree's answer; elsewhere
    a feature that is at most ``threshold`` leads to the left. Answers are corrected to offset + slope * answer.
    """

    left: NDArray[np.integer[Any]]
    right: NDArray[np.integer[Any]]
    variable: NDArray[np.integer[Any]]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]
    offset: float = 0.0
    slope: float = 1.0

    @classmethod
    def from_matlab(cls, stored: Mapping[str, Any], features: int) -> Forest:
        """Of a model of regRF_train for so many features; KeyError or ValueError where it is none.

        Node status is not read: as characters, it is lost on the way. A node is a leaf when it has no left child.
        """
        # Memory is set aside for the largest tree there could be, three times of what most need.
        used = int(np.max(stored["ndtree"]))
        left, right, variable, threshold, value = (
            np.ascontiguousarray(stored[name][:used]) for name in ("lDau", "rDau", "mbest", "upper", "avnode")
        )
        if not left.shape == right.shape == variable.shape == threshold.shape == value.shape == (used, left.shape[1]):
            raise ValueError("trees of different shapes")
        own = np.arange(1, used + 1)[:, None]
        inner = left != 0
        # Children come after their parents, so that no walk goes round in circles.
        if np.any(inner & ((np.minimum(left, right) <= own) | (np.maximum(left, right) > used))):
            raise ValueError("a child that is no later node")
        if np.any(inner & ((variable < 1) | (variable > features))):
            raise ValueError(f"a variable that is none of the {features}")
        correction = np.ravel(stored["coef"])
        bias = [float(part) for part in correction] if np.any(correction) else []
        return cls(left, right, variable, threshold, value, *bias)

    def predict(self, features: NDArray[np.float64]) -> float:
        """The forest's answer for one vector of features."""
        trees = np.arange(self.left.shape[1])
        nodes = np.zeros_like(trees)
        while (inner := self.left[nodes, trees] != 0).any():
            at = nodes[inner], trees[inner]
            smaller = features[self.variable[at] - 1] <= self.threshold[at]
            nodes[inner] = np.where(smaller, self.left[at], self.right[at]) - 1
        return self.offset + self.slope * float(self.value[nodes, trees].mean())
