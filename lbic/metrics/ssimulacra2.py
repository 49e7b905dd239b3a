"""SSIMULACRA2: how close a picture is to the original for the eye; 100 is equal, higher is better.

About 30 is low, 50 medium and 70 high quality; from 90 people see no difference. Bad pictures have
scores below 0. Jon Sneyers, github.com/cloudinary/ssimulacra2, version 2.1. This follows libjxl's
tool: the metric sums error maps of three kinds in the colour space XYB at six scales. Its blur is
the recursive Gaussian of Charalampidis (IEEE Transactions on Image Processing, 2016) with zeros
outside of the picture, which is a filter of nine taps. Blurs with other borders change scores by
up to 5 points.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

LEAST_SIDE = 8
"""The smallest side in pixels."""
_SCALES = 6
_BAND = 1 << 18
"""About how many pixels are measured at a time."""
_ABSORBANCE = np.array(
    [
        (0.3, 0.622, 0.078),
        (0.23, 0.692, 0.078),
        (0.24342268924547819, 0.20476744424496821, 0.55180986650955360),
    ],
    np.float32,
)
"""Linear red, green and blue to the responses of the three cones."""
_BIAS = np.float32(0.0037930732552754493)
_C2 = np.float32(0.0009)
_TAPS = np.array([0.264621105, 0.212928592, 0.109335373, 0.0360111147, 0.00941436781], np.float32)
"""The blur's kernel of standard deviation 1.5, from its centre outwards."""
_REACH = len(_TAPS) - 1
_WEIGHTS = np.array(
    [
        (0, 0.0007376606707406586, 0, 0, 0.0007793481682867309, 0),
        (0, 0.0004371155730107379, 0, 1.1041726426657346, 0.00066284834129271, 0.00015231632783718752),
        (0, 0.0016406437456599754, 0, 1.8422455520539298, 11.441172603757666, 0),
        (0.0007989109436015163, 0.000176816438078653, 0, 1.8787594979546387, 10.94906990605142, 0),
        (
            0.0007289346991508072,
            0.9677937080626833,
            0,
            0.00014003424285435884,
            0.9981766977854967,
            0.00031949755934435053,
        ),
        (0.0004550992113792063, 0, 0, 0.0013648766163243398, 0, 0),
        (0, 0, 0, 7.466890328078848, 0, 17.445833984131262),
        (0.0006235601634041466, 0, 0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264),
        (225.20515300849274, 0, 0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985),
        (176.39317598450694, 0, 0, 24.43300999870476, 0.28520802612117757, 0.0004485436923833408),
        (0, 0, 0, 34.77906344483772, 44.835625328877896, 0),
        (0, 0, 0, 0, 0, 0),
        (0, 0.0008680556573291698, 0, 0, 0, 0),
        (0, 0.0005313191874358747, 0, 0.00016533814161379112, 0, 0),
        (0, 0, 0, 0.0004179171803251336, 0.0017290828234722833, 0),
        (0.0020827005846636437, 0, 0, 8.826982764996862, 23.19243343998926, 0),
        (
            95.1080498811086,
            0.9863978034400682,
            0.9834382792465353,
            0.0012286405048278493,
            171.2667255897307,
            0.9807858872435379,
        ),
        (0, 0, 0, 0.0005130064588990679, 0, 0.00010854057858411537),
    ]
)
"""libjxl's weights, (18, 6): X, Y and B of six scales each; in a row the mean of the maps SSIM,
ringing and smoothing, and their 4-norm."""

Floats = NDArray[np.float32]


