"""Random forests for regression (Breiman, 2001), as randomforest-matlab stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Forest:
    """A forest; its prediction is the mean over the trees. Arrays are (nodes, trees)."""

    left: NDArray[np.integer[Any]]
    """The left child of each node, counted from 1; 0 in a leaf."""
    right: NDArray[np.integer[Any]]
    """The right child of each node, counted from 1."""
    variable: NDArray[np.integer[Any]]
    """The feature that each node tests, counted from 1."""
    threshold: NDArray[np.float64]
    """A feature up to the threshold leads to the left child, a larger one to the right."""
    value: NDArray[np.float64]
    """The tree's prediction in each leaf."""
    offset: float = 0.0
    """Added to slope * mean; the default adds nothing."""
    slope: float = 1.0
    """Factor of the mean; the default leaves it as it is."""

    @classmethod
    def from_matlab(cls, stored: Mapping[str, Any], features: int) -> Forest:
        """Read a model of regRF_train for a number of features.

        The status of nodes is ignored, since SciPy loses it while reading characters: a node
        without a left child is a leaf. Raises KeyError or ValueError for other data.
        """
        # The file has room for the largest possible tree, three times what most trees need.
        used = int(np.max(stored["ndtree"]))
        left, right, variable, threshold, value = (
            np.ascontiguousarray(stored[name][:used]) for name in ("lDau", "rDau", "mbest", "upper", "avnode")
        )
        if not left.shape == right.shape == variable.shape == threshold.shape == value.shape == (used, left.shape[1]):
            raise ValueError("trees of different shapes")
        own = np.arange(1, used + 1)[:, None]
        inner = left != 0
        # Children come after their parents: otherwise a walk could run in a circle.
        if np.any(inner & ((np.minimum(left, right) <= own) | (np.maximum(left, right) > used))):
            raise ValueError("a child does not come after its parent")
        if np.any(inner & ((variable < 1) | (variable > features))):
            raise ValueError(f"a variable is not among the {features} features")
        correction = np.ravel(stored["coef"])
        bias = [float(part) for part in correction] if np.any(correction) else []
        return cls(left, right, variable, threshold, value, *bias)

    def predict(self, features: NDArray[np.float64]) -> float:
        """Return the prediction for one vector of features, (features,)."""
        trees = np.arange(self.left.shape[1])
        nodes = np.zeros_like(trees)
        while (inner := self.left[nodes, trees] != 0).any():
            at = nodes[inner], trees[inner]
            smaller = features[self.variable[at] - 1] <= self.threshold[at]
            nodes[inner] = np.where(smaller, self.left[at], self.right[at]) - 1
        return self.offset + self.slope * float(self.value[nodes, trees].mean())
