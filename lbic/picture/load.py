"""Read picture files: whatever Pillow reads becomes upright 8-bit sRGB or gray, with notes."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from lbic import limits
from lbic.errors import ImageError, printable
from lbic.picture import alpha as alphas
from lbic.picture import boxes, companions, deep, depth, extras, jpeg, kinds, png, tiff
from lbic.picture import stated as colours
from lbic.picture.cicp import Stated
from lbic.picture.exif import as_srgb, upright
from lbic.picture.icc import apply_profile, lab_profile
from lbic.picture.pillow_limits import own_limits

if TYPE_CHECKING:
    # Functions that use NumPy import it: most pictures need none, and worker.py starts faster.
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM", "GIF", "AVIF", "JPEG2000")
"""The formats that lbic reads. Pillow's rarer, less tested readers are never used."""

_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}


class _DamagedError(ImageError):
    """A reader does not read a file. A PNG file may be readable without its ancillary chunks."""


@dataclass(frozen=True)
class Picture:
    """A picture in the form that lbic compresses."""

    image: Image.Image
    """Upright, mode L or RGB; sRGB unless ``icc`` is set."""
    alpha: NDArray[np.uint8] | None = None
    """Shape (height, width), 255 is opaque; None if all pixels are opaque."""
    icc: bytes | None = None
    """The file's ICC profile, if it was kept."""
    exif: bytes | None = None
    """The file's EXIF block without its orientation."""
    xmp: bytes | None = None
    """The file's XMP packet without its orientation."""
    notes: tuple[str, ...] = ()
    """What reading the file changed or lost, one phrase each."""
    luma_table: tuple[int, ...] | None = None
    """The 64 quantisation steps of a JPEG file's first component, row by row."""
    profile_applied: bool = False
    """The file has an ICC profile that could have been kept, and the samples were converted."""

    def joined(self) -> Image.Image:
        """Return one Pillow image with alpha included (mode L, RGB, LA or RGBA)."""
        return self.image if self.alpha is None else with_alpha(self.image, self.alpha)

    def flattened(self, colour: tuple[int, int, int]) -> Picture:
        """Return the picture on a background of one colour: red, green and blue, 0..255.

        The colour is in the picture's own colour space. A picture without alpha is returned
        unchanged; a gray picture stays gray on a gray background.
        """
        if self.alpha is None:
            return self
        stays_gray = self.image.mode == "L" and len(set(colour)) == 1
        result = Image.new("L", self.image.size, colour[0]) if stays_gray else Image.new("RGB", self.image.size, colour)
        result.paste(self.image.convert(result.mode), mask=Image.fromarray(self.alpha))
        notes = [*self.notes, "alpha flattened on #{:02x}{:02x}{:02x}".format(*colour)]
        fits = result.mode == self.image.mode
        if self.icc and not fits:
            notes.append("the ICC profile is for gray pictures and was ignored")
        return replace(self, image=result, alpha=None, icc=self.icc if fits else None, notes=tuple(notes))


def load(
    data: bytes,
    *,
    max_pixels: int = limits.MAX_PIXELS,
    keep_icc: bool = False,
    opened: Callable[[int, int], None] = lambda width, height: None,
) -> Picture:
    """Read a picture file.

    ``opened(width, height)`` is called once the size is known to be within the limits, before
    pixels are allocated. Raises ImageError if the data is not a picture, damaged, truncated or
    animated, or has more than ``max_pixels`` pixels.
    """
    if not data:
        raise ImageError("the file is empty")
    reported: list[tuple[int, int]] = []

    def opened_once(width: int, height: int) -> None:
        if not reported:
            reported.append((width, height))
            opened(width, height)

    notes: list[str] = []
    if data.startswith(png.SIGNATURE):
        data = png.without_damage(data, notes)
    try:
        return _read(data, max_pixels, keep_icc, opened_once, list(notes))
    except _DamagedError as error:
        for smaller, lost in png.without_ancillary(data) if data.startswith(png.SIGNATURE) else ():
            with suppress(_DamagedError):
                return _read(smaller, max_pixels, keep_icc, opened_once, notes + lost)
        raise ImageError(str(error)) from error


