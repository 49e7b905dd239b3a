"""Steerable pyramid: the details of a picture by scale and orientation.

It is computed in the Fourier domain. Simoncelli and Freeman, "The Steerable Pyramid: A Flexible
Architecture for Multi-Scale Derivative Computation" (ICIP 1995), with the transfer functions of
Portilla and Simoncelli, "A Parametric Texture Model" (IJCV 2000): a raised cosine over one octave
of frequency, and a power of the cosine over the angle.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pyramid(plane: Floats, scales: int, orientations: int) -> tuple[Floats, list[list[Floats]]]:
    """Return the high-pass residual and the bands of each scale, from fine to coarse.

    A scale has ``orientations`` bands. The residual and the finest bands have the shape of the
    plane, (height, width); each coarser scale has half of it, rounded up. Band k holds changes
    along the angle k * pi / orientations, from the direction of a row towards that of a column.
    Borders wrap around.
    """
    across, down = np.meshgrid(*((np.arange(n) - n // 2) / (n / 2) for n in plane.shape[::-1]))
    octaves = np.log2(np.maximum(np.hypot(across, down), np.finfo(np.float64).tiny))
    angles = np.arctan2(down, across)
    spectrum = np.fft.fftshift(np.fft.fft2(plane))
    residual = _plane(spectrum * _high(octaves))
    spectrum = spectrum * _low(octaves)
    order = orientations - 1
    gain = 2**order * math.factorial(order) / math.sqrt(orientations * math.factorial(2 * order))
    bands = []
    for _ in range(scales):
        octaves = octaves + 1
        details = (-1j) ** order * gain * spectrum * _high(octaves)
        steered = (np.cos(angles - k * math.pi / orientations) ** order for k in range(orientations))
        bands.append([_plane(details * response) for response in steered])
        octaves, angles, spectrum = _centre(octaves), _centre(angles), _centre(spectrum)
        spectrum = spectrum * _low(octaves)
    return residual, bands


def _high(octaves: Floats) -> Floats:
    """Return the high-pass response: 0 up to an octave below, 1 from octave 0 on."""
    response: Floats = np.cos(math.pi / 2 * np.clip(octaves, -1, 0))
    return response


def _low(octaves: Floats) -> Floats:
    """Return the low-pass response; its square and that of the high-pass add up to 1."""
    return np.sqrt(1 - _high(octaves) ** 2)


def _centre(grid: NDArray[Any]) -> NDArray[Any]:
    """Return the inner half of a frequency grid: the whole grid of the next coarser scale."""
    halves = [(n + 1) // 2 for n in grid.shape]
    starts = [n // 2 - half // 2 for n, half in zip(grid.shape, halves, strict=True)]
    return grid[tuple(slice(start, start + half) for start, half in zip(starts, halves, strict=True))]


def _plane(spectrum: NDArray[np.complex128]) -> Floats:
    return np.fft.ifft2(np.fft.ifftshift(spectrum)).real
