"""Apply ICC profiles: LittleCMS for 8-bit pictures, the functions below for deeper ones."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

from PIL import Image, ImageCms

from lbic import limits
from lbic.errors import printable

if TYPE_CHECKING:
    from lbic.picture.cicp import Stated
    from lbic.picture.space import ColourSpace, Curve, Matrix, Values

_TABLES = (b"A2B0", b"A2B1", b"A2B2", b"D2B0")
"""Tags with tables of three dimensions, which go before matrix and curves."""


def apply_profile(image: Image.Image, icc: bytes, notes: list[str], *, keep: bool) -> tuple[Image.Image, bytes | None]:
    """Convert to sRGB (gray pictures: to sRGB's tone curve) and return the image and no profile.

    With ``keep``, a profile that fits the samples is returned and nothing is converted. A profile
    that is damaged or made for another colour space is ignored with a note.
    """
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        space = profile.profile.xcolor_space.strip()
        if keep and len(icc) > limits.MAX_METADATA:
            notes.append(f"icc has {len(icc):,} bytes; the limit is {limits.MAX_METADATA:,}, so it was left out")
        elif keep and (image.mode, space) in (("L", "GRAY"), ("RGB", "RGB")):
            return image, icc
        name = _name(profile)
        is_gray = image.mode in ("1", "L")
        source = image.convert("RGB") if is_gray and space == "RGB" else image
        converted = ImageCms.profileToProfile(source, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        assert converted is not None  # it is None only with inPlace
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        notes.append(f"the ICC profile cannot be used and was ignored: {printable(str(error))}")
        return image, None
    if "sRGB" not in name:
        notes.append(f"converted from {name} to sRGB")
    return converted.getchannel("G") if is_gray else converted, None


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    return printable(ImageCms.getProfileDescription(profile) or "").strip() or "an unnamed profile"


def high_range(icc: bytes, notes: list[str]) -> Stated | None:
    """Return the colours of a profile for PQ or HLG, by its tag cicp (ICC.1:2022, 9.2.17).

    Return None for other profiles. LittleCMS ignores the tag, and the profile's tables are for a
    display of high dynamic range.
    """
    from lbic.picture import cicp

    try:
        content = _tags(icc).get(b"cicp", b"")[8:12]
    except struct.error:
        return None
    if len(content) < 4 or content[1] not in (cicp.PQ, cicp.HLG):
        return None
    return cicp.from_numbers(content[0], content[1], notes)


def lab_profile() -> bytes:
    """Return the profile of CIELab samples, which need none in a file."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def chosen_space(icc: bytes | None, stated: Stated | None, notes: list[str], *, keep_icc: bool) -> ColourSpace | None:
    """Return the colour space from which deep samples are converted, with a note.

    Return None to leave the samples unchanged: for sRGB, for a profile that is kept, and for one
    that only LittleCMS can apply. ``stated`` goes before the profile; it is None where the profile
    overrides it.
    """
    if stated is None:
        return deep_space(icc, notes) if icc and not keep_icc else None
    if stated.note:
        notes.append(stated.note)
    if stated.is_srgb:
        return None
    from lbic.picture.space import from_stated

    return from_stated(stated)


def deep_space(icc: bytes, notes: list[str]) -> ColourSpace | None:
    """Return the colour space of a profile made of curves and a matrix, with a note on its name.

    Return None for a profile that has tables, is damaged, or is for neither gray nor RGB. Through
    Pillow, LittleCMS converts 8 bits only, so samples of such profiles are reduced first.
    """
    import numpy as np

    from lbic.picture import cicp
    from lbic.picture.space import ColourSpace, adapt, rgb_to_xyz

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        space, tags = profile.profile.xcolor_space.strip(), _tags(icc)
        if any(name in tags for name in _TABLES):
            return None
        if space == "GRAY":
            result = ColourSpace((_curve(tags[b"kTRC"]),), np.eye(3))
        elif space == "RGB":
            # The profile's colours are relative to D50; ICC.1 adapts sRGB to it by Bradford.
            d50 = cicp.PROPHOTO[6:]
            to_srgb = np.linalg.inv(adapt(cicp.D65, d50) @ rgb_to_xyz(cicp.SRGB))
            curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
            result = ColourSpace(curves, to_srgb @ _matrix(tags))
        else:
            return None
        name = _name(profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError, ArithmeticError, struct.error):
        return None
    if "sRGB" not in name:
        notes.append(f"converted from {name} to sRGB")
    return result


def _tags(icc: bytes) -> dict[bytes, bytes]:
    """Return the content of a profile's tags by name (ICC.1, 7.3)."""
    (count,) = struct.unpack_from(">I", icc, 128)
    tags = {}
    for at in range(132, 132 + 12 * min(count, 200), 12):
        name, start, size = struct.unpack_from(">4sII", icc, at)
        tags[name] = icc[start : start + size]
    return tags


def _matrix(tags: dict[bytes, bytes]) -> Matrix:
    """Return the matrix from linear RGB to XYZ relative to D50 (ICC.1, 10.31)."""
    import numpy as np

    columns = [np.array(struct.unpack_from(">3i", tags[name], 8)) / 65_536 for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    return np.stack(columns, axis=1)


def _curve(tag: bytes) -> Curve:
    """Return the function of a curve (ICC.1, 10.6 and 10.18). Raises ValueError for other tags."""
    import numpy as np

    kind = tag[:4]
    if kind == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return lambda v: v
        points = np.frombuffer(tag, ">u2", count, 12).astype(np.float32)
        if count == 1:
            return _power(float(points[0]) / 256)
        return lambda v: np.interp(v, np.linspace(0, 1, count), points / 65_535).astype(np.float32)
    if kind != b"para":
        raise ValueError(kind)
    (number,) = struct.unpack_from(">H", tag, 8)
    if number > 4:
        raise ValueError(number)
    length = (1, 3, 4, 5, 7)[number]
    g, a, b, c, d, e, f = (*(value / 65_536 for value in struct.unpack_from(f">{length}i", tag, 12)), *[0.0] * 7)[:7]
    if number == 0:
        return _power(g)
    if number in (1, 2):  # c is the offset of both parts
        return _parametric(g, a, b, 0, -b / a, c, c)
    return _parametric(g, a, b, c, d, e, f)


def _power(exponent: float) -> Curve:
    import numpy as np

    return lambda v: np.power(v, np.float32(exponent))


def _parametric(g: float, a: float, b: float, c: float, d: float, e: float, f: float) -> Curve:
    """Return (a v + b) ** g + e from v = d on, and c v + f below."""
    import numpy as np

    def curve(values: Values) -> Values:
        power = np.power(np.maximum(a * values + b, 0), np.float32(g)) + e
        return np.where(values >= d, power, c * values + f)

    return curve