def _read(
    data: bytes, max_pixels: int, keep_icc: bool, opened: Callable[[int, int], None], notes: list[str]
) -> Picture:
    """Read a picture file as ``load`` does; ``notes`` are those so far and get more."""
    try:
        with own_limits():
            page = tiff.find_page(data) if tiff.is_tiff(data) else None
            if reader := extras.find(data, page):
                _check_size(reader.size, max_pixels)
                opened(*reader.size)
                image, stated = reader.decode(keep_icc=keep_icc, notes=notes)
            else:
                image = _open(data, page)
                _check_size(image.size, max_pixels)
                _check_frames(image, page)
                part = boxes.clean_aperture(data, image.size) if image.format == "AVIF" else None
                opened(*((part[2] - part[0], part[3] - part[1]) if part else image.size))
                stated = colours.in_file(image, data, notes)
                image, stated = _load(image, data, stated, notes, keep_icc=keep_icc)
                if part:  # Pillow does not crop
                    image = image.crop(part)
                    image.format = "AVIF"
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        # Pillow checks twice its limit itself, before the size is known here.
        most = 2 * limits.MAX_PIXELS
        raise ImageError(f"the picture has more than {most:,} pixels; the limit is {max_pixels:,}") from error
    except Exception as error:  # Pillow's readers raise almost any exception on damaged data
        damage = f"the picture is damaged or truncated: {printable(str(error))}"
        raise _DamagedError(kinds.unread_jpeg(data) or damage) from error
    notes += [*(page.notes if page else ()), *companions.notes(image, data)]
    return _convert(image, stated, notes, keep_icc=keep_icc)


def _load(
    image: Image.Image, data: bytes, stated: Stated | None, notes: list[str], *, keep_icc: bool
) -> tuple[Image.Image, Stated | None]:
    """Decode an opened image; return it and the stated colours that it still has."""
    if depth.is_deep(image, data):
        notes.append(depth.REDUCED)
        image, stated = deep.convert(image, data, stated, keep_icc=keep_icc, notes=notes)
    markers = jpeg.structure(data) if image.format in ("JPEG", "MPO") else None
    if markers and markers.end is None and (whole := jpeg.completed(data, markers)):
        notes.append("the JPEG file has no end marker")
        image = Image.open(io.BytesIO(whole), formats=FORMATS)
    elif markers and not jpeg.has_all_blocks(data, markers):
        notes.append("the JPEG file ends early: blocks of the picture are missing")
    transparency = depth.transparency(image)
    image.load()
    if transparency is not None:
        image.info["transparency"] = transparency
    return image, stated


def from_pillow(source: Image.Image, *, keep_icc: bool = False) -> Picture:
    """Convert any Pillow image: upright, 8 bits, sRGB (or with its profile), alpha separate.

    Colours are those that the image's info and EXIF state. Raises ImageError for samples that have
    no clear range, and for a TIFF file that Pillow opens and reads wrongly.
    """
    if isinstance(source, TiffImageFile):
        tiff.check_opened(source)
    notes: list[str] = []
    return _convert(source, colours.in_image(source, notes), notes, keep_icc=keep_icc)


