"""Read picture files in a worker process.

A reader that crashes, hangs or exhausts memory fails one picture, not the batch. payloads.py does
the same for the payloads of .lbic files.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lbic import limits
from lbic.errors import printable
from lbic.isolation import process, protocol
from lbic.isolation.process import BadReplyError, ReaderError, Worker
from lbic.isolation.protocol import FILE, ITEMS, LOADED, OPENED, READ, REQUEST, SIZE
from lbic.picture.load import Picture


def load(data: bytes, *, max_pixels: int = limits.MAX_PIXELS, keep_icc: bool = False) -> Picture:
    """Read a picture file as ``picture.load.load`` does, in a worker process.

    Raises ImageError as that function does; ReaderError if the reader crashes, or needs far more
    time or memory than a picture of this size can need; MissingError if no worker starts.
    """
    seconds = protocol.TIMEOUT + protocol.TIMEOUT_PER_MEGABYTE * len(data) / 1e6
    head = REQUEST.pack(READ, math.ceil(seconds), len(data)) + FILE.pack(max_pixels, keep_icc)

    def exchange(worker: Worker) -> Picture:
        worker.send(head, data)
        worker.expect(OPENED)
        width, height = SIZE.unpack(worker.read(SIZE.size))
        if width * height > max_pixels or max(width, height) > limits.MAX_SIDE:
            raise BadReplyError
        worker.set_time_limit(protocol.TIMEOUT + protocol.TIMEOUT_PER_MEGAPIXEL * width * height / 1e6)
        return _read_picture(worker, (width, height), len(data) + limits.MAX_METADATA)

    with process.borrow() as worker:
        return worker.call(exchange, "the picture reader", seconds, ReaderError)


def _read_picture(worker: Worker, size: tuple[int, int], max_length: int) -> Picture:
    """Read the picture of a reply.

    Before memory is allocated, its size must be ``size``, as stored or turned by 90 degrees, and
    no part but samples and alpha may be longer than ``max_length`` bytes.
    """
    facts = _read_facts(worker, size, max_length)
    width, height = facts["size"]
    samples = Image.new(facts["mode"], (width, height))
    rows = protocol.band_rows(samples.mode, width)
    for top in range(0, height, rows):
        band = width, min(rows, height - top)
        data = worker.read(width * band[1] * len(samples.mode))
        samples.paste(Image.frombytes(samples.mode, band, data), (0, top))
    alpha = _read_alpha(worker, (height, width)) if facts["alpha"] else None
    items = {name: None if facts[name] is None else worker.read(facts[name]) for name in ITEMS}
    table = facts["luma_table"]
    return Picture(
        samples,
        alpha,
        **items,
        notes=tuple(printable(note) for note in facts["notes"]),
        luma_table=None if table is None else tuple(table),
        profile_applied=bool(facts["profile_applied"]),
    )


def _read_facts(worker: Worker, size: tuple[int, int], max_length: int) -> dict[str, Any]:
    """Read and check the JSON object that describes the picture."""
    count = worker.expect(LOADED)
    if count > max_length:
        raise BadReplyError
    try:
        facts: dict[str, Any] = json.loads(worker.read(count))
        lengths = [facts[name] for name in ITEMS if facts[name] is not None]
        valid = facts["mode"] in ("L", "RGB") and tuple(facts["size"]) in (size, size[::-1])
        valid = valid and all(type(number) is int for number in (*facts["size"], *lengths))
        valid = valid and all(0 <= length <= max_length for length in lengths)
    except (ValueError, KeyError, TypeError) as error:
        raise BadReplyError from error
    if not valid:
        raise BadReplyError
    return facts


def _read_alpha(worker: Worker, shape: tuple[int, int]) -> NDArray[np.uint8]:
    plane = np.empty(shape, np.uint8)
    worker.fill(plane.data)
    return plane
