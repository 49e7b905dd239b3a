"""TIFF files: find the page that holds the picture, and detect samples that Pillow misreads.

The tags are those of TIFF 6.0 and of Adobe's DNG specification.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from PIL.TiffImagePlugin import PREFIXES, ImageFileDirectory_v2, TiffImageFile

from lbic.errors import ImageError, printable

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE, _WIDTH, _LENGTH, _BITS, _COMPRESSION = 254, 255, 256, 257, 258, 259
_PHOTOMETRIC, _MAKE, _SAMPLES, _PLANAR, _SUB_IFDS, _EXTRA, _FORMAT = 262, 271, 277, 284, 330, 338, 339
_DNG_VERSION = 50_706
_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType: a smaller copy of another page, a transparency mask."""
_OLD_REDUCED = 2
"""The value of SubfileType for a smaller copy of another page."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CFA, _LINEAR_RAW = 0, 1, 2, 32_803, 34_892
_UNSIGNED, _FLOAT = 1, 3
_FORMS = {1: "unsigned", 2: "signed", 5: "complex", 6: "complex"}
"""Names of SampleFormat."""
_MOST_PAGES = 1000

DEVELOP = "develop it to TIFF, PNG or JPEG first"


@dataclass(frozen=True)
class Page:
    """The page of a TIFF file that is the picture."""

    index: int
    """Its number, from 0."""
    size: tuple[int, int]
    """Width and height in pixels, as stored."""
    problem: str | None
    """A name for what Pillow does not read or reads wrongly and tifffile reads, such as "a float
    RGB TIFF"; else None."""
    notes: tuple[str, ...]
    """What is left out of the file."""


def is_tiff(data: bytes) -> bool:
    """Return whether a file begins like a TIFF file."""
    return data.startswith(tuple(PREFIXES))


def find_page(data: bytes) -> Page | None:
    """Return the page that is the picture; None if the file's structure is damaged.

    Previews are no pages. Raises ImageError for several pages, for raw files of cameras, whose
    first page is a preview, and for samples that lbic does not read.
    """
    try:
        pages = _directories(data)
        if any(_is_raw(tags) for tags in (*pages, *_sub_directories(data, pages))) or data[8:10] == b"CR":
            form = "a DNG raw file" if _DNG_VERSION in pages[0] else f"a raw file of a camera{_maker(pages[0])}"
            raise ImageError(f"{form}; {DEVELOP}")
        full = [index for index, tags in enumerate(pages) if not _is_copy(tags) and not _kind(tags) & _MASK]
        if not full and len(pages) == 1 and _SUB_IFDS not in pages[0]:
            full = [0]
        masks = any(_kind(tags) & _MASK for tags in pages)
        tags = pages[full[0] if full else 0]
        size = int(tags[_WIDTH]), int(tags[_LENGTH])
        problem = _problem(tags)
    except ImageError:
        raise
    except Exception:  # Pillow's reader of directories raises almost any exception on damaged data
        return None
    if not full:
        raise ImageError("a TIFF file of previews only")
    if len(full) > 1:
        raise ImageError(f"the TIFF file has {len(full)} pages; lbic compresses single pictures")
    return Page(full[0], size, problem, ("the transparency mask in the file was left out",) if masks else ())


def check_opened(image: TiffImageFile) -> None:
    """Raise ImageError for a raw file, and for samples that Pillow opens and reads wrongly."""
    tags = image.tag_v2
    if _is_raw(tags):
        raise ImageError(f"a raw file of a camera{_maker(tags)}; {DEVELOP}")
    problem = _problem(tags)
    if problem:
        raise ImageError(f"{problem}, which Pillow reads wrongly")


def _directories(data: bytes) -> list[ImageFileDirectory_v2]:
    """Return the tags of each page."""
    file, offsets = io.BytesIO(data), set[int]()
    pages: list[ImageFileDirectory_v2] = []
    head = data[: 16 if data[2] == 43 or data[3] == 43 else 8]
    offset = ImageFileDirectory_v2(head).next
    while offset and offset not in offsets and len(pages) < _MOST_PAGES:
        offsets.add(offset)
        pages.append(_directory(head, file, offset))
        offset = pages[-1].next
    return pages


