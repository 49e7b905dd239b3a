"""Enhancement: which networks a type means for a picture, and running them in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbic import color
from lbic.color import Plane, Planes
from lbic.enhance import catalog, session, tiling
from lbic.enhance.catalog import ModelSpec
from lbic.enhance.session import Runtime, Session
from lbic.enhance.types import NONE, EnhancementType, Stage
from lbic.errors import DeviceError, MissingError, NetworkMemoryError
from lbic.format.container import Header


@dataclass(frozen=True)
class Enhancement:
    """An enhanced picture at its original size and what ran for it.

    ``type`` is what really ran (none when advice could not be followed), ``profile`` and ``provider`` are
    None then; ``models`` are the networks' names in order. ``quality_matters`` tells that another quality of
    the picture would give another result or another note.
    """

    planes: Planes
    type: EnhancementType
    models: tuple[str, ...] = ()
    profile: str | None = None
    provider: str | None = None
    notes: tuple[str, ...] = ()
    quality_matters: bool = False
    obstacle: MissingError | None = None
    """The error that kept the recommended networks from running; a note says it too."""


def enhance_planes(
    planes: Planes, kind: EnhancementType, header: Header, runtime: Runtime, *, explicit: bool, strength: float = 1
) -> Enhancement:
    """Bring a decoded picture to its original size and enhance it.

    ``strength``, 0..1, is how far to go from the codec's picture to the enhanced one; at 0 no network runs.
    ``explicit`` tells that the user asked for this type: then what is missing raises MissingError; otherwise
    the picture comes back as the codec left it, with a note. A device or profile that the user asked for and
    that is not here raises DeviceError in both cases. Memory is missed like a network.
    """
    if strength == 0:
        kind = NONE
    try:
        sessions = [session.open_session(spec, runtime.device) for spec in _resolve(kind, header, runtime)]
        result, notes = _run_in_memory(planes, kind, header, runtime, sessions)
    except MissingError as error:
        if explicit or isinstance(error, DeviceError):
            raise
        plain = upsample(planes, header.width, header.height)
        note = f"{error}; wrote the codec's picture without enhancement"
        return Enhancement(plain, NONE, notes=(note,), obstacle=error)
    if not sessions:
        return Enhancement(result, kind)
    if strength < 1:
        result = _blend(upsample(planes, header.width, header.height), result, strength)
    return Enhancement(
        result,
        kind,
        tuple(opened.spec.name for opened in sessions),
        sessions[-1].spec.profile,
        sessions[-1].provider,
        notes,
        any(opened.spec.quality_plane or not _covers(opened.spec, header) for opened in sessions),
    )


def upsample(planes: Planes, width: int, height: int) -> Planes:
    """Bring planes to a size by bicubic interpolation; 4:2:0 chroma stays as it is where luma already fits."""
    if (planes.width, planes.height) == (width, height):
        return planes
    y = color.resize(planes.y, width, height)
    if planes.cb is None or planes.cr is None:
        return Planes(y)
    low = planes.width, planes.height
    return Planes(y, *(color.resize(color.resize_chroma(c, *low), width, height) for c in (planes.cb, planes.cr)))


def _resolve(kind: EnhancementType, header: Header, runtime: Runtime) -> tuple[ModelSpec, ...]:
    """The network for each role of a type; MissingError when one is not shipped."""
    if not kind.roles:
        return ()  # so that a damaged installation still decodes
    shipped = catalog.load()
    shipped.require(kind)
    specs = shipped.networks(kind, header.codec, header.scale, header.quality, session.profiles(runtime))
    for spec in specs:
        if runtime.profile not in ("auto", spec.profile):
            raise DeviceError(f"the {runtime.profile} profile of enhancement type {kind} is not shipped with this lbic")
    return specs


def _run_in_memory(
    planes: Planes, kind: EnhancementType, header: Header, runtime: Runtime, sessions: list[Session]
) -> tuple[Planes, tuple[str, ...]]:
    """``_run`` with MissingError where memory ends between tiles; a tile that does not fit is tiling's to halve."""
    try:
        return _run(planes, kind, header, runtime, sessions)
    except MemoryError as error:
        if not sessions:
            raise
        raise NetworkMemoryError("not enough memory for the networks") from error


