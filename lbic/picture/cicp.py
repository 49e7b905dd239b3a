"""Colour as files state it without an ICC profile: primaries and a transfer function.

The numbers and chromaticities are those of Rec. ITU-T H.273 (coding-independent code points),
tables 2 and 3. This module needs no NumPy; space.py converts samples.
"""

from __future__ import annotations

from dataclasses import dataclass

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""CIE x and y of red, green, blue and white."""

D65 = 0.3127, 0.3290
_C = 0.310, 0.316
SRGB: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65)
ADOBE_RGB: Chromaticities = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65)
"""Adobe RGB (1998) Color Image Encoding, 4.2.1 and 4.3.1."""
PROPHOTO: Chromaticities = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585)
"""ROMM RGB (ISO 22028-2), white D50."""

UNSPECIFIED = 2
PRIMARIES: dict[int, tuple[str, Chromaticities]] = {
    1: ("sRGB", SRGB),
    4: ("BT.470M", (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *_C)),
    5: ("BT.601 (625 lines)", (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65)),
    6: ("BT.601 (525 lines)", (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65)),
    7: ("SMPTE 240M", (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65)),
    8: ("film", (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C)),
    9: ("BT.2020", (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65)),
    10: ("XYZ", (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3)),
    11: ("DCI-P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351)),
    12: ("Display P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65)),
    22: ("EBU Tech. 3213-E", (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *D65)),
}
"""H.273, table 2: the primaries' names and chromaticities by ColourPrimaries."""

LINEAR, LOG_100, LOG_316, SMPTE_240M, SRGB_CURVE, PQ, ST_428, HLG = 8, 9, 10, 7, 13, 16, 17, 18
VIDEO = (1, 6, 11, 12, 14, 15)
"""The curve of BT.709 and its relatives. It is a camera's curve, and displays do not invert it
(BT.1886). Browsers show it with sRGB's curve, and so does lbic."""
GAMMAS = {4: 2.2, 5: 2.8}
"""The pure power functions of table 3."""
TRANSFERS = {
    **dict.fromkeys(VIDEO, "BT.709's curve"),
    **{number: f"gamma {exponent:g}" for number, exponent in GAMMAS.items()},
    SMPTE_240M: "SMPTE 240M's curve",
    LINEAR: "linear",
    LOG_100: "logarithmic (100:1)",
    LOG_316: "logarithmic (316:1)",
    SRGB_CURVE: "sRGB's curve",
    PQ: "PQ",
    ST_428: "ST 428-1's curve",
    HLG: "HLG",
}
"""H.273, table 3: a name for each TransferCharacteristics."""

_NEAR = 0.003
"""Chromaticities that differ by less are equal: files round them, some to three digits."""
SRGB_GAMMA = 2.2
_NEAR_GAMMA = 0.05
"""Exponents that differ by less, as a share, are equal to 2.2. libpng uses the same limit
(PNG_GAMMA_THRESHOLD)."""


