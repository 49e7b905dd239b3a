"""Ma's metric (NRQM): the quality of a picture, learned from human judgements; 10 is best.

It needs no reference. Ma, Yang, Yang and Yang, "Learning a No-Reference Quality Metric for
Single-Image Super-Resolution" (Computer Vision and Image Understanding, 2017). Each of three
groups of features (see ma_features) has a forest of 2,000 trees, and the score is linear in their
predictions. The metric needs SciPy and the authors' model, which lbic does not ship: model.mat in
the folder that LBIC_WEIGHTS names. No other model replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lbic.errors import MissingError
from lbic.metrics.forest import Forest
from lbic.metrics.ma_features import SIZES, features
from lbic.system import weights

FILE = "model.mat"
INSTALL = (
    f"put {FILE} (github.com/chaoma99/sr-metric) in a folder and set {weights.VARIABLE} to it; "
    "SciPy comes with pip install 'lbic[metrics]'"
)
"""What to install when the model or SciPy is missing."""


def ma(luma: NDArray[np.uint8]) -> float:
    """Return Ma's score of a luma plane; 10 is best.

    The plane is (height, width) in 0..255 with sides of at least ma_features.LEAST_SIDE. Raises
    MissingError without SciPy or the model, ValueError for smaller planes.
    """
    return _load(weights.find(FILE)).score(luma)


def missing() -> str | None:
    """Load the model; return what is missing in a few words, or None when the metric is ready."""
    try:
        _load(weights.find(FILE))
    except MissingError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class Model:
    """The authors' model."""

    forests: tuple[Forest, ...]
    """A forest for each group of features."""
    weights: NDArray[np.float64]
    """The constant of the score and the factors of the forests' predictions, (4,)."""

    def score(self, luma: NDArray[np.uint8]) -> float:
        """Return the score of a plane, as ``ma`` does."""
        predictions = (forest.predict(group) for forest, group in zip(self.forests, features(luma), strict=True))
        return float(np.dot([1.0, *predictions], self.weights))


@lru_cache(maxsize=1)
def _load(path: Path | None) -> Model:
    if path is None:
        raise MissingError("Ma model not found")
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise MissingError("Ma needs SciPy") from error
    try:
        stored = loadmat(path, simplify_cells=True, chars_as_strings=False)["model"]
        forests = tuple(Forest.from_matlab(one, size) for one, size in zip(stored["rf"], SIZES, strict=True))
        linear = np.ravel(stored["linear"]).astype(np.float64)
        if len(linear) != 1 + len(forests):
            raise ValueError(f"{len(linear)} weights for {len(forests)} forests")
    except Exception as error:  # SciPy raises errors of many kinds for damaged files
        raise MissingError(f"{path}: not Ma's model: {error}") from error
    return Model(forests, linear)
