"""Run a network over a picture of any size in tiles that overlap by its halo.

The halo is measured (train/halo.py): with it, tiles and whole picture differ by at most a tenth of a level. At the
picture's border a tile ends there too, so the network's own padding acts on the same pixels. Tiles start at a multiple
of the network's own, so that its strided layers fall on the same pixels too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lbic.enhance import gpu
from lbic.enhance.session import CUDA, Session
from lbic.errors import MissingError

AUTO_TILE = 768
"""Pixels. Tiles of 512 take 3 to 15 % more CPU time, for the halo; a whole picture takes 13 % more, since its layers do
not fit in the processor's caches (docs/models.md)."""
LEAST_TILE = 32
GPU_TILES = 512, 2048
"""Smallest and largest automatic tile on a GPU: beyond, the halo costs next to nothing."""
_BYTES_PER_PIXEL = 4096
"""Of the full HGRDN in float16, a dense block's maps and as much again for cuDNN, rounded up."""


def run(session: Session, picture: NDArray[np.float32], tile: int | None, quality: int) -> NDArray[np.float32]:
    """Run a network on (channels, height, width) float32 in [0, 1] and return the same shape.

    A tile that does not fit in memory is halved and tried again, down to LEAST_TILE; MissingError below.
    """
    size = max(LEAST_TILE, tile or automatic(session))
    while True:
        try:
            return _run_tiles(session, picture, size, quality)
        except MemoryError as error:
            if size <= LEAST_TILE:
                name = session.spec.name
                raise MissingError(f"model {name}: not enough memory even for tiles of {size} pixels") from error
            size = max(LEAST_TILE, size // 2)


def automatic(session: Session) -> int:
    """The side of tiles when the user names none: on a GPU, what fits in half of its free memory."""
    if session.provider != CUDA:
        return AUTO_TILE
    smallest, largest = GPU_TILES
    free = gpu.free_memory()
    if free is None:
        return smallest
    with_halo = math.isqrt(free // 2 // _BYTES_PER_PIXEL)
    return min(largest, max(smallest, with_halo - 2 * session.spec.halo))


def _run_tiles(session: Session, picture: NDArray[np.float32], size: int, quality: int) -> NDArray[np.float32]:
    result = np.empty_like(picture)
    height, width = picture.shape[1:]
    halo, multiple = session.spec.halo, session.spec.multiple
    for rows in _spans(height, size):
        for columns in _spans(width, size):
            top, left = (max(0, span.start - halo) // multiple * multiple for span in (rows, columns))
            region = picture[:, top : rows.stop + halo, left : columns.stop + halo]
            out = _run_padded(session, region, quality)
            inner = out[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            result[:, rows, columns] = inner
    return result


def _spans(length: int, size: int) -> Iterator[slice]:
    """Cut a side into equal parts of at most ``size``: no sliver at the end."""
    count = -(-length // size)
    edges = [length * index // count for index in range(count + 1)]
    yield from (slice(start, stop) for start, stop in pairwise(edges))


def _run_padded(session: Session, region: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
    """Pad to the network's multiple by edge repetition, add the quality plane it may want, run, crop."""
    channels, height, width = region.shape
    multiple = session.spec.multiple
    pads = ((0, 0), (0, -height % multiple), (0, -width % multiple))
    batch = np.pad(region, pads, mode="edge") if multiple > 1 else region
    if session.spec.quality_plane:
        plane = np.full((1, *batch.shape[1:]), quality / 63, np.float32)
        batch = np.concatenate([batch, plane])
    return session.run(np.ascontiguousarray(batch[None]))[0, :channels, :height, :width]