def _convert(source: Image.Image, stated: Stated | None, notes: list[str], *, keep_icc: bool) -> Picture:
    """Convert an image as ``from_pillow`` does; ``stated`` are its colours without a profile."""
    transparency = depth.transparency(source)
    image, exif, xmp = upright(source, notes)
    if stated is None and source.format == "PNG":
        stated = colours.exif(source, notes)
    if transparency is not None:
        image.info["transparency"] = transparency
    icc = None if stated else image.info.get("icc_profile")
    if image.mode == "LAB" and not icc:
        icc = lab_profile()
    if image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    alpha = alphas.plane(image)
    if alpha is not None and source.format == "BMP" and not alpha.any():
        alpha = None  # many programs leave the fourth byte 0
        notes.append("alpha is 0 everywhere and was ignored")
    if image.mode[0] in "IF":
        image, icc, stated = depth.reduce(image, depth.Gray.of(source), icc, stated, notes, keep_icc=keep_icc)
    elif image.mode in ("P", "PA", "LA", "RGBA"):
        image = alphas.without(image)
    image, icc = apply_profile(image, icc, notes, keep=keep_icc) if icc else (image, None)
    if image.mode == "CMYK":
        notes.append("CMYK converted to RGB")
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if stated is not None and source.mode not in ("CMYK", "LAB"):
        image = _to_srgb(image, stated, notes)
    if exif and icc is None and (stated or {"icc_profile", "srgb"} & source.info.keys()):
        exif = as_srgb(exif)
    # A profile of sRGB is no loss: pictures without a profile are sRGB.
    applied = "icc_profile" in source.info and source.mode not in ("CMYK", "LAB") and not keep_icc
    applied = applied and any(note.startswith("converted from ") for note in notes)
    return Picture(image, alpha, icc, exif, xmp, tuple(notes), _luma_table(source), applied)


def _to_srgb(image: Image.Image, stated: Stated, notes: list[str]) -> Image.Image:
    """Convert an image (L or RGB) of stated colours to sRGB, with a note."""
    if stated.note:
        notes.append(stated.note)
    if stated.is_srgb:
        return image
    import numpy as np

    from lbic.picture import space

    return Image.fromarray(space.from_stated(stated).to_srgb(np.asarray(image)))


def with_alpha(image: Image.Image, alpha: NDArray[np.uint8]) -> Image.Image:
    """Join an image (L or RGB) and alpha, uint8 of shape (height, width), to LA or RGBA."""
    joined = image.convert("LA" if image.mode == "L" else "RGBA")
    joined.putalpha(Image.fromarray(alpha))
    return joined


def _open(data: bytes, page: tiff.Page | None) -> Image.Image:
    """Open a file, at a TIFF file's page."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if page and page.index:
            image.info.pop("icc_profile", None)  # the first page's
            image.seek(page.index)
        return image
    except UnidentifiedImageError:
        unknown = f"not a picture that lbic reads ({', '.join(FORMATS)})"
        raise _DamagedError(kinds.name(data) or unknown) from None


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raise ImageError for a size over the limits."""
    width, height = size
    if width * height > max_pixels:
        raise ImageError(f"the picture is {width}x{height}, {width * height:,} pixels; the limit is {max_pixels:,}")
    if max(width, height) > limits.MAX_SIDE:
        raise ImageError(f"the picture is {width}x{height}; sides may be at most {limits.MAX_SIDE} pixels")


def _check_frames(image: Image.Image, page: tiff.Page | None) -> None:
    """Raise ImageError for an animation; a TIFF file's pages are checked in tiff.py."""
    frames = 1 if page else getattr(image, "n_frames", 1)
    # Phones append previews to JPEG files (MPO); the first frame is the photo. In other formats,
    # several frames are an animation.
    if frames > 1 and image.format not in ("MPO", "TIFF"):
        raise ImageError(f"animated {image.format} with {frames} frames; lbic compresses single pictures")
    if frames > 1 and image.format == "TIFF":
        raise ImageError(f"the TIFF file has {frames} pages; lbic compresses single pictures")


def _luma_table(source: Image.Image) -> tuple[int, ...] | None:
    """Return the quantisation table of a JPEG (or MPO) file's first component, else None."""
    if not isinstance(source, JpegImageFile) or not source.layer:
        return None
    table = source.quantization.get(source.layer[0][3])
    return None if table is None else tuple(table)
