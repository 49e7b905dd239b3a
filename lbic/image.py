"""Picture files in and out: whatever Pillow reads becomes upright 8-bit sRGB or gray, and says what it lost."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from lbic import limits
from lbic.depth import is_deep
from lbic.errors import ImageError, UsageError, printable
from lbic.pillow import own_limits

if TYPE_CHECKING:
    # Elsewhere where it is used: most pictures are read without it, and worker.py starts in half the time.
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM", "GIF", "AVIF", "JPEG2000")
"""What lbic reads. An allow-list: a picture never reaches Pillow's rarer, less tested readers."""

WRITERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"lossless": True, "quality": 75, "exact": True}),
    ".tif": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ".tiff": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ".bmp": ("BMP", {}),
    ".ppm": ("PPM", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": "4:4:4"}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": "4:4:4"}),
}
"""What lbic writes, by suffix; all lossless but JPEG."""

_WITHOUT_ALPHA = (".ppm", ".jpg", ".jpeg", ".bmp")
_WITHOUT_METADATA = (".ppm", ".bmp")
_ORIENTATION, _TIFF_XMP = 0x0112, 700
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_REDUCED = "samples of more than 8 bits reduced to 8"


@dataclass(frozen=True)
class Picture:
    """A picture as lbic compresses it.

    ``image`` is upright, mode L or RGB, sRGB unless ``icc`` is kept; ``alpha`` is (height, width) uint8
    or None when opaque. ``icc``, ``exif`` and ``xmp`` are the file's own, ``notes`` what reading it changed.
    ``luma_table`` is the quantisation table of a JPEG file's first component, 64 steps row by row.
    """

    image: Image.Image
    alpha: NDArray[np.uint8] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    notes: tuple[str, ...] = ()
    luma_table: tuple[int, ...] | None = None

    def joined(self) -> Image.Image:
        """The picture as one Pillow image, its alpha included (L, RGB, LA or RGBA)."""
        return self.image if self.alpha is None else with_alpha(self.image, self.alpha)

    def flattened(self, colour: tuple[int, int, int]) -> Picture:
        """The picture on a background of one colour, red, green and blue 0..255 in the picture's own samples.

        Without alpha it is as it was; a gray picture stays gray on a gray background.
        """
        if self.alpha is None:
            return self
        stays_gray = self.image.mode == "L" and len(set(colour)) == 1
        result = Image.new("L", self.image.size, colour[0]) if stays_gray else Image.new("RGB", self.image.size, colour)
        result.paste(self.image.convert(result.mode), mask=Image.fromarray(self.alpha))
        notes = [*self.notes, "alpha flattened on #{:02x}{:02x}{:02x}".format(*colour)]
        fits = result.mode == self.image.mode
        if self.icc and not fits:
            notes.append("the ICC profile is one of gray pictures and was ignored")
        return replace(self, image=result, alpha=None, icc=self.icc if fits else None, notes=tuple(notes))


def load(
    data: bytes,
    *,
    max_pixels: int = limits.MAX_PIXELS,
    keep_icc: bool = False,
    opened: Callable[[int, int], None] = lambda width, height: None,
) -> Picture:
    """Read a picture file.

    ``opened`` is told its width and height once they are within the limits, before pixels are allocated. Raises
    ImageError for what is no picture, is damaged or truncated, is animated, or has more than ``max_pixels`` pixels.
    """
    if not data:
        raise ImageError("the file is empty")
    try:
        with own_limits():
            image = _open(data)
            _check(image, max_pixels)
            opened(*image.size)
            deep = is_deep(image, data)
            image.load()
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        # Pillow's own check, at twice its limit, comes before the size is known here.
        most = 2 * limits.MAX_PIXELS
        raise ImageError(f"the picture has more than {most:,} pixels; the limit is {max_pixels:,}") from error
    except Exception as error:  # Pillow's readers raise almost anything on damaged data
        raise ImageError(f"the picture is damaged or truncated: {printable(str(error))}") from error
    picture = from_pillow(image, keep_icc=keep_icc)
    return replace(picture, notes=(_REDUCED, *picture.notes)) if deep else picture


