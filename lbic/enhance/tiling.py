"""Run a network over a picture of any size in tiles that overlap by its halo.

The halo is measured (train/halo.py): with it, tiles differ from the whole picture by at most a
tenth of a level. Tiles end at the picture's border, so the network's padding acts on the same
pixels. Tiles start at a multiple of the network's, so its strided layers fall on the same pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lbic.enhance.session import Session
from lbic.errors import MissingError

AUTO_TILE = 768
"""The automatic tile's side on a CPU, in pixels.

Tiles of 512 take 3 to 15 % more CPU time, for their halos. A whole picture takes 13 % more, since
its layers do not fit in the processor's caches (docs/models.md).
"""
LEAST_TILE = 32
"""The smallest tile's side in pixels."""
GPU_TILES = 512, 2048
"""The smallest and the largest automatic tile on a GPU; in larger tiles the halo costs next to
nothing."""


def run(
    session: Session,
    picture: NDArray[np.float32],
    tile: int | None,
    quality: int,
    shrunk: Callable[[int], None] = lambda size: None,
) -> NDArray[np.float32]:
    """Run a network on (channels, height, width) float32 in [0, 1]; the result has the same shape.

    ``tile`` is the tiles' side in pixels, None for the automatic one, and ``quality`` the number
    for the quality plane. Where a tile does not fit in memory, tiles are halved, down to
    LEAST_TILE, and ``shrunk`` gets the side of those that fit; raises MissingError when none fit.
    """
    first = size = max(LEAST_TILE, tile or automatic(session))
    while True:
        try:
            result = _run_tiles(session, picture, size, quality)
            if size < first:
                shrunk(size)
            return result
        except MemoryError as error:
            if size <= LEAST_TILE:
                name = session.spec.name
                raise MissingError(f"model {name}: not enough memory even for tiles of {size} pixels") from error
            size = max(LEAST_TILE, size // 2)


def automatic(session: Session) -> int:
    """Return the tiles' side when the user names none.

    On a GPU a tile fits in half of its free memory.
    """
    if not session.row.is_gpu:
        return AUTO_TILE
    smallest, largest = GPU_TILES
    free = session.row.free_memory()
    if free is None or session.row.bytes_per_pixel is None:
        return smallest
    with_halo = math.isqrt(free // 2 // session.row.bytes_per_pixel)
    return min(largest, max(smallest, with_halo - 2 * session.spec.halo))


def _run_tiles(session: Session, picture: NDArray[np.float32], size: int, quality: int) -> NDArray[np.float32]:
    """Run a network tile by tile, with tiles of at most ``size`` pixels a side and their halos."""
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
    """Yield equal parts of a side, of at most ``size`` pixels each, so that none is a sliver."""
    count = -(-length // size)
    edges = [length * index // count for index in range(count + 1)]
    yield from (slice(start, stop) for start, stop in pairwise(edges))


def _run_padded(session: Session, region: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
    """Pad a region to the network's multiple by its edges, add the quality plane, run and crop."""
    channels, height, width = region.shape
    multiple = session.spec.multiple
    pads = ((0, 0), (0, -height % multiple), (0, -width % multiple))
    batch = np.pad(region, pads, mode="edge") if multiple > 1 else region
    if session.spec.quality_plane:
        plane = np.full((1, *batch.shape[1:]), quality / 63, np.float32)
        batch = np.concatenate([batch, plane])
    return session.run(np.ascontiguousarray(batch[None]))[0, :channels, :height, :width]