@dataclass(frozen=True)
class Stated:
    """The colours of a picture's samples as its file states them."""

    primaries: Chromaticities = SRGB
    """The chromaticities of the primaries and white."""
    transfer: int = SRGB_CURVE
    """The transfer function: TransferCharacteristics of H.273."""
    gamma: float | None = None
    """The exponent of a pure power function, sample to light; None if ``transfer`` says it."""
    table: tuple[int, ...] | None = None
    """Light, 0..65535, for evenly spaced samples; None if ``transfer`` or ``gamma`` says it."""
    full_range: bool = True
    """False if black and white are the levels 16 and 235 of 8 bits, scaled to the depth."""

    @property
    def is_hdr(self) -> bool:
        """Whether the transfer function is one for high dynamic range: PQ or HLG."""
        return self.gamma is None and self.table is None and self.transfer in (PQ, HLG)

    @property
    def is_srgb(self) -> bool:
        """Whether the samples are sRGB, within the rounding of files."""
        return near(self.primaries, SRGB) and self._has_srgb_curve and self.full_range

    @property
    def _has_srgb_curve(self) -> bool:
        return self.gamma is None and self.table is None and self.transfer in (SRGB_CURVE, *VIDEO)

    @property
    def name(self) -> str:
        """A name for the user, such as "Display P3" or "BT.2020 PQ"."""
        primaries = next((name for name, each in NAMED if near(each, self.primaries)), "other primaries")
        if self.gamma is not None:
            usual = primaries == "Adobe RGB" and is_usual_gamma(self.gamma)
            curve = "" if usual else "linear" if self.gamma == 1 else f"gamma {self.gamma:.3g}"
        elif self.table is not None:
            curve = "its own curve"
        elif self._has_srgb_curve:
            curve = ""
        else:
            curve = TRANSFERS[self.transfer]
        if primaries == "sRGB" and curve and not self.is_hdr:
            primaries = "sRGB primaries"
        full = "" if self.full_range else ", narrow range"
        separator = " " if self.is_hdr else ", "
        return separator.join(part for part in (primaries, curve) if part) + full

    @property
    def note(self) -> str | None:
        """What the conversion to sRGB does, for the user; None if it changes nothing."""
        if self.is_hdr:
            return f"tone-mapped from {self.name} to sRGB (BT.2408)"
        if not self.is_srgb:
            return f"converted from {self.name} to sRGB"
        assumed = self.gamma is None and self.transfer in VIDEO
        return "BT.709's curve read as sRGB's" if assumed else None


NAMED = (
    *((name, primaries) for name, primaries in PRIMARIES.values()),
    ("Adobe RGB", ADOBE_RGB),
    ("ProPhoto RGB", PROPHOTO),
)
"""The primaries that have a name."""


def is_usual_gamma(gamma: float) -> bool:
    """Return whether an exponent is 2.2, within the rounding of files."""
    return abs(gamma / SRGB_GAMMA - 1) <= _NEAR_GAMMA


def near(a: Chromaticities, b: Chromaticities) -> bool:
    """Return whether two sets of chromaticities are equal, within the rounding of files."""
    return all(abs(x - y) <= _NEAR for x, y in zip(a, b, strict=True))


def is_valid(primaries: Chromaticities) -> bool:
    """Return whether chromaticities span a triangle with white inside, so that a matrix exists."""
    (rx, ry), (gx, gy), (bx, by), (wx, wy) = zip(primaries[::2], primaries[1::2], strict=True)

    def side(ax: float, ay: float, bx: float, by: float) -> float:
        return (bx - ax) * (wy - ay) - (by - ay) * (wx - ax)

    sides = side(rx, ry, gx, gy), side(gx, gy, bx, by), side(bx, by, rx, ry)
    return wy > 0 and (min(sides) > 1e-4 or max(sides) < -1e-4)


def from_numbers(primaries: int, transfer: int, notes: list[str], *, full_range: bool = True) -> Stated:
    """Return the colours that code points of H.273 state; what is unspecified is sRGB's.

    ``notes`` gets a note on a reserved number, which is read as sRGB's.
    """
    unknown = [
        f"{what} {number}"
        for what, number, known in (("primaries", primaries, PRIMARIES), ("transfer function", transfer, TRANSFERS))
        if number != UNSPECIFIED and number not in known
    ]
    if unknown:
        notes.append(f"the file states {' and '.join(unknown)}, unknown to lbic; read as sRGB's")
    _, chromaticities = PRIMARIES.get(primaries, PRIMARIES[1])
    return _of_transfer(chromaticities, transfer if transfer in TRANSFERS else SRGB_CURVE, full_range)


def _of_transfer(primaries: Chromaticities, transfer: int, full_range: bool) -> Stated:
    gamma = GAMMAS.get(transfer)
    return Stated(primaries, SRGB_CURVE if gamma else transfer, gamma, full_range=full_range)