def from_pillow(source: Image.Image, *, keep_icc: bool = False) -> Picture:
    """Make a picture of any Pillow image: upright, 8 bits, sRGB, alpha apart."""
    notes: list[str] = []
    image, exif = _upright(source, notes)
    icc, xmp = image.info.get("icc_profile"), image.info.get("xmp")
    if image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    alpha = _alpha(image)
    if image.mode[0] in "IF":
        image = _reduce(image, notes)
    elif image.mode in ("P", "PA", "LA", "RGBA"):
        image = _drop_alpha(image)
    image, icc = _apply_profile(image, icc, notes, keep=keep_icc) if icc else (image, None)
    if image.mode == "CMYK":
        notes.append("CMYK converted to RGB")
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    xmp = xmp if isinstance(xmp, bytes) else None  # a TIFF's tag may be numbers
    return Picture(image, alpha, icc, exif, xmp, tuple(notes), _luma_table(source))


def encode(
    image: Image.Image,
    suffix: str,
    *,
    icc: bytes | None = None,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    notes: list[str] | None = None,
) -> bytes:
    """Write a Pillow image (L, RGB, LA or RGBA) as the format that a suffix names; add to ``notes`` what was lost.

    Where the format has no room for an ICC profile, the picture is converted to sRGB. Raises UsageError for an unknown
    suffix, and for a format that has no room for the picture or its alpha.
    """
    try:
        name, options = WRITERS[suffix.lower()]
    except KeyError:
        raise UsageError(f"cannot write {suffix or 'a file without a suffix'}; known: {' '.join(WRITERS)}") from None
    if image.mode in ("LA", "RGBA") and suffix.lower() in _WITHOUT_ALPHA:
        raise UsageError(f"the picture has alpha and {suffix} files have none; choose .png, .webp or .tif")
    notes = [] if notes is None else notes
    if suffix.lower() in _WITHOUT_METADATA:
        if icc:
            image, icc = _apply_profile(image, icc, notes, keep=False)
        notes += [
            f"left {what} behind: {suffix} files have none" for what, data in (("exif", exif), ("xmp", xmp)) if data
        ]
        extra = {}
    else:
        extra = _metadata_options(name, icc, exif, xmp)
    out = io.BytesIO()
    try:
        image.save(out, name, **options, **extra)
    except (OSError, ValueError) as error:  # WebP's sides, JPEG's sides, a JPEG's EXIF above 64 KB
        raise UsageError(f"the picture cannot be a {suffix} file: {error}") from error
    return out.getvalue()


def _metadata_options(name: str, icc: bytes | None, exif: bytes | None, xmp: bytes | None) -> dict[str, Any]:
    """The metadata as options of Pillow's save; PNG and TIFF drop XMP silently unless it comes in their own ways."""
    options: dict[str, Any] = {"icc_profile": icc, "exif": exif, "xmp": xmp}
    if xmp and name == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp)
    if xmp and name == "TIFF":
        options["exif"] = Image.Exif()
        options["exif"].load(exif or b"")
        options["exif"][_TIFF_XMP] = xmp
    return {key: value for key, value in options.items() if value is not None}


def with_alpha(image: Image.Image, alpha: NDArray[np.uint8]) -> Image.Image:
    """Join a picture, L or RGB, and its alpha plane to LA or RGBA."""
    joined = image.convert("LA" if image.mode == "L" else "RGBA")
    joined.putalpha(Image.fromarray(alpha))
    return joined


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise ImageError(f"not a picture that lbic reads ({', '.join(FORMATS)})") from None


