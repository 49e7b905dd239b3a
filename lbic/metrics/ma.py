"""Ma's metric (NRQM): how good a picture looks to forests trained on human judgements; 10 is best, no reference.

Ma, Yang, Yang and Yang, "Learning a No-Reference Quality Metric for Single-Image Super-Resolution" (Computer Vision
and Image Understanding, 2017). Each of three groups of features (see ma_features) has a forest of 2,000 trees, and the
score is linear in their answers. It needs SciPy and the authors' model, which lbic does not bring: model.mat, in the
folder that LBIC_WEIGHTS names. No other model stands in for it.
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
HOW = (
    f"put {FILE} (github.com/chaoma99/sr-metric) in a folder and set {weights.VARIABLE} to it; "
    "SciPy comes with pip install 'lbic[metrics]'"
)
"""What to do when it is missing."""


def ma(luma: NDArray[np.uint8]) -> float:
    """Ma's score of a plane, (height, width) in 0..255, both sides at least ma_features.LEAST_SIDE.

    Raises MissingError without SciPy or the model, ValueError for smaller planes.
    """
    return _load(weights.find(FILE)).score(luma)


def missing() -> str | None:
    """What Ma's metric lacks on this machine, a few words; None when it is ready (and loaded)."""
    try:
        _load(weights.find(FILE))
    except MissingError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class Model:
    """One forest for each group of features; ``weights`` are of 1 and of their answers, (4,)."""

    forests: tuple[Forest, ...]
    weights: NDArray[np.float64]

    def score(self, luma: NDArray[np.uint8]) -> float:
        """The score of a plane, see ma."""
        answers = (forest.predict(group) for forest, group in zip(self.forests, features(luma), strict=True))
        return float(np.dot([1.0, *answers], self.weights))


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
    except Exception as error:  # a file can be damaged in as many ways as SciPy has errors
        raise MissingError(f"{path}: not Ma's model: {error}") from error
    return Model(forests, linear)
