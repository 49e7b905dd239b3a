"""TIFF pictures that Pillow reads wrongly or not at all, read by tifffile (the extra tiff)."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from lbic.errors import ImageError, printable
from lbic.picture import depth
from lbic.picture.icc import chosen_space
from lbic.picture.tiff import Page

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ORIENTATION, _XMP, _ICC = 274, 700, 34_675
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_ASSOCIATED, _UNASSOCIATED = 1, 2
"""ExtraSamples: alpha that is multiplied with the colour, and alpha that is not."""


@dataclass(frozen=True)
class TiffReader:
    """A page of a TIFF file for tifffile, not decoded."""

    data: bytes
    """The file."""
    page: Page
    """The page, with the name of its kind."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as stored."""
        return self.page.size

    def decode(self, *, keep_icc: bool, notes: list[str]) -> tuple[Image.Image, None]:
        """Return the page as 8-bit sRGB with its alpha; the rest of the file is in its info.

        Raises ImageError, which names the kind of picture, if tifffile is missing or cannot read
        it, and for floats of no clear range.
        """
        return _read(self.data, self.page, keep_icc=keep_icc, notes=notes), None


def _read(data: bytes, page: Page, *, keep_icc: bool, notes: list[str]) -> Image.Image:
    try:
        import tifffile
    except ImportError:
        raise ImageError(f"{page.problem}; reading it needs the package tifffile (lbic's extra tiff)") from None
    try:
        with _complaints() as complaints, tifffile.TiffFile(io.BytesIO(data)) as file:
            stored: Any = file.pages[page.index]
            tags = {number: stored.tags[number].value for number in (_ORIENTATION, _XMP, _ICC) if number in stored.tags}
            samples = stored.asarray()
            if samples.dtype.kind == "f":
                samples = samples.astype("f4")
            axes, photometric = stored.axes, int(stored.photometric)
            extra = [int(each) for each in stored.extrasamples]
            bits = int(stored.bitspersample)
        if complaints:
            raise ValueError(complaints[0])
    except MemoryError:
        raise
    except Exception as error:  # another compression, or almost any damage
        raise ImageError(f"{page.problem}; tifffile cannot read it: {printable(str(error))}") from error
    samples = _channels_last(samples, axes)
    shares = _shares(samples, 3 if photometric == _RGB else 1, bits, notes)
    return _converted(shares, photometric, extra, tags, keep_icc=keep_icc, notes=notes)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect tifffile's messages about damaged samples, which it reads as 0.

    Messages about single tags are dropped: a damaged tag that matters leads to further messages.
    """
    lines: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    handler.addFilter(lambda record: "TiffTag" not in record.getMessage())
    logger = logging.getLogger("tifffile")
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


def _channels_last(samples: NDArray[Any], axes: str) -> NDArray[Any]:
    """Return samples as (height, width, channels)."""
    import numpy as np

    if axes == "YX":
        return samples[..., None]
    if axes == "SYX":
        return np.moveaxis(samples, 0, -1)
    if axes == "YXS":
        return samples
    raise ImageError(f"a TIFF file with the axes {axes}")


def _converted(
    shares: NDArray[np.float32],
    photometric: int,
    extra: list[int],
    tags: dict[int, Any],
    *,
    keep_icc: bool,
    notes: list[str],
) -> Image.Image:
    """Convert samples 0..1, (height, width, channels), to an 8-bit image."""
    import numpy as np

    count = 3 if photometric == _RGB else 1
    colour = shares[..., :count]
    has_alpha = bool(extra) and extra[0] in (_ASSOCIATED, _UNASSOCIATED) and shares.shape[-1] > count
    alpha = shares[..., count] if has_alpha else None
    if alpha is not None and extra[0] == _ASSOCIATED:
        colour = np.clip(colour / np.maximum(alpha, 1e-6)[..., None], 0, 1)
    if photometric == _WHITE_IS_ZERO:
        colour = 1 - colour
    icc = tags.get(_ICC)
    colours = chosen_space(icc, None, notes, keep_icc=keep_icc)
    colour = np.ascontiguousarray(colour if count == 3 else colour[..., 0])
    image = Image.fromarray(np.rint(colour * 255).astype(np.uint8) if colours is None else colours.to_srgb(colour))
    if alpha is not None:
        image.putalpha(Image.fromarray(np.rint(alpha * 255).astype(np.uint8)))
    if icc and colours is None:
        image.info["icc_profile"] = icc
    if isinstance(tags.get(_XMP), bytes):
        image.info["xmp"] = tags[_XMP]
    if _ORIENTATION in tags:
        exif = Image.Exif()
        exif[_ORIENTATION] = int(tags[_ORIENTATION])
        image.info["exif"] = exif.tobytes()
    return image


def _shares(samples: NDArray[Any], count: int, bits: int, notes: list[str]) -> NDArray[np.float32]:
    """Return samples as 0..1, with a note; the first ``count`` channels are colour."""
    import numpy as np

    if samples.dtype.kind == "u":
        if bits > 8:
            notes.append(depth.REDUCED)
        return samples.astype(np.float32) / np.float32((1 << bits) - 1)
    colour = samples[..., :count]
    top = depth.float_top(float(colour.max(initial=0, where=np.isfinite(colour))))
    notes.append(f"float samples, read as 0..{top:g}, reduced to 8 bits")
    shares: NDArray[np.float32] = np.nan_to_num(np.clip(samples, 0, top)).astype(np.float32)
    shares[..., :count] /= np.float32(top)
    return np.minimum(shares, 1)
