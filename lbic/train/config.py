"""Training recipes: a TOML file becomes frozen dataclasses, and nothing in it is silently ignored."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from lbic.api import scale_in_sixteenths
from lbic.enhance.catalog import PROFILES
from lbic.enhance.equivalent import Equivalent
from lbic.enhance.types import TYPES
from lbic.errors import FileError, UsageError

T = TypeVar("T")
_ROLES = tuple(dict.fromkeys(role for kind in TYPES.values() for role in kind.roles))


@dataclass(frozen=True)
class DataConfig:
    """What the network is fed: pictures as one codec damages them.

    ``scale`` is the downsampling factor before the codec, ``quality`` the lowest and highest of
    the codec's own numbers, ``per_picture`` how many qualities each training picture is coded
    at,  ``validation`` the qualities of every validation picture, ``effort`` the encoder's.
    ``spacing`` spreads the training qualities over the range: "even", or "log", every octave alike, since a JPEG's
    quantiser step is proportional to 1 / quality.
    ``limited_range`` is the fraction of codings that are done with the contrast reduced to 16..235,
    so that pictures whose luma was stored that way are known too. ``channels`` is 1 for luma, 3 for RGB.
    ``enlarge`` above 1 or ``grain`` above 0 has every picture prepared once more as a camera might give it at full
    resolution (degrade.camera): enlarged up to so many times, with noise of up to so many levels.
    """

    codec: str
    scale: int
    quality: tuple[int, int]
    validation: tuple[int, ...]
    per_picture: int = 3
    channels: int = 1
    effort: int = 1
    limited_range: float = 0.0
    enlarge: float = 1.0
    grain: float = 0.0
    spacing: str = "even"


@dataclass(frozen=True)
class TrainConfig:
    """How it is trained. ``patch`` is the side of the square crops whose error counts.

    The learning rate rises linearly over ``warmup`` steps to ``rate`` and falls as a half cosine
    to ``final_rate`` at ``steps``; with ``halve_at`` it is halved at each of these steps instead, as the papers do.
    ``optimizer`` is "adam" or "muon" (optimize.py), ``ema`` the decay of the weights' moving average, which is what is
    validated and exported. ``spacing`` "log" draws every octave of qualities as often as any other, "even" every
    quality of a folder prepared with even spacing. ``gray`` is the fraction of crops that lose their colour, as if
    a gray picture had been coded. ``after_share`` is the fraction of crops that
    pass the network before this one, where there is one. ``autocast`` is "none" or "bf16"; ``compile`` has PyTorch
    compile the network first, which pays on a GPU.
    """

    steps: int
    batch: int = 8
    patch: int = 64
    optimizer: str = "adam"
    rate: float = 1e-3
    final_rate: float = 1e-6
    halve_at: tuple[int, ...] = ()
    warmup: int = 200
    ema: float = 0.999
    spacing: str = "even"
    gray: float = 0.0
    loss: str = "mse"
    clip: float = 0.0
    seed: int = 1
    autocast: str = "none"
    channels_last: bool = True
    after_share: float = 1.0
    compile: bool = False


@dataclass(frozen=True)
class PerceptualConfig:
    """The weights of the terms of texture restoration's loss (perceptual.py).

    ``pixel`` weighs the recipe's pixel loss, ``feature`` the difference of features, ``adversarial`` the
    discriminator's verdict (0: there is none), ``flat`` the error where the true picture is flat. ``filters`` is
    the discriminator's width, ``rate`` its learning rate.
    """

    pixel: float = 2e-2
    feature: float = 1.0
    adversarial: float = 5e-4
    flat: float = 0.0
    filters: int = 32
    rate: float = 1e-4


@dataclass(frozen=True)
class DistillConfig:
    """How a network learns from an earlier one (teacher.py).

    The target is ``share`` of the way from the truth to the teacher's mean. ``pool`` crops are kept and drawn again
    and again, ``fresh`` of them are replaced at every step.
    """

    share: float = 0.8
    pool: int = 512
    fresh: int = 1


@dataclass(frozen=True)
class TaughtConfig:
    """How a network learns from outputs of an earlier one that ``lbic train teach`` has stored (taught.py).

    ``first`` is the share of those outputs in the target of the first step, ``last`` in that of the last step; the
    rest is the truth.
    """

    first: float = 0.9
    last: float = 0.0


@dataclass(frozen=True)
class ExportConfig:
    """The facts of the manifest row that no checkpoint knows."""

    name: str
    role: str
    profile: str = "lite"
    codecs: tuple[str, ...] = ()
    """The codecs it serves; the one it was trained on when left out."""
    scales: tuple[float, ...] = ()
    """How many times smaller the pictures may be that it serves; data.scale alone when left out."""
    also: tuple[Equivalent, ...] = ()
    """Other codecs that it gains on, and what their pictures look like to it."""
    automatic: bool = True
    """Whether it may run where the user names no profile; false for a network that another one still beats by far."""
    trained_on: str = ""
    licence: str = "MIT"


@dataclass(frozen=True)
class Config:
    """One file in models/configs: a network, its data, its training and its place in the manifest."""

    network: str
    data: DataConfig
    train: TrainConfig
    export: ExportConfig
    perceptual: PerceptualConfig | None = None
    """Given in recipes of texture restoration; without it the loss is train.loss alone."""
    distill: DistillConfig | None = None
    """Given in recipes that have a teacher."""
    taught: TaughtConfig | None = None
    """Given in recipes that learn from stored outputs."""
    text: str = field(default="", repr=False, compare=False)
    """The file itself, kept in checkpoints."""


def load(path: Path) -> Config:
    """Read a recipe; FileError or UsageError with the file's name and what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: cannot read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a TOML file: not UTF-8 text") from error
    return parse(text, str(path))