def _run(
    planes: Planes, kind: EnhancementType, header: Header, runtime: Runtime, sessions: list[Session]
) -> tuple[Planes, tuple[str, ...]]:
    if not sessions:
        return upsample(planes, header.width, header.height), ()
    notes: dict[str, None] = {}  # a set that keeps its order
    for opened in sessions:
        if opened.note:
            notes[opened.note] = None
        if not _covers(opened.spec, header):
            domain = opened.spec.domain(header.codec)
            notes[f"model {opened.spec.name} is for {domain}; this picture is {_kind(header)}"] = None
    steps = {Stage.DECODED: _run_decoded, Stage.UPSAMPLED: _run_upsampled, Stage.PLANES: _run_planes}
    return steps[kind.stage](planes, header, runtime, sessions), tuple(notes)


def _covers(spec: ModelSpec, header: Header) -> bool:
    return spec.covers(header.codec, header.scale, header.quality)


def _kind(header: Header) -> str:
    return f"{header.codec} quality {header.quality}, scale {header.scale / 16:g}"


def _run_decoded(planes: Planes, header: Header, runtime: Runtime, sessions: list[Session]) -> Planes:
    """Types 1-4: the networks see RGB at the coded size; a gray picture goes in as three equal channels."""
    rgb = np.repeat(planes.y[..., None], 3, axis=2) if planes.gray else color.planes_to_rgb(planes)
    picture = np.ascontiguousarray(rgb.transpose(2, 0, 1))
    del rgb  # 288 MB of a 24-megapixel picture
    for opened in sessions:
        picture = _through(opened, picture, header, runtime)
    y, cb, cr = color.rgb_to_ycbcr(picture.transpose(1, 2, 0))
    return upsample(Planes(y) if planes.gray else Planes(y, cb, cr), header.width, header.height)


def _run_upsampled(planes: Planes, header: Header, runtime: Runtime, sessions: list[Session]) -> Planes:
    """Types 5 and 6: the networks see luma at the original size; chroma stays bicubic."""
    full = upsample(planes, header.width, header.height)
    return Planes(_chain(full.y, header, runtime, sessions), full.cb, full.cr)


def _run_planes(planes: Planes, header: Header, runtime: Runtime, sessions: list[Session]) -> Planes:
    """Type 7: the networks see luma, and chroma at half size as it was coded, its middle moved to 0.5."""
    half = upsample(planes, header.width, header.height).halved()
    middle = np.float32(0.5)
    chroma = (c + middle for c in (half.cb, half.cr) if c is not None)
    return Planes(
        _chain(half.y, header, runtime, sessions),
        *(_chain(c, header, runtime, sessions) - middle for c in chroma),
    )


def _chain(plane: Plane, header: Header, runtime: Runtime, sessions: list[Session]) -> Plane:
    """One plane through one-channel networks in their order."""
    for opened in sessions:
        plane = _through(opened, plane[None], header, runtime)[0]
    return plane


def _through(opened: Session, picture: NDArray[np.float32], header: Header, runtime: Runtime) -> NDArray[np.float32]:
    return tiling.run(opened, picture, runtime.tile, opened.spec.quality_for(header.codec, header.quality))


def _blend(plain: Planes, enhanced: Planes, strength: float) -> Planes:
    """Go a share of the way from one picture to another; chroma of two sizes meets at the luma's."""
    weight = np.float32(strength)

    def mix(a: Plane, b: Plane) -> Plane:
        if a.shape != b.shape:
            a, b = (color.resize_chroma(plane, plain.width, plain.height) for plane in (a, b))
        return a + weight * (b - a)

    y = mix(plain.y, enhanced.y)
    if plain.cb is None or plain.cr is None or enhanced.cb is None or enhanced.cr is None:
        return Planes(y)
    return Planes(y, mix(plain.cb, enhanced.cb), mix(plain.cr, enhanced.cr))
