"""The catalog of shipped networks, one row of models/manifest.json each.

``lbic export`` writes the rows. The folder is lbic/models in a wheel, which may be installed as a
zip file, and models/ beside the package in a checkout.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain
from pathlib import Path
from typing import Any

from lbic.coding import Coding
from lbic.enhance import plugins
from lbic.enhance.equivalent import Equivalent, distance_to_range
from lbic.enhance.types import NOISE_REDUCTION, NONE, TYPES, EnhancementType
from lbic.errors import MissingError, reason

PROFILES = ("fast", "lite", "full")
"""The profiles by what they cost; a CPU prefers them in this order."""
ON_GPU = ("full", "fast", "lite")
"""The profiles in the order in which a GPU prefers them."""
_UNKNOWN = 2
"""The strangeness of a codec that a network was neither trained nor measured for."""
_LAST = ("also", "automatic", "least_pixels", "source")  # a row may leave them out
_PACKAGE: Traversable = files("lbic")


@dataclass(frozen=True)
class ModelSpec:
    """One shipped network, called a model: a row of the manifest."""

    name: str
    """The model's name in messages and reports."""
    file: str
    """The file's name in the models folder."""
    sha256: str
    """The file's sha256, in hexadecimal."""
    size: int
    """The file's size in bytes."""
    role: str
    """The step that it takes in an enhancement type (types.EnhancementType.roles)."""
    network: str
    """The network's name in nets/table.py."""
    profile: str
    """One of PROFILES."""
    channels: int
    """Channels of the picture that it gets: 1 for a plane, 3 for RGB."""
    halo: int
    """Context in pixels with which a tile equals the whole picture to a tenth of a level
    (train/halo.py)."""
    multiple: int
    """The sides of its input are padded to a multiple of this."""
    quality_plane: bool
    """Whether it gets one more channel, which holds quality / 63."""
    codecs: tuple[str, ...]
    """The codecs that it was trained on."""
    scales: tuple[int, ...]
    """The scales that it was trained for, in sixteenths."""
    quality: tuple[int, int]
    """The lowest and the highest quality of the training, the codec's own numbers."""
    trained_on: str
    """The pictures that it was trained on, in words."""
    licence: str
    """The licence of its weights."""
    also: tuple[Equivalent, ...] = ()
    """Codecs that it serves besides those of the training; none by default."""
    automatic: bool = True
    """Whether it may run where the user names no profile."""
    least_pixels: int = 0
    """The fewest pixels of a picture for which it runs where the user names no profile."""
    source: str = ""
    """The module in whose folder the file lies, for a network of another package."""

    @property
    def path(self) -> Traversable:
        """The path of the model file."""
        return (plugins.folder(self.source) if self.source else models_folder()) / self.file

    def covers(self, coding: Coding) -> bool:
        """Return whether the network was trained or measured for pictures coded this way."""
        return coding.scale in self.scales and self.knows(coding)

    def knows(self, coding: Coding) -> bool:
        """Return whether it was trained or measured for this codec and quality, at any scale."""
        return self.distance(coding) == 0

    def distance(self, coding: Coding) -> float:
        """Return how far the quality is from the nearest of ``ranges``; infinity without any."""
        return min((distance_to_range(coding.quality, ends) for ends in self.ranges(coding.codec)), default=math.inf)

    def quality_for(self, coding: Coding) -> int:
        """Return the quality that the quality plane holds for a picture coded this way.

        Inside the training it is the picture's own, inside an equivalent the one that it looks
        like. Outside both it is the picture's own for a codec of the training, the nearest
        equivalent's for a codec with equivalents, and the middle of the training for any other
        codec.
        """
        codec, quality = coding.codec, coding.quality
        if codec in self.codecs and self.quality[0] <= quality <= self.quality[1]:
            return quality
        nearest = min(self._equivalents(codec), key=lambda other: other.distance(quality), default=None)
        if nearest and (codec not in self.codecs or nearest.distance(quality) == 0):
            return nearest.quality_for(quality)
        return quality if codec in self.codecs else sum(self.quality) // 2

    def strangeness(self, codec: str) -> int:
        """Return 0 for a codec of the training, 1 for one of ``also``, 2 for any other."""
        return 0 if codec in self.codecs else 1 if self._equivalents(codec) else _UNKNOWN

    def ranges(self, codec: str) -> list[tuple[int, int]]:
        """Return the ranges of a codec's qualities that it was trained or measured for."""
        trained = [self.quality] if codec in self.codecs else []
        return trained + [(min(other.quality), max(other.quality)) for other in self._equivalents(codec)]

    def domain(self, codec: str | None = None) -> str:
        """Return in words what the network is for: codecs, or the given one, qualities, scales."""
        scales = ", ".join(f"{scale / 16:g}" for scale in self.scales)
        served = self.ranges(codec) if codec else []
        codecs, ranges = (codec, served) if served else ("/".join(self.codecs), [self.quality])
        return f"{codecs} quality {min(low for low, _ in ranges)}..{max(high for _, high in ranges)}, scale {scales}"

    def _equivalents(self, codec: str) -> list[Equivalent]:
        return [other for other in self.also if other.codec == codec]

    def read(self) -> bytes:
        """Read the model file; raises MissingError when it is absent or damaged."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise MissingError(f"model {self.name}: cannot read {self.file}: {reason(error)}") from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise MissingError(
                f"model {self.name}: {self.file} is damaged (its sha256 is not the manifest's); "
                f"reinstall {self.source or 'lbic'}"
            )
        return data


@dataclass(frozen=True)
class Default:
    """The enhancement type that compress records by default for a codec and a scale."""

    codec: str
    """The codec's name."""
    scale: int
    """The scale in sixteenths."""
    type: int
    """The type's number."""
    quality: tuple[int, int] | None = None
    """The lowest and the highest quality; None is all of them."""

    def covers(self, coding: Coding) -> bool:
        """Return whether the default is for pictures coded this way."""
        return self.is_for(coding) and (self.quality is None or self.quality[0] <= coding.quality <= self.quality[1])

    def is_for(self, coding: Coding) -> bool:
        """Return whether the default is for this codec and scale, at any quality."""
        return (self.codec, self.scale) == (coding.codec, coding.scale)


