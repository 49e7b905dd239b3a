"""VVC intra by the reference encoder VTM: slow; decoded like the codec vvc."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from lbic.codecs import vvc
from lbic.codecs.base import Geometry
from lbic.codecs.process import attempt
from lbic.color import Planes
from lbic.errors import CodecError, MissingError

VARIABLE = "LBIC_VTM_DIR"
MIN_VERSION = 11
_CONFIGURATION = "encoder_intra_vtm.cfg"
_HOW = (
    f"build VTM {MIN_VERSION} or later (Fraunhofer HHI's VVCSoftware_VTM) and set {VARIABLE} to its folder, the one "
    "that holds bin/ and cfg/"
)


class VtmCodec:
    """VTM's EncoderApp with its all-intra configuration; effort has no effect."""

    id = 2
    name = "vtm"
    summary = f"VVC intra (H.266) by the reference encoder VTM, found by {VARIABLE}"
    quality_symbol = "qp"
    quality_range = (0, 63)
    useful_quality = (27, 47)
    default_quality = 37
    lower_is_better = True
    lambda_scales: tuple[float, ...] = (1.0,)

    def availability(self) -> str | None:
        """Return None if VTM is installed, else a sentence that says how to get it."""
        try:
            _program(os.environ.get(VARIABLE))
        except MissingError as error:
            return str(error)
        return None

    def programs(self) -> tuple[str, ...]:
        """Return the paths of EncoderApp and its configuration, or nothing."""
        try:
            return _program(os.environ.get(VARIABLE))
        except MissingError:
            return ()

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Encode planes at one QP, see Codec.encode."""
        program, configuration = _program(os.environ.get(VARIABLE))
        raw, (width, height) = vvc.to_raw(planes, neutral_chroma=False)
        options = (
            *("-wdt", str(width), "-hgt", str(height), "-fr", "1", "-f", "1", "-q", str(quality)),
            *("--InputBitDepth=10", f"--InputChromaFormat={400 if planes.gray else 420}"),
            *("--ConformanceWindowMode=1", "--TemporalSubsampleRatio=1", "--Level=6.2"),
        )
        return vvc.encode(
            raw,
            lambda source, target: [program, "-c", configuration, "-i", source, "-b", target, "-o", "", *options],
            planes,
        )

    def shorten(self, stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
        """Return form and payload of a stream, see Codec.shorten."""
        return vvc.shorten(stream, geometry, quality)

    def restore(self, form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
        """Return the stream of a payload, see Codec.restore."""
        return vvc.restore(form, payload, geometry, quality)

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode a stream, see Codec.decode."""
        return vvc.decode(data, geometry)


@lru_cache(maxsize=4)
def _program(folder: str | None) -> tuple[str, str]:
    """Return the paths of EncoderApp and its all-intra configuration.

    Raises MissingError, which says how to get them.
    """
    if not folder:
        raise MissingError(f"{VARIABLE} is not set; {_HOW}")
    root = Path(folder).absolute()  # the encoder runs in a temporary folder
    program = next((p for p in sorted(root.glob("**/EncoderApp*")) if p.is_file() and os.access(p, os.X_OK)), None)
    configuration = next(iter(sorted(root.glob(f"**/{_CONFIGURATION}"))), None)
    for path, name in ((program, "EncoderApp"), (configuration, _CONFIGURATION)):
        if path is None:
            raise MissingError(f"{VARIABLE} is {folder}, which has no {name}; {_HOW}")
    version = _version(str(program))
    if version < MIN_VERSION:
        raise MissingError(
            f"{program} is VTM {version or 'of unknown version'}; versions before {MIN_VERSION} write a draft of VVC "
            f"that standard decoders cannot read; {_HOW}"
        )
    return str(program), str(configuration)


def _version(program: str) -> int:
    """Return VTM's major version from its banner, or 0 if there is none."""
    try:
        _, output, stderr = attempt([program], timeout=20)
    except (MissingError, CodecError):
        return 0
    match = re.search(rb"Encoder Version \[?(\d+)\.", output + stderr)
    return int(match[1]) if match else 0
