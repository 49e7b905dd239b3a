"""What a finished ONNX file gains and costs, measured the way it is used: by ONNX Runtime, on whole pictures."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from lbic.enhance.engine import onnxruntime
from lbic.nets.base import QUALITY_UNIT
from lbic.train.data import Floats, PairSet
from lbic.train.validate import gains


class OnnxNetwork:
    """An ONNX network as a function of a picture, (height, width, channels) in [0, 1]; counts its CPU time."""

    def __init__(self, data: bytes) -> None:
        ort = onnxruntime()
        options = ort.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting is no work
        self._session: Any = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._quality_plane = self._session.get_inputs()[0].shape[1] > self._session.get_outputs()[0].shape[1]
        self._pixels = 0
        self._seconds = 0.0

    def __call__(self, picture: Floats, quality: int) -> Floats:
        batch = picture.transpose(2, 0, 1)[None]
        if self._quality_plane:
            plane = np.full_like(batch[:, :1], quality / QUALITY_UNIT)
            batch = np.concatenate([batch, plane], axis=1)
        began = time.process_time()
        result: Floats = self._session.run(None, {self._input: np.ascontiguousarray(batch)})[0][0]
        self._seconds += time.process_time() - began
        self._pixels += picture.shape[0] * picture.shape[1]
        return result.transpose(1, 2, 0)

    @property
    def seconds_per_megapixel(self) -> float:
        """CPU seconds for a million pixels so far."""
        return self._seconds / max(self._pixels, 1) * 1e6


def measure(data: bytes, pairs: PairSet, multiple: int, before: bytes | None = None) -> tuple[dict[str, float], float]:
    """Gains in dB over the codec's picture by quality, on whole validation pictures, and CPU seconds per megapixel.

    ``multiple`` is what a picture's sides must be a multiple of, ``before`` the network that runs before this one: the
    gain is of both, the time of this one.
    """
    network = OnnxNetwork(data)
    first = OnnxNetwork(before) if before else None
    found = gains(lambda picture, q: network(first(picture, q) if first else picture, q), pairs, multiple)
    return {str(quality): round(gain, 3) for quality, gain in found.items()}, network.seconds_per_megapixel
