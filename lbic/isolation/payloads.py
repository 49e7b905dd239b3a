"""Decode payloads in a worker process.

A decoder that crashes, hangs or exhausts memory fails one picture, not the batch. A worker decodes
one picture at a time; threads that decode at the same time get one worker each.
"""

from __future__ import annotations

import math

import numpy as np

from lbic.codecs import table
from lbic.codecs.base import Codec, Geometry
from lbic.color import Plane, Planes
from lbic.isolation import process, protocol
from lbic.isolation.process import BadReplyError, DecoderError, Worker
from lbic.isolation.protocol import DECODE, DECODED, PLANE, REQUEST, STREAM


def decode(codec: Codec, stream: bytes, geometry: Geometry) -> Planes:
    """Decode as ``codec.decode`` does, in a worker process.

    Raises CodecError as ``codec.decode`` does; DecoderError if the decoder crashes, or needs far
    more time or memory than a picture of this size can need; MissingError if no worker starts.
    """
    seconds = protocol.TIMEOUT + protocol.TIMEOUT_PER_MEGAPIXEL * geometry.pixels / 1e6
    head = REQUEST.pack(DECODE, math.ceil(seconds), len(stream))
    fields = STREAM.pack(table.reference(codec.name).encode(), geometry.gray, geometry.width, geometry.height)

    def exchange(worker: Worker) -> Planes:
        worker.send(head + fields, stream)
        return _read_planes(worker, worker.expect(DECODED), geometry)

    with process.borrow() as worker:
        return worker.call(exchange, f"the {codec.name} decoder", seconds, DecoderError)


def _read_planes(worker: Worker, count: int, geometry: Geometry) -> Planes:
    """Read the planes of a reply. Their shapes are checked before memory is allocated for them."""
    whole = geometry.height, geometry.width
    half = -(-geometry.height // 2), -(-geometry.width // 2)
    if count != (1 if geometry.gray else 3):
        raise BadReplyError
    y = _read_plane(worker, {whole})
    if geometry.gray:
        return Planes(y)
    cb = _read_plane(worker, {whole, half})
    return Planes(y, cb, _read_plane(worker, {cb.shape}))


def _read_plane(worker: Worker, shapes: set[tuple[int, ...]]) -> Plane:
    shape = PLANE.unpack(worker.read(PLANE.size))
    if shape not in shapes:
        raise BadReplyError
    plane = np.empty(shape, np.float32)
    worker.fill(plane.data)
    return plane
