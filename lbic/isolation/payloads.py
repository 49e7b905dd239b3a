"""Decode in another process: a decoder that crashes, hangs or swallows memory costs one picture, not the batch.

A process decodes one picture at a time, so that threads that decode at a time get one each (children.decoder).
"""

from __future__ import annotations

import math

import numpy as np

from lbic.codecs.base import Codec, Geometry
from lbic.color import Plane, Planes
from lbic.isolation import process as children
from lbic.isolation import protocol
from lbic.isolation.process import Decoder, DecoderError, NoAnswerError
from lbic.isolation.protocol import DECODE, DECODED, PLANE, REQUEST, STREAM


def decode(codec: Codec, stream: bytes, geometry: Geometry) -> Planes:
    """Decode as ``codec.decode`` does, in another process.

    Raises CodecError as that does, DecoderError, which says what happened, when the decoder crashes, takes far
    longer or wants far more memory than a picture of this size can need, and MissingError when no process starts.
    """
    seconds = protocol.TIMEOUT + protocol.TIMEOUT_PER_MEGAPIXEL * geometry.pixels / 1e6
    head = REQUEST.pack(DECODE, math.ceil(seconds), len(stream))
    fields = STREAM.pack(codec.id, geometry.gray, geometry.width, geometry.height)

    def question(worker: Decoder) -> Planes:
        worker.send(head + fields, stream)
        return _planes(worker, worker.outcome(DECODED), geometry)

    with children.decoder() as process:
        return process.ask(question, f"the {codec.name} decoder", seconds, DecoderError)


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
    worker.fill(plane.data)
    return plane