def _check(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(f"the picture is {width}x{height}, {width * height:,} pixels; the limit is {max_pixels:,}")
    if max(width, height) > limits.MAX_SIDE:
        raise ImageError(f"the picture is {width}x{height}; sides may be at most {limits.MAX_SIDE} pixels")
    frames = getattr(image, "n_frames", 1)
    # Phones append previews to JPEG files (MPO): the first frame is the photo. Elsewhere more frames are an animation.
    if frames > 1 and image.format not in ("MPO", "TIFF"):
        raise ImageError(f"animated {image.format} with {frames} frames; lbic compresses single pictures")
    if frames > 1 and image.format == "TIFF":
        raise ImageError(f"the TIFF file has {frames} pages; lbic compresses single pictures")


def _upright(source: Image.Image, notes: list[str]) -> tuple[Image.Image, bytes | None]:
    """The picture as EXIF orients it, and its EXIF block without the orientation."""
    source.load()
    try:
        image = ImageOps.exif_transpose(source)
        if not image.info.get("exif"):
            return image, None
        exif = image.getexif()
        exif.pop(_ORIENTATION, None)
        return image, exif.tobytes()
    except Exception as error:  # damaged EXIF raises almost anything
        notes.append(f"the EXIF block is damaged and was ignored: {printable(str(error))}")
        return source.copy(), None


def _luma_table(source: Image.Image) -> tuple[int, ...] | None:
    """The table that a JPEG file's first component names, None for other pictures (an MPO file is a JPEG too)."""
    if not isinstance(source, JpegImageFile) or not source.layer:
        return None
    table = source.quantization.get(source.layer[0][3])
    return None if table is None else tuple(table)


def _alpha(image: Image.Image) -> NDArray[np.uint8] | None:
    """The alpha plane, None when every pixel is opaque."""
    if not image.has_transparency_data:
        return None
    import numpy as np

    if image.mode[0] == "I":  # Pillow does not convert these: one level is clear
        plane = np.where(np.asarray(image) == image.info["transparency"], np.uint8(0), np.uint8(255))
    else:
        plane = np.asarray(image.convert("RGBA").getchannel("A"))
    return None if plane.min() == 255 else plane


def _drop_alpha(image: Image.Image) -> Image.Image:
    """Colour or gray without alpha; palettes become what their colours need."""
    if image.mode == "LA":
        return image.getchannel("L")
    colour = image.convert("RGBA").convert("RGB")
    r, g, b = colour.split()
    if image.mode != "RGBA" and not ImageChops.difference(r, g).getbbox() and not ImageChops.difference(g, b).getbbox():
        return colour.getchannel(0)
    return colour


def _reduce(image: Image.Image, notes: list[str]) -> Image.Image:
    """16-bit or float gray to 8 bits; floats are taken to be 0..1 or 0..255."""
    import numpy as np

    values = np.asarray(image, np.float64)
    if image.mode == "F":
        notes.append("float samples reduced to 8 bits")
        top = 1.0 if np.nanmax(values, initial=0) <= 1 else 255.0
    else:
        notes.append(_REDUCED)
        top = 65535.0
    shares = np.clip(np.nan_to_num(values), 0, top) / top
    return Image.fromarray(np.rint(shares * 255).astype(np.uint8))


def _apply_profile(image: Image.Image, icc: bytes, notes: list[str], *, keep: bool) -> tuple[Image.Image, bytes | None]:
    """Convert to sRGB, or to gray with sRGB's curve, unless the profile is to be kept and still fits the samples.

    A profile that is broken or of another kind of picture is ignored with a note.
    """
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        space = profile.profile.xcolor_space.strip()
        if keep and (image.mode, space) in (("L", "GRAY"), ("RGB", "RGB")):
            return image, icc
        if image.mode in ("1", "L") and space == "RGB":
            return image, None  # gray samples in a colour file: its profile has nothing to say of them
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        assert converted is not None  # None only for inPlace
        name = printable(ImageCms.getProfileDescription(profile) or "").strip() or "an unnamed profile"
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        notes.append(f"the ICC profile cannot be used and was ignored: {printable(str(error))}")
        return image, None
    if "sRGB" not in name:
        notes.append(f"converted from {name} to sRGB")
    return converted.getchannel("G") if image.mode == "L" else converted, None
