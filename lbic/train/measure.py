"""Measure the gain and the CPU time of an exported network on whole pictures."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from lbic.enhance.engine import onnxruntime
from lbic.nets.base import QUALITY_UNIT
from lbic.train.data import Floats, PairSet
from lbic.train.validate import gains


class OnnxNetwork:
    """An ONNX file as a function (validate.Restore) that measures its own CPU time."""

    def __init__(self, data: bytes) -> None:
        """Load the bytes of an ONNX file."""
        ort = onnxruntime()
        options = ort.SessionOptions()
        # A thread that spins while it waits would count as CPU time.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._quality_plane = self._session.get_inputs()[0].shape[1] > self._session.get_outputs()[0].shape[1]
        self._pixels = 0
        self._seconds = 0.0

    def __call__(self, picture: Floats, quality: int) -> Floats:
        """Restore a picture, (height, width, channels) float32 in [0, 1], of the given quality."""
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
        """CPU seconds for a million pixels, averaged over all calls."""
        return self._seconds / max(self._pixels, 1) * 1e6


def measure(data: bytes, pairs: PairSet, multiple: int, before: bytes | None = None) -> tuple[dict[str, float], float]:
    """Measure an ONNX file on the whole pictures of a prepared folder.

    Returns the gain over the codec's picture in dB for each quality, and the CPU seconds per
    megapixel. Pictures are padded to sides that are multiples of ``multiple``. ``before`` is the
    ONNX file of the network that runs before this one, if any: the gain is that of both, the time
    that of this one alone.
    """
    network = OnnxNetwork(data)
    first = OnnxNetwork(before) if before else None
    by_quality = gains(lambda picture, q: network(first(picture, q) if first else picture, q), pairs, multiple)
    return {str(quality): round(gain, 3) for quality, gain in by_quality.items()}, network.seconds_per_megapixel
