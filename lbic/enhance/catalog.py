"""The networks that are shipped: one row of models/manifest.json each, and nothing guessed.

Rows are written by ``lbic export``. A wheel carries the folder as lbic/models, a checkout as
models/ beside the package.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lbic.coding import Coding
from lbic.enhance.types import NOISE_REDUCTION, NONE, TYPES, EnhancementType
from lbic.errors import MissingError

PROFILES = ("fast", "lite", "full")
"""By what they cost; on a CPU the automatic choice goes in this order."""
ON_GPU = ("full", "fast", "lite")
"""The order of the automatic choice on a GPU."""
_UNKNOWN = 2
_PACKAGE = Path(__file__).resolve().parent.parent


def _outside(quality: int, ends: tuple[int, int]) -> int:
    """How far a quality is outside a range, whichever end is named first; 0 inside."""
    return max(min(ends) - quality, quality - max(ends), 0)


@dataclass(frozen=True)
class Equivalent:
    """What a network was not trained for and gains on by measurement (docs/models.md).

    Pictures of the codec between two qualities look to the network like those between two that it was trained on.
    """

    codec: str
    quality: tuple[int, int]
    looks_like: tuple[int, int]

    def distance(self, quality: int) -> int:
        """How far a quality is from those between the two, 0 for one of them."""
        return _outside(quality, self.quality)

    def quality_for(self, quality: int) -> int:
        """The quality that pictures of this one look like, or of the nearest between the two."""
        first, last = self.quality
        share = (min(max(quality, min(self.quality)), max(self.quality)) - first) / (last - first)
        return round(self.looks_like[0] + share * (self.looks_like[1] - self.looks_like[0]))


@dataclass(frozen=True)
class ModelSpec:
    """One shipped network: the facts that its caller needs.

    ``role`` is the step it takes in an enhancement type (types.EnhancementType.roles).
    ``codecs`` and ``quality`` (lowest and highest, the codec's own numbers) say what it was trained on, ``also`` what
    else it serves, ``scales`` (in sixteenths) at which scales. ``automatic`` tells whether it may run where the user
    names no profile. ``halo`` is the context in pixels with which a tile equals the whole picture to a tenth of a level
    (train/halo.py), ``multiple`` what its sides are padded to, ``channels`` 1 for luma and 3 for RGB; ``quality_plane``
    tells that one more channel holds quality / 63.
    """

    name: str
    file: str
    sha256: str
    size: int
    role: str
    network: str
    profile: str
    channels: int
    halo: int
    multiple: int
    quality_plane: bool
    codecs: tuple[str, ...]
    scales: tuple[int, ...]
    quality: tuple[int, int]
    trained_on: str
    licence: str
    also: tuple[Equivalent, ...] = ()
    automatic: bool = True

    @property
    def path(self) -> Path:
        return models_folder() / self.file

    def covers(self, coding: Coding) -> bool:
        """Return whether the network was trained or measured for pictures coded this way."""
        return coding.scale in self.scales and self.knows(coding)

    def knows(self, coding: Coding) -> bool:
        """Return whether the network was trained or measured for this codec and quality, at any scale."""
        return self.distance(coding) == 0

    def distance(self, coding: Coding) -> float:
        """Return how far the quality is from the nearest that the network was trained or measured for.

        Infinity for a codec that it was neither trained nor measured for.
        """
        return min((_outside(coding.quality, ends) for ends in self.ranges(coding.codec)), default=math.inf)

    def quality_for(self, coding: Coding) -> int:
        """Return the quality that the quality plane holds for a picture coded this way.

        Within the training it is the picture's own. Within an equivalent it is the quality that the picture looks
        like. Outside both it is the picture's own for a codec of the training, the nearest equivalent's for a codec
        with equivalents, and the middle of the training for any other codec.
        """
        codec, quality = coding.codec, coding.quality
        if codec in self.codecs and self.quality[0] <= quality <= self.quality[1]:
            return quality
        nearest = min(self._equivalents(codec), key=lambda other: other.distance(quality), default=None)
        if nearest and (codec not in self.codecs or nearest.distance(quality) == 0):
            return nearest.quality_for(quality)
        return quality if codec in self.codecs else sum(self.quality) // 2

    def strangeness(self, codec: str) -> int:
        """0 for a codec that the network was trained for, 1 for one that it was measured for, 2 for any other."""
        return 0 if codec in self.codecs else 1 if self._equivalents(codec) else _UNKNOWN

    def ranges(self, codec: str) -> list[tuple[int, int]]:
        """The ranges, lowest and highest, of a codec's qualities that the network was trained or measured for."""
        trained = [self.quality] if codec in self.codecs else []
        return trained + [(min(other.quality), max(other.quality)) for other in self._equivalents(codec)]

    def domain(self, codec: str | None = None) -> str:
        """What the network is for, and trained on; or what of one codec it serves, if it does, for a sentence."""
        scales = ", ".join(f"{scale / 16:g}" for scale in self.scales)
        served = self.ranges(codec) if codec else []
        codecs, ranges = (codec, served) if served else ("/".join(self.codecs), [self.quality])
        return f"{codecs} quality {min(low for low, _ in ranges)}..{max(high for _, high in ranges)}, scale {scales}"

    def _equivalents(self, codec: str) -> list[Equivalent]:
        return [other for other in self.also if other.codec == codec]

    def read(self) -> bytes:
        """Read the model file and check it; MissingError when absent or not the one that was shipped."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise MissingError(f"model {self.name}: cannot read {self.file}: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise MissingError(
                f"model {self.name}: {self.file} is damaged (its sha256 is not the manifest's); reinstall lbic"
            )
        return data


@dataclass(frozen=True)
class Default:
    """A type to record by default for a codec and a scale in sixteenths: at all qualities, or between two."""

    codec: str
    scale: int
    type: int
    quality: tuple[int, int] | None = None

    def covers(self, coding: Coding) -> bool:
        """Return whether the default is for pictures coded this way."""
        return self.is_for(coding) and (self.quality is None or self.quality[0] <= coding.quality <= self.quality[1])

    def is_for(self, coding: Coding) -> bool:
        """Return whether the default is for this codec and scale, at any quality."""
        return (self.codec, self.scale) == (coding.codec, coding.scale)


@dataclass(frozen=True)
class Catalog:
    """All shipped networks and the types that ``compress`` records by default, the first that fits."""

    models: tuple[ModelSpec, ...]
    defaults: tuple[Default, ...]

    def default_type(self, coding: Coding) -> EnhancementType:
        """Return the type to record when the user names none; NONE where nothing is trained.

        A network harms pictures far better than those it was trained on (type 7 at JPEG quality 90: -2.8 dB), so
        a quality outside the training of a type's networks gets NONE too.
        """
        kinds = (TYPES[default.type] for default in self.defaults if default.covers(coding))
        return next((kind for kind in kinds if self.fits(kind, coding)), NONE)

    def fits(self, kind: EnhancementType, coding: Coding) -> bool:
        """Return whether the type's networks are all shipped and cover pictures coded this way.

        The networks are those that a CPU runs.
        """
        return self.shipped(kind) and all(spec.covers(coding) for spec in self.networks(kind, coding))

    def enhancing_type(self, coding: Coding) -> EnhancementType:
        """Return the type for a coded picture that is no .lbic file; NONE where nothing is trained.

        It is the default type at this quality, or else the one whose networks cover the nearest quality, or else
        noise reduction, which invents no texture.
        """
        advised = self.default_type(coding)
        if advised is NONE:
            kinds = (TYPES[default.type] for default in self.defaults if default.is_for(coding))
            advised = min(kinds, key=lambda kind: self._gap(kind, coding), default=NONE)
        trained = any(coding.codec in spec.codecs for spec in self.models if spec.role in NOISE_REDUCTION.roles)
        return NOISE_REDUCTION if advised is NONE and trained else advised

    def _gap(self, kind: EnhancementType, coding: Coding) -> float:
        """Return how far the quality is from those that the type's networks cover."""
        return max((spec.distance(coding) for spec in self.networks(kind, coding)), default=math.inf)

    def find(self, role: str, coding: Coding, profiles: tuple[str, ...]) -> ModelSpec | None:
        """The row for a role that suits the picture best, or None when no row has the role.

        A row that serves the picture beats one that does not, then one trained for the codec one measured for it, and
        that any other, then scale, then quality, then the earlier of ``profiles``; the manifest's order breaks ties.
        One profile alone is the user's: of its rows, where the codec is known to any, the best is taken.
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
            preferred = [
                spec for spec in rows if spec.profile in profiles and spec.strangeness(coding.codec) < _UNKNOWN
            ]
        else:
            preferred = [spec for spec in rows if spec.automatic]
        return min(preferred or rows, key=distance, default=None)

    def networks(
        self, kind: EnhancementType, coding: Coding, profiles: tuple[str, ...] = PROFILES
    ) -> tuple[ModelSpec, ...]:
        """The row for each role of a type, in order; roles that no row has are left out."""
        specs = (self.find(role, coding, profiles) for role in kind.roles)
        return tuple(spec for spec in specs if spec)

    def shipped(self, kind: EnhancementType) -> bool:
        """Tell whether every network of a type is in the catalog."""
        roles = {spec.role for spec in self.models}
        return all(role in roles for role in kind.roles)

    def require(self, kind: EnhancementType) -> None:
        """Raise MissingError unless the type is shipped; worth asking before any file is read."""
        if not self.shipped(kind):
            raise MissingError(f"the networks of enhancement type {kind} are not shipped with this lbic yet")


def models_folder() -> Path:
    """The folder of the installed models, else that of the checkout."""
    installed = _PACKAGE / "models"
    return installed if installed.is_dir() else _PACKAGE.parent / "models"


@lru_cache(maxsize=1)
def load() -> Catalog:
    """Read the manifest; an installation without one has an empty catalog."""
    path = models_folder() / "manifest.json"
    if not path.is_file():
        return Catalog((), ())
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        models = tuple(_row(row) for row in content["models"])
        defaults = tuple(_default(row) for row in content["defaults"])
    except (ValueError, KeyError, TypeError) as error:
        raise MissingError(f"models/manifest.json is damaged ({error}); reinstall lbic") from error
    return Catalog(models, defaults)


def _default(row: dict[str, Any]) -> Default:
    quality = row.get("quality")
    return Default(row["codec"], row["scale"], row["type"], tuple(quality) if quality else None)


def _row(row: dict[str, Any]) -> ModelSpec:
    known = {name: row[name] for name in ModelSpec.__dataclass_fields__ if name not in ("also", "automatic")}
    for name in ("codecs", "scales", "quality"):
        known[name] = tuple(known[name])
    also = (
        Equivalent(other["codec"], tuple(other["quality"]), tuple(other["looks_like"])) for other in row.get("also", ())
    )
    return ModelSpec(**known, also=tuple(also), automatic=row.get("automatic", True))
