"""The Pillow plugin: after ``import lbic``, Pillow opens and saves .lbic files.

image = Image.open("a.lbic")
image.save("a.lbic", quality=37)
"""

from __future__ import annotations

import contextlib
import inspect
import os
from typing import IO, Any

from PIL import Image, ImageFile

from lbic.api import compress, decompress, make_request
from lbic.errors import LbicError, UsageError
from lbic.format import container

FORMAT = "LBIC"
_OPTIONS = frozenset(inspect.getfullargspec(compress).kwonlyargs)
_METADATA = {"exif": "exif", "icc_profile": "icc", "xmp": "xmp"}
"""Pillow's options for metadata, and the items that hold them."""


class LbicImageFile(ImageFile.ImageFile):
    """A .lbic file as Pillow opens it: opening reads the header, load() decodes and enhances."""

    format = FORMAT
    format_description = "lbic compressed picture"
    _data = b""
    """The whole file until it is decoded; empty in copies, which Pillow makes without opening
    them."""

    def _open(self) -> None:
        """Read the header; raises SyntaxError for a damaged or foreign file, as Pillow expects."""
        from lbic.format import metadata  # import lbic does without numpy

        assert self.fp is not None
        # The alpha item, which decides the mode, may stand anywhere before the stream.
        data = self.fp.read()
        try:
            header = container.read_header(data)
        except LbicError as error:
            raise SyntaxError(str(error)) from error
        self._data = data
        self._size = header.size
        self._mode = ("L" if header.gray else "RGB") + ("A" if container.ALPHA in header.metadata else "")
        self.info.update(codec=header.codec, quality=header.quality, scale=header.scale / 16, type=header.type)
        with contextlib.suppress(LbicError):  # load() reports damaged items
            self.info.update(metadata.unpack_kept(header).as_info())

    def load(self) -> Any:
        """Decode and enhance the picture at the first call; raises OSError for a damaged file."""
        if self._data:
            try:
                image = decompress(self._data)
            except LbicError as error:
                raise OSError(str(error)) from error
            self.im = image.im
            self._data = b""
            if self._exclusive_fp and self.fp is not None:
                self.fp.close()
            self.fp = None
        return super().load()


def save(image: Image.Image, file: IO[bytes], filename: str | bytes | os.PathLike[str]) -> None:
    """Write an image as a .lbic file: Pillow's save hook.

    The options of ``Image.save`` are the arguments of lbic.compress, and of Pillow's own words:

    - ``quality``: the same as ``q``, the codec's own quality. Its range and direction are the
      codec's: the default codec vvc has 0..63, lower is better. Pillow's usual 1..95 is that of
      ``codec="jpeg"``.
    - ``exif``: an EXIF block, bytes or an Image.Exif, to store instead of the image's own. Its
      orientation is applied to the picture and left out of the block.
    - ``icc_profile``: the ICC profile of the image's samples, bytes, to store. A profile for
      samples of another kind (CMYK) is not stored: the samples are converted to sRGB.
    - ``xmp``: an XMP packet, bytes, to store.

    Metadata that no option names are not stored, not even those in ``image.info``: they may be
    larger than the picture. As in Pillow's other formats, an option that is unknown
    (``optimize``, ``dpi``) is ignored.

    Raises OSError where lbic.compress raises an LbicError.
    """
    from lbic.picture.load import from_pillow

    info = image.encoderinfo
    options = {name: value for name, value in info.items() if name in _OPTIONS}
    try:
        if info.get("quality") is not None:
            if options.get("q") is not None:
                raise UsageError("quality and q are one setting; both are given")
            options["q"] = info["quality"]
        items = {name: _block(name, info[name]) for name in _METADATA if info.get(name)}
        keep = frozenset(_METADATA[name] for name in items)
        request = make_request(**options, keep=keep)
        picture = from_pillow(_with_metadata(image, items), keep_icc="icc" in keep)
        file.write(request.compress(picture).data)
    except LbicError as error:
        raise OSError(str(error)) from error


def _block(name: str, value: object) -> bytes:
    """Return a metadata option as bytes; raises UsageError for a value of another type."""
    if isinstance(value, bytes):
        return value
    if name == "exif" and isinstance(value, Image.Exif):
        return value.tobytes()
    expected = "bytes or a PIL.Image.Exif" if name == "exif" else "bytes"
    raise UsageError(f"{name} is a {value.__class__.__name__}; it takes {expected}")


def _with_metadata(image: Image.Image, items: dict[str, bytes]) -> Image.Image:
    """Return the image, or where there are items a copy that has them in its info."""
    if not items:
        return image
    described = image.copy()
    described.info.update(items)
    for name in ("format", "tag_v2"):  # a TIFF file's tags say what its 16-bit samples mean
        if hasattr(image, name):
            setattr(described, name, getattr(image, name))
    return described


def register() -> None:
    """Register the format with Pillow."""
    Image.register_open(FORMAT, LbicImageFile, container.is_lbic)
    Image.register_save(FORMAT, save)
    Image.register_extension(FORMAT, ".lbic")
    Image.register_mime(FORMAT, "image/x-lbic")
