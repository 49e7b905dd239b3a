"""Enhancement: choose a type's networks for a picture and run them in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lbic import color
from lbic.coding import Coding
from lbic.color import Plane, Planes
from lbic.enhance import catalog, session, tiling
from lbic.enhance.catalog import ModelSpec
from lbic.enhance.session import Runtime, Session
from lbic.enhance.types import NONE, EnhancementType, Stage
from lbic.errors import DeviceError, MissingError, NetworkMemoryError

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Enhancement:
    """An enhanced picture at its original size and what ran for it."""

    planes: Planes
    """The enhanced picture; the codec's picture where no network ran."""
    type: EnhancementType
    """The type that ran: NONE where the networks of a recommended one are missing."""
    models: tuple[str, ...] = ()
    """The names of the networks in the order in which they ran."""
    profile: str | None = None
    """The profile of the last network; None where none ran."""
    provider: str | None = None
    """The ONNX Runtime provider that it ran on; None where none ran."""
    notes: tuple[str, ...] = ()
    """Sentences for the user."""
    details: tuple[str, ...] = ()
    """Sentences for the user who asks for details: networks that got small tiles for lack of
    memory."""
    quality_matters: bool = False
    """Whether another quality of the picture would change the result or the notes."""
    obstacle: MissingError | None = None
    """The error that kept the recommended networks from running; one of the notes contains its
    sentence."""


def enhance_planes(
    planes: Planes,
    kind: EnhancementType,
    coding: Coding,
    size: Size,
    runtime: Runtime,
    *,
    explicit: bool,
    strength: float = 1,
) -> Enhancement:
    """Bring a decoded picture to its original size and enhance it.

    ``coding`` is how the picture was coded and ``size`` its original width and height.
    ``strength``, 0..1, is the weight of the enhanced picture against the codec's; at 0 no network
    runs. With ``explicit`` a missing network, or too little memory for it, raises MissingError;
    without, the codec's picture comes back with a note. A requested device or profile
    that is missing raises DeviceError in both cases.
    """
    if strength == 0:
        kind = NONE
    try:
        specs = _choose_networks(kind, coding, runtime, planes.width * planes.height)
        networks = _Networks([session.open_session(spec, runtime.device) for spec in specs], coding, runtime.tile)
        result = _run_in_memory(planes, kind, size, networks)
    except MissingError as error:
        if explicit or isinstance(error, DeviceError):
            raise
        note = f"{error}; wrote the codec's picture without enhancement"
        return Enhancement(upsample(planes, *size), NONE, notes=(note,), obstacle=error)
    if not networks.sessions:
        return Enhancement(result, kind)
    if strength < 1:
        result = _blend(upsample(planes, *size), result, strength)
    return Enhancement(
        planes=result,
        type=kind,
        models=tuple(spec.name for spec in specs),
        profile=specs[-1].profile,
        provider=networks.sessions[-1].provider,
        notes=networks.notes(),
        details=tuple(networks.details),
        quality_matters=any(spec.quality_plane or not spec.covers(coding) for spec in specs),
    )


def upsample(planes: Planes, width: int, height: int) -> Planes:
    """Enlarge planes to a size by bicubic interpolation.

    Where luma has that size already, the planes come back unchanged, 4:2:0 chroma included.
    """
    if (planes.width, planes.height) == (width, height):
        return planes
    y = color.resize(planes.y, width, height)
    if planes.cb is None or planes.cr is None:
        return Planes(y)
    low = planes.width, planes.height
    return Planes(y, *(color.resize(color.resize_chroma(c, *low), width, height) for c in (planes.cb, planes.cr)))


