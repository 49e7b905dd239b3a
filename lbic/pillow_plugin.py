"""The Pillow plugin: ``Image.open("a.lbic")`` and ``image.save("a.lbic", q=37)`` after ``import lbic``."""

from __future__ import annotations

import contextlib
import inspect
import os
from typing import IO, Any

from PIL import Image, ImageFile

from lbic.api import compress, decompress
from lbic.errors import LbicError
from lbic.format import container

FORMAT = "LBIC"
_OPTIONS = frozenset(inspect.getfullargspec(compress).kwonlyargs)


class LbicImageFile(ImageFile.ImageFile):
    """A .lbic file as Pillow sees it: opening reads the header, load() decodes and enhances."""

    format = FORMAT
    format_description = "lbic compressed picture"
    _data = b""
    """The whole file until it is decoded; copies, which Pillow makes without opening anything, have none."""

    def _open(self) -> None:
        from lbic.format import metadata  # numpy is for pictures: import lbic does without

        assert self.fp is not None
        # Metadata may be long; its alpha decides the mode, so everything up to the stream is needed.
        data = self.fp.read()
        try:
            header = container.read_header(data)
        except LbicError as error:
            raise SyntaxError(str(error)) from error
        self._data = data
        self._size = header.width, header.height
        self._mode = ("L" if header.gray else "RGB") + ("A" if container.ALPHA in header.metadata else "")
        self.info.update(codec=header.codec, quality=header.quality, scale=header.scale / 16, type=header.type)
        with contextlib.suppress(LbicError):  # what is damaged is told when it is loaded
            self.info.update(metadata.unpack_kept(header).as_info())

    def load(self) -> Any:
        if self._data:
            try:
                done = decompress(self._data)
            except LbicError as error:
                raise OSError(str(error)) from error
            self.im = done.im
            self._data = b""
            if self._exclusive_fp and self.fp is not None:
                self.fp.close()
            self.fp = None
        return super().load()


def save(image: Image.Image, file: IO[bytes], filename: str | bytes | os.PathLike[str]) -> None:
    """Pillow's save hook: the options are those of lbic.compress."""
    options = {key: value for key, value in image.encoderinfo.items() if key in _OPTIONS}
    try:
        file.write(compress(image, **options))
    except LbicError as error:
        raise OSError(str(error)) from error


def register() -> None:
    """Make .lbic known to Pillow."""
    Image.register_open(FORMAT, LbicImageFile, container.is_lbic)
    Image.register_save(FORMAT, save)
    Image.register_extension(FORMAT, ".lbic")
    Image.register_mime(FORMAT, "image/x-lbic")
