"""Read picture files in another process: a reader that crashes, hangs or swallows memory costs one picture, not the
batch. codecs/isolated.py does the same for payloads.
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
from lbic.isolation import process as children
from lbic.isolation import protocol
from lbic.isolation.process import Decoder, NoAnswerError, ReaderError
from lbic.isolation.protocol import FILE, ITEMS, LOADED, OPENED, READ, REQUEST, SIZE
from lbic.picture.load import Picture


def load(data: bytes, *, max_pixels: int = limits.MAX_PIXELS, keep_icc: bool = False) -> Picture:
    """Read a picture file as ``image.load`` does, in another process.

    Raises ImageError as that does, ReaderError, which says what happened, when the reader crashes, takes far longer or
    wants far more memory than a picture of this size can need, and MissingError when no process starts.
    """
    seconds = protocol.TIMEOUT + protocol.TIMEOUT_PER_MEGABYTE * len(data) / 1e6
    head = REQUEST.pack(READ, math.ceil(seconds), len(data)) + FILE.pack(max_pixels, keep_icc)

    def question(reader: Decoder) -> Picture:
        reader.send(head, data)
        reader.outcome(OPENED)
        width, height = SIZE.unpack(reader.read(SIZE.size))
        if width * height > max_pixels or max(width, height) > limits.MAX_SIDE:
            raise NoAnswerError
        reader.allow(protocol.TIMEOUT + protocol.TIMEOUT_PER_MEGAPIXEL * width * height / 1e6)
        return _picture(reader, (width, height), len(data) + limits.MAX_METADATA)

    with children.decoder() as process:
        return process.ask(question, "the picture reader", seconds, ReaderError)


def _picture(reader: Decoder, size: tuple[int, int], most: int) -> Picture:
    """The picture of a reply. It must be of this size, upright or turned, and nothing beside its samples and alpha
    longer than ``most`` bytes, before there is room for it."""
    facts = _facts(reader, size, most)
    width, height = facts["size"]
    samples = Image.new(facts["mode"], (width, height))
    rows = protocol.band_rows(samples.mode, width)
    for top in range(0, height, rows):
        band = width, min(rows, height - top)
        data = reader.read(width * band[1] * len(samples.mode))
        samples.paste(Image.frombytes(samples.mode, band, data), (0, top))
    alpha = _alpha(reader, (height, width)) if facts["alpha"] else None
    items = {name: None if facts[name] is None else reader.read(facts[name]) for name in ITEMS}
    table = facts["luma_table"]
    return Picture(
        samples,
        alpha,
        **items,
        notes=tuple(printable(note) for note in facts["notes"]),
        luma_table=None if table is None else tuple(table),
    )


def _facts(reader: Decoder, size: tuple[int, int], most: int) -> dict[str, Any]:
    """What a reply says of the picture that follows."""
    count = reader.outcome(LOADED)
    if count > most:
        raise NoAnswerError
    try:
        facts: dict[str, Any] = json.loads(reader.read(count))
        lengths = [facts[name] for name in ITEMS if facts[name] is not None]
        fits = facts["mode"] in ("L", "RGB") and tuple(facts["size"]) in (size, size[::-1])
        fits = fits and all(type(number) is int for number in (*facts["size"], *lengths))
        fits = fits and all(0 <= length <= most for length in lengths)
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswerError from error
    if not fits:
        raise NoAnswerError
    return facts


def _alpha(reader: Decoder, shape: tuple[int, int]) -> NDArray[np.uint8]:
    plane = np.empty(shape, np.uint8)
    reader.fill(plane.data)
    return plane
