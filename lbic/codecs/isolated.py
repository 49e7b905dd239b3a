"""Decode in another process: a decoder that crashes, hangs or swallows memory costs one picture, not the batch.

A process decodes one picture at a time, so that threads that decode at a time get one each (children.decoder).
"""

from __future__ import annotations

import math

import numpy as np

from lbic import children
from lbic.children import Decoder, DecoderError, NoAnswerError
from lbic.codecs.base import Codec, Geometry
from lbic.codecs.worker import DECODED, LONGEST, NO_MEMORY, PLANE, READY, REFUSED, REPLY, REQUEST
from lbic.color import Plane, Planes
from lbic.errors import CodecError

TIMEOUT = 10
TIMEOUT_PER_MEGAPIXEL = 5
"""Seconds, added. The slowest decoder needs about 0.2 for a megapixel; only a hang exceeds this."""


def decode(codec: Codec, stream: bytes, geometry: Geometry) -> Planes:
    """Decode as ``codec.decode`` does, in another process.

    Raises CodecError as that does, DecoderError, which says what happened, when the decoder crashes, takes far
    longer or wants far more memory than a picture of this size can need, and MissingError when no process starts.
    """
    name, seconds = f"the {codec.name} decoder", TIMEOUT + TIMEOUT_PER_MEGAPIXEL * geometry.pixels / 1e6
    head = codec.id, geometry.gray, geometry.width, geometry.height, math.ceil(seconds), len(stream)
    request = REQUEST.pack(*head) + stream
    with children.decoder() as process:
        return process.ask(lambda worker: _ask(worker, request, geometry, name), name, seconds)


def _ask(worker: Decoder, request: bytes, geometry: Geometry, name: str) -> Planes:
    if not worker.ready:
        worker.ready = _head(worker) == (READY, 0)
    worker.requests.write(request)
    worker.requests.flush()
    outcome, count = _head(worker)
    if outcome == DECODED:
        return _planes(worker, count, geometry)
    if count > LONGEST:
        raise NoAnswerError
    sentence = worker.read(count).decode(errors="replace")
    if outcome == REFUSED:
        raise CodecError(sentence)
    if outcome == NO_MEMORY:
        raise DecoderError(f"{name} wants more memory than a picture of this size needs")
    raise DecoderError(f"{name} failed: {sentence}", unforeseen=True)


def _head(worker: Decoder) -> tuple[int, int]:
    outcome, count = REPLY.unpack(worker.read(REPLY.size))
    return outcome, count


def _planes(worker: Decoder, count: int, geometry: Geometry) -> Planes:
    """The planes of a reply. They must be those of the geometry before there is room for them."""
    whole = geometry.height, geometry.width
    half = -(-geometry.height // 2), -(-geometry.width // 2)
    if count != (1 if geometry.gray else 3):
        raise NoAnswerError
    y = _plane(worker, {whole})
    if geometry.gray:
        return Planes(y)
    cb = _plane(worker, {whole, half})
    return Planes(y, cb, _plane(worker, {cb.shape}))


def _plane(worker: Decoder, shapes: set[tuple[int, ...]]) -> Plane:
    shape = PLANE.unpack(worker.read(PLANE.size))
    if shape not in shapes:
        raise NoAnswerError
    plane = np.empty(shape, np.float32)
    if worker.replies.readinto(plane.data.cast("B")) != plane.nbytes:  # type: ignore[attr-defined]
        raise NoAnswerError
    return plane
