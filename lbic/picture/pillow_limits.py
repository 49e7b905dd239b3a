"""Pillow with lbic's limit on pixels instead of its own, and without its warnings."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from lbic import limits

_lock = threading.RLock()


@contextmanager
def own_limits() -> Iterator[None]:
    """Open pictures inside. The limit and the warning filters belong to the process, so one thread at a time."""
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = limits.MAX_PIXELS
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
