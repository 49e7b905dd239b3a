"""A thread that draws the batches of the coming steps while the device computes.

The random sequence is that of drawing in turn: the thread has its own copy of the generator, and
the run's generator gets the state that belongs to the batch of each step when the step takes it.
So a checkpoint never counts batches that were drawn ahead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Full, Queue
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lbic.train.data import Levels

Draw = Callable[[np.random.Generator, int], Levels]
"""Draws the batch of a step, counted from 0, with a random generator."""
_AHEAD = 4
"""Batches that wait for their steps."""
_WAIT = 0.1
"""Seconds between checks whether the thread should stop."""


class Feed:
    """The batches of a run, in order; each is drawn in a thread, a few steps ahead."""

    def __init__(self, draw: Draw, rng: np.random.Generator, step: int, pin: bool) -> None:
        """Start drawing at a step, with the state of the run's generator.

        ``pin`` puts the batches in pinned memory, from which a GPU copies while it computes.
        """
        self._draw = draw
        self._rng = rng
        self._pin = pin
        self._start(step)

    def next(self) -> tuple[Tensor, ...]:
        """Return the next batch, the fields of Levels, and move the run's generator past it.

        Raises what drawing raised.
        """
        item = self._queue.get()
        if isinstance(item, Exception):
            raise item
        batch: tuple[Tensor, ...]
        state, batch = item
        self._rng.bit_generator.state = state
        return batch

    def restart(self, step: int) -> None:
        """Drop all waiting batches and draw them again, from a step on."""
        self.close()
        self._start(step)

    def close(self) -> None:
        """Stop the thread."""
        self._stopped.set()
        self._thread.join()

    def _start(self, step: int) -> None:
        # The thread gets its own queue and event: those of an earlier thread stay closed.
        self._queue: Queue[Any] = Queue(_AHEAD)
        self._stopped = threading.Event()
        rng = np.random.default_rng()
        rng.bit_generator.state = self._rng.bit_generator.state
        self._thread = threading.Thread(target=self._fill, args=(rng, step), name="feed", daemon=True)
        self._thread.start()

    def _fill(self, rng: np.random.Generator, step: int) -> None:
        while not self._stopped.is_set():
            try:
                levels = self._draw(rng, step)
                batch = to_tensors(levels)
                item: Any = (
                    rng.bit_generator.state,
                    tuple(part.pin_memory() for part in batch) if self._pin else batch,
                )
            except Exception as error:  # the step that needs this batch raises it
                item = error
            self._put(item)
            if isinstance(item, Exception):
                return
            step += 1

    def _put(self, item: Any) -> None:
        while not self._stopped.is_set():
            try:
                return self._queue.put(item, timeout=_WAIT)
            except Full:
                continue
        return None


def to_tensors(levels: Levels) -> tuple[Tensor, ...]:
    """Return the fields of a batch as tensors on the CPU."""
    return tuple(torch.from_numpy(values) for values in levels)


def on_device(batch: tuple[Tensor, ...], device: torch.device) -> tuple[Tensor, ...]:
    """Copy the fields of Levels to a device and return those of data.Batch.

    Crops of 8 bits are a quarter of the bytes; they become floats in [0, 1] there.
    """
    coded, truth, error, quality = (part.to(device, non_blocking=True) for part in batch)
    return coded.float() / 255, truth.float() / 255, error, quality