def parse(text: str, name: str = "configuration") -> Config:
    """Check and convert the text of a recipe."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name}: not a TOML file: {error}") from error
    if "text" in content:
        raise UsageError(f"{name}: unknown key 'text'")
    config = dataclasses.replace(_convert(Config, content, name, ""), text=text)
    _check(config, name)
    return config


def _convert(kind: type[T], table: dict[str, Any], name: str, prefix: str) -> T:
    """Fill a dataclass from a table, refusing keys that it lacks and values of another type."""
    hints = get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    known = [key for key in fields if key != "text"]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
            hint = f"; did you mean '{prefix}{near[0]}'?" if near else f"; known: {', '.join(known)}"
            raise UsageError(f"{name}: unknown key '{prefix}{key}'{hint}")
    for key in known:
        spec = fields[key]
        if key not in table and spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise UsageError(f"{name}: '{prefix}{key}' is missing")
    return kind(**{key: _value(hints[key], value, name, prefix + key) for key, value in table.items()})


def _value(hint: Any, value: Any, name: str, key: str) -> Any:
    if isinstance(hint, UnionType):  # "X | None": the key may be left out
        hint = get_args(hint)[0]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise UsageError(f"{name}: '{key}' must be a table: [{key}]")
        return _convert(hint, value, name, key + ".")
    if get_origin(hint) is tuple:
        arguments = get_args(hint)
        fixed = len(arguments) if arguments[-1] is not Ellipsis else None
        if not isinstance(value, list) or (fixed is not None and len(value) != fixed):
            raise UsageError(f"{name}: '{key}' must be a list" + (f" of {fixed} values" if fixed else ""))
        return tuple(_value(arguments[0], item, name, key) for item in value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise UsageError(f"{name}: '{key}' must be of type {hint.__name__}, not {value!r}")
    return value


def _check(config: Config, name: str) -> None:
    """Refuse values that no training can use."""
    data, train = config.data, config.train
    low, high = data.quality
    rules = (
        (low <= high, "data.quality must be [lowest, highest]"),
        (
            all(other.quality[0] != other.quality[1] for other in config.export.also),
            "export.also.quality must be two qualities",
        ),
        (config.export.role in _ROLES, f"export.role must be one of {', '.join(_ROLES)}"),
        (config.export.profile in PROFILES, f"export.profile must be one of {', '.join(PROFILES)}"),
        (1 <= data.scale <= 4, "data.scale must be 1..4"),
        (data.channels in (1, 3), "data.channels must be 1 (luma) or 3 (RGB)"),
        (data.per_picture >= 1, "data.per_picture must be at least 1"),
        (train.spacing in ("even", "log"), "train.spacing must be 'even' or 'log'"),
        (train.spacing == "even" or low >= 1, "train.spacing 'log' needs qualities from 1"),
        (data.spacing in ("even", "log"), "data.spacing must be 'even' or 'log'"),
        (data.spacing == "even" or low >= 1, "data.spacing 'log' needs qualities from 1"),
        (bool(data.validation), "data.validation must name a quality"),
        (0 <= data.limited_range <= 1, "data.limited_range must be 0..1"),
        (data.enlarge >= 1 and data.grain >= 0, "data.enlarge must be at least 1, data.grain at least 0"),
        (0 <= train.gray <= 1, "train.gray must be 0..1"),
        (train.gray == 0 or data.channels == 3, "train.gray needs data.channels = 3"),
        (train.steps >= 1 and train.batch >= 1 and train.patch >= 1, "train.steps, batch and patch must be at least 1"),
        (train.rate > 0 and train.final_rate >= 0, "train.rate must be positive, train.final_rate at least 0"),
        (0 <= train.ema < 1, "train.ema must be at least 0 and below 1"),
        (0 <= train.after_share <= 1, "train.after_share must be 0..1"),
        (
            sum(map(bool, (config.distill, config.perceptual, config.taught))) <= 1,
            "[distill], [perceptual] and [taught] exclude each other",
        ),
        (
            not config.taught or (0 <= config.taught.first <= 1 and 0 <= config.taught.last <= 1),
            "taught.first and taught.last must be 0..1",
        ),
        (
            not config.distill or (0 < config.distill.share <= 1 and config.distill.pool >= config.distill.fresh >= 1),
            "distill.share must be above 0 and at most 1, distill.fresh at least 1 and at most distill.pool",
        ),
        (train.autocast in ("none", "bf16"), "train.autocast must be 'none' or 'bf16'"),
    )
    for fine, sentence in rules:
        if not fine:
            raise UsageError(f"{name}: {sentence}")
    for scale in config.export.scales:
        try:
            scale_in_sixteenths(scale)
        except UsageError as error:
            raise UsageError(f"{name}: export.scales: {error}") from error
