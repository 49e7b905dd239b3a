"""Replace Pillow's pixel limit by lbic's and silence its warnings."""

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
    """Apply lbic's limit inside the block, to open pictures.

    Limit and warning filters belong to the process, so only one thread at a time is inside.
    """
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = limits.MAX_PIXELS
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