@dataclass(frozen=True)
class Catalog:
    """All shipped networks and default types."""

    models: tuple[ModelSpec, ...]
    """The rows of the manifest, in its order."""
    defaults: tuple[Default, ...]
    """The default types; the first whose networks fit a picture is recorded."""

    def default_type(self, coding: Coding) -> EnhancementType:
        """Return the type to record when the user names none; NONE where nothing is trained.

        A network harms pictures far better than those it was trained on (type 7 at JPEG 90: -2.8
        dB), so a quality outside the training of a type's networks gets NONE too.
        """
        kinds = (TYPES[default.type] for default in self.defaults if default.covers(coding))
        return next((kind for kind in kinds if self.fits(kind, coding)), NONE)

    def fits(self, kind: EnhancementType, coding: Coding) -> bool:
        """Return whether the type's networks for a CPU are all shipped and cover a coding."""
        return self.shipped(kind) and all(spec.covers(coding) for spec in self.networks(kind, coding))

    def enhancing_type(self, coding: Coding) -> EnhancementType:
        """Return the type for a coded picture that is no .lbic file.

        It is the default at this quality, else the type whose networks cover the nearest quality,
        else noise reduction, which invents no texture; NONE where nothing is trained.
        """
        if (advised := self.default_type(coding)) is NONE:
            kinds = (TYPES[default.type] for default in self.defaults if default.is_for(coding))
            advised = min(kinds, key=lambda kind: self._gap(kind, coding), default=NONE)
        trained = any(coding.codec in spec.codecs for spec in self.models if spec.role in NOISE_REDUCTION.roles)
        return NOISE_REDUCTION if advised is NONE and trained else advised

    def _gap(self, kind: EnhancementType, coding: Coding) -> float:
        """Return how far the quality is from those that the type's networks cover."""
        return max((spec.distance(coding) for spec in self.networks(kind, coding)), default=math.inf)

    def find(self, role: str, coding: Coding, profiles: tuple[str, ...], pixels: float = math.inf) -> ModelSpec | None:
        """Return the model that suits a picture best for a role; None when no model has the role.

        ``pixels`` is the picture's number of pixels as coded.

        These decide, in this order: whether it covers the picture; whether it was trained for the
        codec, measured for it, or neither; scale; quality; the order of ``profiles``; the
        manifest's. A single profile is the user's: models of others are considered only if none
        of its knows the codec.
        """

        def distance(spec: ModelSpec) -> tuple[bool, int, bool, bool, int]:
            return (
                not spec.covers(coding),
                spec.strangeness(coding.codec),
                coding.scale not in spec.scales,
                not spec.knows(coding),
                profiles.index(spec.profile) if spec.profile in profiles else len(profiles),
            )

        rows = [spec for spec in self.models if spec.role == role]
        if len(profiles) == 1:
            named = [spec for spec in rows if spec.profile in profiles]
            preferred = [spec for spec in named if spec.strangeness(coding.codec) < _UNKNOWN]
        else:
            preferred = [spec for spec in rows if spec.automatic and spec.least_pixels <= pixels]
        return min(preferred or rows, key=distance, default=None)

    def networks(
        self, kind: EnhancementType, coding: Coding, profiles: tuple[str, ...] = PROFILES, pixels: float = math.inf
    ) -> tuple[ModelSpec, ...]:
        """Return the models for the roles of a type by ``find``; roles without are left out."""
        specs = (self.find(role, coding, profiles, pixels) for role in kind.roles)
        return tuple(spec for spec in specs if spec)

    def shipped(self, kind: EnhancementType) -> bool:
        """Return whether there is a model for every role of a type."""
        roles = {spec.role for spec in self.models}
        return all(role in roles for role in kind.roles)

    def require(self, kind: EnhancementType) -> None:
        """Raise MissingError unless there is a model for every role of a type."""
        if not self.shipped(kind):
            raise MissingError(f"the networks of enhancement type {kind} are not shipped with this lbic yet")


