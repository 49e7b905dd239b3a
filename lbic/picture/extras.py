"""Files that other packages than Pillow read: some TIFF files, HEIC and JPEG XL."""

from __future__ import annotations

from typing import Protocol

from PIL import Image

from lbic.picture import heif, jxl
from lbic.picture.cicp import Stated
from lbic.picture.tiff import Page
from lbic.picture.tiff_samples import TiffReader


class Reader(Protocol):
    """A file, opened and not decoded."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; the decoded image may be turned by 90 degrees."""

    def decode(self, *, keep_icc: bool, notes: list[str]) -> tuple[Image.Image, Stated | None]:
        """Return a Pillow image and the colours that it still states; ``notes`` gets what is lost.

        Raises almost any exception for damaged data.
        """


def find(data: bytes, page: Page | None) -> Reader | None:
    """Return the reader of a file that Pillow does not read; ``page`` is a TIFF file's.

    Raises ImageError, which names the kind of picture, if the package for it is missing.
    """
    if page and page.problem:
        return TiffReader(data, page)
    if heif.is_heif(data):
        return heif.open_file(data)
    if jxl.is_jxl(data):
        return jxl.open_file(data)
    return None