def _sub_directories(data: bytes, pages: list[ImageFileDirectory_v2]) -> list[ImageFileDirectory_v2]:
    """Return the tags in SubIFDs, which hold the pictures of raw files."""
    file, head = io.BytesIO(data), data[: 16 if data[2] == 43 or data[3] == 43 else 8]
    directories = []
    for tags in pages[:8]:
        offsets = tags.get(_SUB_IFDS, ())
        for offset in (offsets if isinstance(offsets, tuple) else (offsets,))[:8]:
            directories.append(_directory(head, file, int(offset)))
    return directories


def _directory(head: bytes, file: io.BytesIO, offset: int) -> ImageFileDirectory_v2:
    tags = ImageFileDirectory_v2(head)
    file.seek(offset)
    tags.load(file)
    return tags


def _kind(tags: ImageFileDirectory_v2) -> int:
    return int(tags.get(_NEW_SUBFILE_TYPE, 0))


def _is_copy(tags: ImageFileDirectory_v2) -> bool:
    return bool(_kind(tags) & _REDUCED) or tags.get(_SUBFILE_TYPE) == _OLD_REDUCED


def _is_raw(tags: ImageFileDirectory_v2) -> bool:
    return _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in (_CFA, _LINEAR_RAW)


def _maker(tags: ImageFileDirectory_v2) -> str:
    make = printable(str(tags.get(_MAKE, ""))).strip()
    return f" ({make})" if make else ""


def _problem(tags: ImageFileDirectory_v2) -> str | None:
    """Return a name for samples that tifffile reads and Pillow does not; None if Pillow does.

    Raises ImageError for samples that lbic does not read at all.
    """
    bits, formats = _tuple(tags.get(_BITS, (1,))), _tuple(tags.get(_FORMAT, (1,)))
    photometric, count = tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO), int(tags.get(_SAMPLES, 1))
    planar = tags.get(_PLANAR, 1) == 2 and count > 1
    depth, form = max(bits), formats[0]
    is_gray, is_rgb = photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO), photometric == _RGB
    kind = "a gray TIFF" if is_gray else "an RGB TIFF" if is_rgb else "a TIFF"
    if len(set(bits)) > 1 or len(set(formats)) > 1:
        raise ImageError(f"{kind} of samples of several kinds, which lbic does not read")
    if form not in (_UNSIGNED, _FLOAT) or (form == _UNSIGNED and depth > 16):
        name = _FORMS.get(form, "unknown")
        raise ImageError(f"{kind} of {name} {depth}-bit samples; lbic reads floats, and unsigned ones up to 16 bits")
    if form == _UNSIGNED and depth <= 8 and (is_rgb or not planar):
        return None
    if not is_gray and not is_rgb:
        if form == _FLOAT or planar:
            raise ImageError(f"{kind} of {'floats' if form == _FLOAT else 'separate planes'} that are no RGB")
        return None  # Pillow knows it or not
    if form == _FLOAT:
        # Pillow forgets to swap the bytes that libtiff returns.
        swapped = tags.prefix == b"MM" and tags.get(_COMPRESSION, 1) != 1
        plain = is_gray and count == 1 and depth == 32 and not swapped
        return None if plain else f"a float {'gray' if is_gray else 'RGB'} TIFF"
    if planar:
        return f"{kind} of {depth} bits with separate planes"
    if is_gray and count == 2:
        return f"{kind} of {depth} bits with alpha"
    is_known = depth == 16 or (is_gray and depth == 12)
    return f"{kind} of {depth} bits" if not is_known or _is_inverted_deep(tags, depth) else None


def _is_inverted_deep(tags: ImageFileDirectory_v2, depth: int) -> bool:
    """Return whether samples are deep gray with a white of 0 in a form that Pillow lacks."""
    return tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO) == _WHITE_IS_ZERO and (tags.prefix == b"MM" or depth == 12)


def _tuple(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) and value else (int(value),)
