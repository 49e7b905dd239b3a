"""Codecs of other packages: entry points of the group ``lbic.codecs`` (docs/plugins.md)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar, cast

from lbic.codecs.base import CodecObject, Geometry
from lbic.color import Planes
from lbic.errors import CodecError, LbicError, MissingError, UsageError
from lbic.format import plugin
from lbic.format.container import CODEC_IDS, PAYLOAD_STREAM, PLUGIN_ID
from lbic.system import entrypoints
from lbic.system.entrypoints import Entry

_Result = TypeVar("_Result")
GROUP = "lbic.codecs"
MOST = 128
"""The most bytes of an entry point's value, such as "lbic_jxl:CODEC"."""


class PluginCodec:
    """A codec of another package; its streams are stored whole.

    An exception of the package that is none of lbic's becomes a CodecError.
    """

    def __init__(self, entry: Entry, codec: CodecObject) -> None:
        """Take the entry point and the object that it names."""
        self.id = PLUGIN_ID
        self.package = entry.package
        self.name = codec.name
        self.summary = f"{codec.summary} ({entry.package} {entry.version})"
        self.quality_symbol = codec.quality_symbol
        self.quality_range = codec.quality_range
        self.useful_quality = codec.useful_quality
        self.default_quality = codec.default_quality
        self.lower_is_better = codec.lower_is_better
        self.lambda_scales: tuple[float, ...] = (1.0,)
        self._module = entry.module
        self._codec = codec

    def availability(self) -> str | None:
        """Return None if the codec can encode here, else a sentence that says what is missing."""
        return self._codec.availability()

    def programs(self) -> tuple[str, ...]:
        """Return the file of the package's module."""
        file = getattr(sys.modules.get(self._module), "__file__", None)
        return (file,) if file and os.path.isfile(file) else ()

    def encode(self, planes: Planes, quality: int, effort: int, lambda_scale: float = 1) -> bytes:
        """Encode planes, see Codec.encode."""
        return self._call(lambda: bytes(self._codec.encode(planes, quality, effort, lambda_scale)))

    def shorten(self, stream: bytes, geometry: Geometry, quality: int) -> tuple[int, bytes]:
        """Return the stream itself, see Codec.shorten."""
        return PAYLOAD_STREAM, stream

    def restore(self, form: int, payload: bytes, geometry: Geometry, quality: int) -> bytes:
        """Return the payload itself, see Codec.restore."""
        return payload

    def decode(self, data: bytes, geometry: Geometry) -> Planes:
        """Decode a stream, see Codec.decode; raises CodecError for planes of another size."""
        planes = self._call(lambda: self._codec.decode(data, geometry))
        whole = (geometry.height, geometry.width)
        half = (-(-geometry.height // 2), -(-geometry.width // 2))
        chroma = [plane.shape for plane in (planes.cb, planes.cr) if plane is not None]
        right = not chroma if geometry.gray else chroma in ([whole, whole], [half, half])
        if planes.y.shape != whole or not right:
            raise CodecError(f"codec {self.name} returned planes of another size than the header's")
        return planes

    def _call(self, function: Callable[[], _Result]) -> _Result:
        """Call the package; its exceptions become CodecError."""
        try:
            return function()
        except (LbicError, MemoryError):
            raise
        except Exception as error:
            raise CodecError(f"codec {self.name} failed: {error!r}") from error


@lru_cache(maxsize=1)
def installed() -> dict[str, Entry]:
    """Return the entry points by the codec's name; the first package with a name keeps it.

    An entry point with the name of one of lbic's own codecs, or a name that no file can hold, is
    left out.
    """
    rows: dict[str, Entry] = {}
    for entry in entrypoints.entries(GROUP):
        if entry.name not in CODEC_IDS and _holdable(entry):
            rows.setdefault(entry.name, entry)
    return rows


def ignored() -> tuple[Entry, ...]:
    """Return the entry points that ``installed`` leaves out."""
    return tuple(entry for entry in entrypoints.entries(GROUP) if installed().get(entry.name) != entry)


@lru_cache(maxsize=64)
def load(name: str) -> PluginCodec:
    """Import the codec with this name. Raises MissingError if its package fails to load."""
    entry = installed()[name]
    try:
        codec = referred(entry)
        if codec.name != name:
            raise ValueError(f"{entry.value} has the name {codec.name!r}")
    except Exception as error:  # whatever the package's import raises
        raise MissingError(f"codec {name}: the package {entry.package} does not load: {error!r}") from error
    return codec


def referred(entry: Entry) -> PluginCodec:
    """Import the codec of an entry point. Raises whatever its import raises."""
    codec = entrypoints.load(entry)
    missing = [part for part in _parts() if not hasattr(codec, part)]
    if missing:
        raise TypeError(f"{entry.value} has no {', '.join(missing)}")
    return PluginCodec(entry, cast(CodecObject, codec))


def _parts() -> list[str]:
    """Return the names of what CodecObject must have."""
    return [*CodecObject.__annotations__, "availability", "encode", "decode"]


def _holdable(entry: Entry) -> bool:
    try:
        plugin.check(entry.name, entry.package)
    except UsageError:
        return False
    return len(entry.value.encode()) <= MOST
