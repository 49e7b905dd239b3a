"""Compress a picture file's bytes by one request, on this machine or another."""

from __future__ import annotations

from dataclasses import dataclass, field

from lbic.isolation import pictures
from lbic.limits import MAX_PIXELS
from lbic.picture.load import load
from lbic.pipeline import Compressed
from lbic.rate.request import CompressRequest
from lbic.rate.trials import Notify, ignore


@dataclass(frozen=True)
class Compressor:
    """A function from a picture file's bytes to a .lbic file, the same on every machine."""

    request: CompressRequest = field(default_factory=CompressRequest)
    """What the user wants of the file."""
    max_pixels: int = MAX_PIXELS
    """Pictures of more pixels are refused."""
    flatten: tuple[int, int, int] | None = None
    """The colour, RGB 0..255, to put pictures with alpha on; None keeps their alpha."""
    apart: bool = False
    """Whether a worker process reads the picture, as in the command line."""

    def __call__(self, data: bytes, notify: Notify = ignore) -> Compressed:
        """Compress a picture file; ``notify`` is called with a line on each trial for a target.

        Raises ImageError for data that is no picture or a damaged one, and as
        CompressRequest.compress does.
        """
        read = pictures.load if self.apart else load
        picture = read(data, max_pixels=self.max_pixels, keep_icc="icc" in self.request.keep)
        if self.flatten:
            picture = picture.flattened(self.flatten)
        return self.request.compress(picture, notify)
