"""Picture files in and out: whatever Pillow reads becomes upright 8-bit sRGB or gray, and says what it lost."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from lbic import limits
from lbic.errors import ImageError, UsageError

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
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Picture:
    """A picture as lbic compresses it.

    ``image`` is upright, mode L or RGB, sRGB unless ``icc`` is kept; ``alpha`` is (height, width) uint8
    or None when opaque. ``icc``, ``exif`` and ``xmp`` are the file's own, ``notes`` what reading it changed.
    """

    image: Image.Image
    alpha: NDArray[np.uint8] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    notes: tuple[str, ...] = ()

    def joined(self) -> Image.Image:
        """The picture as one Pillow image, its alpha included (L, RGB, LA or RGBA)."""
        return self.image if self.alpha is None else with_alpha(self.image, self.alpha)


def load(data: bytes, *, max_pixels: int = limits.MAX_PIXELS, keep_icc: bool = False) -> Picture:
    """Read a picture file.

    Raises ImageError for what is no picture, is damaged or truncated, is animated, or has more than
    ``max_pixels`` pixels (checked before any is allocated).
    """
    if not data:
        raise ImageError("the file is empty")
    try:
        with warnings.catch_warnings():
            # Pillow's own bomb limit is replaced by ours, which the user can raise.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)
            image = _open(data)
            _check(image, max_pixels)
            deep = _is_deep(image)
            image.load()
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"the picture is too large: {error}") from error
    except Exception as error:  # Pillow's readers raise almost anything on damaged data
        raise ImageError(f"the picture is damaged or truncated: {error}") from error
    picture = from_pillow(image, keep_icc=keep_icc)
    if deep:
        picture = replace(picture, notes=("16-bit samples reduced to 8 bits", *picture.notes))
    return picture


def from_pillow(source: Image.Image, *, keep_icc: bool = False) -> Picture:
    """Make a picture of any Pillow image: upright, 8 bits, sRGB, alpha apart."""
    icc, exif, xmp = source.info.get("icc_profile"), _upright_exif(source), source.info.get("xmp")
    notes: list[str] = []
    image = ImageOps.exif_transpose(source)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _reduce(image, notes)
    alpha = _alpha(image)
    if image.mode in ("P", "PA", "RGBA", "LA", "La", "RGBa") or "transparency" in image.info:
        image = _drop_alpha(image)
    if icc and not keep_icc:
        image = _to_srgb(image, icc, notes)
        icc = None
    if image.mode not in ("L", "RGB"):
        if image.mode not in ("1", "CMYK", "YCbCr", "LAB", "HSV", "P"):
            notes.append(f"{image.mode} converted to RGB")
        if image.mode == "CMYK":
            notes.append("CMYK converted to RGB")
        image = image.convert("L" if image.mode == "1" else "RGB")
    return Picture(image, alpha, icc, exif, _as_bytes(xmp), tuple(notes))


def encode(
    image: Image.Image, suffix: str, *, icc: bytes | None = None, exif: bytes | None = None, xmp: bytes | None = None
) -> bytes:
    """Write a Pillow image (L, RGB, LA or RGBA) as the format that a suffix names.

    Raises UsageError for an unknown suffix, or for alpha where the format has none.
    """
    try:
        name, options = WRITERS[suffix.lower()]
    except KeyError:
        raise UsageError(f"cannot write {suffix or 'a file without a suffix'}; known: {' '.join(WRITERS)}") from None
    if image.mode in ("LA", "RGBA") and suffix.lower() in _WITHOUT_ALPHA:
        raise UsageError(f"the picture has alpha and {suffix} files have none; choose .png, .webp or .tif")
    extra = {key: value for key, value in (("icc_profile", icc), ("exif", exif), ("xmp", xmp)) if value}
    out = io.BytesIO()
    image.save(out, name, **options, **extra)
    return out.getvalue()


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


def _is_deep(image: Image.Image) -> bool:
    """Tell 16-bit files; for RGB the raw mode of the first tile is the only trace Pillow leaves of the depth."""
    tiles = getattr(image, "tile", None)
    raw = tiles[0].args if tiles else ""
    raw = raw[0] if isinstance(raw, tuple) and raw else raw
    return image.mode.startswith("I") or ("16" in raw if isinstance(raw, str) else False)


def _reduce(image: Image.Image, notes: list[str]) -> Image.Image:
    """16-bit or float gray to 8 bits; floats are taken to be 0..1 or 0..255."""
    values = np.asarray(image, np.float64)
    if image.mode == "F":
        notes.append("float samples reduced to 8 bits")
        top = 1.0 if np.nanmax(values, initial=0) <= 1 else 255.0
    else:
        top = 65535.0
    return Image.fromarray(np.clip(np.rint(np.nan_to_num(values) * (255 / top)), 0, 255).astype(np.uint8))


def _alpha(image: Image.Image) -> NDArray[np.uint8] | None:
    """The alpha plane, None when every pixel is opaque."""
    if not image.has_transparency_data:
        return None
    plane = np.asarray(image.convert("RGBA").getchannel("A"))
    return None if plane.min() == 255 else plane


def _drop_alpha(image: Image.Image) -> Image.Image:
    """Colour or gray without alpha; palettes become what their colours need."""
    colour = image.convert("RGBA").convert("RGB") if image.mode in ("P", "PA", "RGBa") else image
    if image.mode in ("LA", "La", "L", "1"):
        return image.convert("LA").getchannel("L")
    if image.mode in ("P", "PA"):
        r, g, b = (np.asarray(channel) for channel in colour.split())
        if np.array_equal(r, g) and np.array_equal(g, b):
            return colour.getchannel(0)
    return colour.convert("RGB")


def _to_srgb(image: Image.Image, icc: bytes, notes: list[str]) -> Image.Image:
    """Convert to sRGB (or gray with sRGB's curve); a broken or unfitting profile is ignored with a note."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        name = (ImageCms.getProfileDescription(profile) or "unnamed").strip()
        if image.mode == "L" and profile.profile.xcolor_space.strip() == "RGB":
            return image  # a gray picture in an RGB file: its profile has nothing to say of it
        mode = "L" if image.mode == "L" else "RGB"
        if mode == "L":
            return image
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        notes.append(f"the ICC profile cannot be used and was ignored: {error}")
        return image
    if "sRGB" not in name:
        notes.append(f"converted from {name} to sRGB")
    return converted if converted is not None else image


def _upright_exif(image: Image.Image) -> bytes | None:
    """The file's EXIF block without its orientation, which has been applied."""
    if not image.info.get("exif"):
        return None
    exif = image.getexif()
    exif.pop(_ORIENTATION, None)
    return exif.tobytes()


def _as_bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