def models_folder() -> Traversable:
    """Return the folder of the installed models, or else that of the checkout."""
    installed = _PACKAGE / "models"
    in_checkout = isinstance(_PACKAGE, Path) and not installed.is_dir()
    return Path(str(_PACKAGE)).resolve().parent / "models" if in_checkout else installed


def is_installed() -> bool:
    """Return whether there is a manifest; without it all types but 0 are missing."""
    return (models_folder() / "manifest.json").is_file()


@lru_cache(maxsize=1)
def load() -> Catalog:
    """Read the manifests of lbic and of other packages. Raises MissingError for a damaged one."""
    parts = [_read(models_folder()), *(_read(plugins.folder(name), name) for name in plugins.modules())]
    return Catalog(*(tuple(chain.from_iterable(rows)) for rows in zip(*parts, strict=True)))


def _read(folder: Traversable, source: str = "") -> tuple[tuple[ModelSpec, ...], tuple[Default, ...]]:
    """Read the models and defaults of a folder's manifest; an absent one is empty."""
    path = folder / "manifest.json"
    if not path.is_file():
        return (), ()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return tuple(_row(row, source) for row in content["models"]), tuple(map(_default, content["defaults"]))
    except (ValueError, KeyError, TypeError) as error:
        name = f"{source or 'models'}/manifest.json"
        raise MissingError(f"{name} is damaged ({error}); reinstall {source or 'lbic'}") from error


def _default(row: dict[str, Any]) -> Default:
    """Read a default type of the manifest; raises KeyError or TypeError for a damaged one."""
    quality = row.get("quality")
    return Default(row["codec"], row["scale"], row["type"], tuple(quality) if quality else None)


def _row(row: dict[str, Any], source: str) -> ModelSpec:
    """Read a model of the manifest; raises KeyError or TypeError for a damaged one."""
    known = {name: row[name] for name in ModelSpec.__dataclass_fields__ if name not in _LAST}
    for name in ("codecs", "scales", "quality"):
        known[name] = tuple(known[name])
    known |= {name: row[name] for name in ("automatic", "least_pixels") if name in row}
    others = row.get("also", ())
    also = (Equivalent(one["codec"], tuple(one["quality"]), tuple(one["looks_like"])) for one in others)
    return ModelSpec(**known, also=tuple(also), source=source)