def ssimulacra2(reference: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the SSIMULACRA2 of two sRGB pictures, at most 100.

    Both are (height, width, 3) uint8 with sides of at least LEAST_SIDE. Raises ValueError for
    smaller pictures and for different shapes.
    """
    if reference.shape != other.shape:
        raise ValueError(f"pictures of different shapes: {reference.shape} and {other.shape}")
    height, width, _ = reference.shape
    if min(height, width) < LEAST_SIDE:
        raise ValueError(f"SSIMULACRA2 needs sides of {LEAST_SIDE} pixels; the picture is {width}x{height}")
    pair = [_linear(reference), _linear(other)]
    scales: list[NDArray[np.float64]] = []
    while len(scales) < _SCALES:
        scales.append(_errors(*pair))
        if min(pair[0].shape[1:]) < LEAST_SIDE:
            break
        pair = [_halved(planes) for planes in pair]
    # Like libjxl's tool, with fewer scales the other channels get the weights that come next.
    errors = np.stack(scales, axis=1).ravel()
    total = 0.9562382616834844 * float(errors @ _WEIGHTS.ravel()[: errors.size])
    total = 2.326765642916932 * total - 0.020884521182843837 * total**2 + 6.248496625763138e-05 * total**3
    return 100.0 - 10.0 * float(max(total, 0.0) ** 0.6276336467831387)


def _linear(picture: NDArray[np.uint8]) -> Floats:
    """Return the linear light of an sRGB picture, (3, height, width) in 0..1."""
    level = np.arange(256) / 255
    light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return np.stack([light[picture[..., channel]] for channel in range(3)])


def _halved(planes: Floats) -> Floats:
    """Return means of 2x2 pixels; the last row and column of an odd size count twice."""
    rows, columns = (side % 2 for side in planes.shape[1:])
    even = np.pad(planes, ((0, 0), (0, rows), (0, columns)), mode="edge")
    halved: Floats = (even[:, ::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, ::2] + even[:, 1::2, 1::2]) / np.float32(4)
    return halved


def _errors(reference: Floats, other: Floats) -> NDArray[np.float64]:
    """Return the errors at one scale, (3, 6), of pictures in linear light; columns as _WEIGHTS."""
    sums: NDArray[np.float64] = np.zeros((3, 6))
    for rows, inner in _bands(*reference.shape[1:]):
        for channel, one, two in zip(range(3), _xyb(reference[:, rows]), _xyb(other[:, rows]), strict=True):
            sums[channel] += _sums(one, two, inner)
    means: NDArray[np.float64] = sums / (reference.shape[1] * reference.shape[2])
    means[:, 3:] **= 0.25
    return means


def _bands(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows with those that the blur needs around them, and the rows of the band in them."""
    step = max(_BAND // width, 4 * _REACH)
    for top in range(0, height, step):
        first, bottom = max(top - _REACH, 0), min(top + step, height)
        yield slice(first, min(bottom + _REACH, height)), slice(top - first, bottom - first)


def _xyb(linear: Floats) -> Floats:
    """Return X, Y and B - Y, (3, height, width) in about 0..1, of linear light."""
    long, middle, short = np.cbrt(np.tensordot(_ABSORBANCE, linear, axes=1) + _BIAS) - np.cbrt(_BIAS)
    y = (long + middle) / 2
    return np.stack([(long - middle) * 7 + np.float32(0.42), y + np.float32(0.01), short - y + np.float32(0.55)])


def _sums(one: Floats, two: Floats, inner: slice) -> list[float]:
    """Return the sums over a band of the maps and of their fourth powers; columns as _WEIGHTS."""
    mean1, mean2 = _blurred(one)[inner], _blurred(two)[inner]
    variances = (_blurred(one * one)[inner] - mean1 * mean1) + (_blurred(two * two)[inner] - mean2 * mean2)
    covariance = _blurred(one * two)[inner] - mean1 * mean2
    similarity = (1 - (mean1 - mean2) ** 2) * (2 * covariance + _C2) / (variances + _C2)
    edges = (1 + np.abs(two[inner] - mean2)) / (1 + np.abs(one[inner] - mean1)) - 1
    maps = [np.maximum(map, 0) for map in (1 - similarity, edges, -edges)]
    return [float(np.sum(map**power, dtype=np.float64)) for power in (1, 4) for map in maps]


def _blurred(plane: Floats) -> Floats:
    """Return a blurred plane; outside of it there are zeros."""
    for axis in (0, 1):
        blurred = _TAPS[0] * plane
        for distance, tap in enumerate(_TAPS[1:], 1):
            near, far = [slice(None)] * 2, [slice(None)] * 2
            near[axis], far[axis] = slice(None, -distance), slice(distance, None)
            blurred[tuple(near)] += tap * plane[tuple(far)]
            blurred[tuple(far)] += tap * plane[tuple(near)]
        plane = blurred
    return plane