@dataclass(frozen=True)
class _Networks:
    """The opened networks of a type."""

    sessions: list[Session]
    """In the order in which they run."""
    coding: Coding
    """How the picture was coded."""
    tile: int | None
    """The tiles' side in pixels; None for the automatic one."""
    details: dict[str, None] = field(default_factory=dict)
    """Sentences about networks that lacked memory: the keys, in order."""

    def run(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run all networks on (channels, height, width) float32 in [0, 1].

        The result has the same shape.
        """
        for opened in self.sessions:
            name, quality = opened.spec.name, opened.spec.quality_for(self.coding)
            picture = tiling.run(opened, picture, self.tile, quality, partial(self._shrunk, name))
        return picture

    def _shrunk(self, name: str, size: int) -> None:
        self.details[f"model {name} ran on tiles of {size} pixels, for lack of memory"] = None

    def run_plane(self, plane: Plane) -> Plane:
        """Run all networks, of one channel each, on one plane in [0, 1]."""
        result: Plane = self.run(plane[None])[0]
        return result

    def notes(self) -> tuple[str, ...]:
        """Return the notes on devices and on networks that do not cover the picture."""
        notes: dict[str, None] = {}  # a set that keeps its order
        for opened in self.sessions:
            if opened.note:
                notes[opened.note] = None
            if not opened.spec.covers(self.coding):
                domain = opened.spec.domain(self.coding.codec)
                notes[f"model {opened.spec.name} is for {domain}; this picture is {self.coding}"] = None
        return tuple(notes)


def _choose_networks(kind: EnhancementType, coding: Coding, runtime: Runtime, pixels: int) -> tuple[ModelSpec, ...]:
    """Return the network for each role of a type; raises MissingError when one is not shipped."""
    if not kind.roles:
        return ()  # the catalog is not read, so a damaged installation still decodes
    shipped = catalog.load()
    shipped.require(kind)
    specs = shipped.networks(kind, coding, session.profiles(runtime), pixels)
    for spec in specs:
        if runtime.profile not in ("auto", spec.profile):
            raise DeviceError(f"the {runtime.profile} profile of enhancement type {kind} is not shipped with this lbic")
    return specs


def _run_in_memory(planes: Planes, kind: EnhancementType, size: Size, networks: _Networks) -> Planes:
    """Run the networks.

    Raises NetworkMemoryError where memory ends outside the tiles, which tiling makes smaller.
    """
    if not networks.sessions:
        return upsample(planes, *size)
    try:
        return _STEPS[kind.stage](planes, size, networks)
    except MemoryError as error:
        raise NetworkMemoryError("not enough memory for the networks") from error


def _run_decoded(planes: Planes, size: Size, networks: _Networks) -> Planes:
    """Run the networks of types 1-4: on RGB at the coded size.

    A gray picture becomes three equal channels.
    """
    # The input (288 MB for 24 megapixels) has no name, so it is freed before a second network.
    picture = networks.run(_channels(planes))
    y, cb, cr = color.rgb_to_ycbcr(picture.transpose(1, 2, 0))
    return upsample(Planes(y) if planes.gray else Planes(y, cb, cr), *size)


def _channels(planes: Planes) -> NDArray[np.float32]:
    """Convert planes to RGB, (3, height, width) float32 in [0, 1]."""
    rgb = np.repeat(planes.y[..., None], 3, axis=2) if planes.gray else color.planes_to_rgb(planes)
    return np.ascontiguousarray(rgb.transpose(2, 0, 1))


def _run_upsampled(planes: Planes, size: Size, networks: _Networks) -> Planes:
    """Run the networks of types 5 and 6: on luma at the original size; chroma stays bicubic."""
    full = upsample(planes, *size)
    return Planes(networks.run_plane(full.y), full.cb, full.cr)


def _run_planes(planes: Planes, size: Size, networks: _Networks) -> Planes:
    """Run the networks of type 7: on luma, and on chroma at half size, as it was coded.

    Chroma's middle is moved to 0.5 for them.
    """
    half = upsample(planes, *size).halved()
    middle = np.float32(0.5)
    chroma = (c + middle for c in (half.cb, half.cr) if c is not None)
    return Planes(networks.run_plane(half.y), *(networks.run_plane(c) - middle for c in chroma))


_STEPS: dict[Stage, Callable[[Planes, Size, _Networks], Planes]] = {
    Stage.DECODED: _run_decoded,
    Stage.UPSAMPLED: _run_upsampled,
    Stage.PLANES: _run_planes,
}


def _blend(plain: Planes, enhanced: Planes, strength: float) -> Planes:
    """Mix two pictures, the enhanced one with the weight ``strength``.

    Where their chroma differs in size, it is mixed at luma's size.
    """
    weight = np.float32(strength)

    def mix(a: Plane, b: Plane) -> Plane:
        if a.shape != b.shape:
            a, b = (color.resize_chroma(plane, plain.width, plain.height) for plane in (a, b))
        return a + weight * (b - a)

    y = mix(plain.y, enhanced.y)
    if plain.cb is None or plain.cr is None or enhanced.cb is None or enhanced.cr is None:
        return Planes(y)
    return Planes(y, mix(plain.cb, enhanced.cb), mix(plain.cr, enhanced.cr))
