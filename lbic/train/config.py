"""Training recipes: read a TOML file into frozen dataclasses and reject all unknown keys."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from lbic.api import scale_in_sixteenths
from lbic.enhance.catalog import PROFILES
from lbic.enhance.equivalent import Equivalent
from lbic.enhance.types import TYPES
from lbic.errors import FileError, UsageError
from lbic.train.toml_table import fill

_ROLES = tuple(dict.fromkeys(role for kind in TYPES.values() for role in kind.roles))


@dataclass(frozen=True)
class DataConfig:
    """The pictures that a network trains on, coded by one codec."""

    codec: str
    """Name of the codec."""
    scale: int
    """How many times smaller the sides are when the pictures are coded."""
    quality: tuple[int, int]
    """Lowest and highest quality of the training pictures, in the codec's own numbers."""
    validation: tuple[int, ...]
    """All qualities of every validation picture."""
    per_picture: int = 3
    """Number of qualities at which each training picture is coded."""
    channels: int = 1
    """1 for luma, 3 for RGB."""
    effort: int = 1
    """The encoder's effort."""
    limited_range: float = 0.0
    """Fraction of codings with the contrast reduced to 16..235, as some pictures have it."""
    enlarge: float = 1.0
    """Largest enlargement of the camera versions (degrade.camera).

    If it is above 1, or ``grain`` above 0, each picture is prepared once more as a camera version.
    """
    grain: float = 0.0
    """Largest standard deviation of the camera versions' noise, in 8-bit levels."""
    spacing: str = "even"
    """How training qualities spread: "even", or "log" for equal shares of all octaves.

    "log" suits JPEG, whose quantiser step is proportional to 1 / quality.
    """


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained.

    The learning rate rises linearly over ``warmup`` steps to ``rate``, then falls as half a
    cosine to ``final_rate`` at the last step.
    """

    steps: int
    """Number of steps."""
    batch: int = 8
    """Crops in a step."""
    patch: int = 64
    """Side in pixels of the square crops that the loss sees."""
    optimizer: str = "adam"
    """"adam" or "muon" (optimize.py)."""
    rate: float = 1e-3
    """Highest learning rate."""
    final_rate: float = 1e-6
    """Learning rate of the last step."""
    halve_at: tuple[int, ...] = ()
    """Steps at which the learning rate is halved; if there are any, they replace the cosine."""
    warmup: int = 200
    """Steps in which the learning rate rises."""
    ema: float = 0.999
    """Decay of the weights' moving average, which is validated and exported."""
    spacing: str = "even"
    """How qualities are drawn: "even", or "log" for equal shares of all octaves.

    "log" expects pictures prepared with even spacing.
    """
    gray: float = 0.0
    """Fraction of crops that lose their colour, as if a gray picture had been coded."""
    loss: str = "mse"
    """Name of the pixel loss (losses.py)."""
    clip: float = 0.0
    """Largest norm of the gradient; 0 does not clip."""
    seed: int = 1
    """Seed of all random numbers."""
    autocast: str = "none"
    """"none", or "bf16" to compute in bfloat16 where PyTorch can."""
    channels_last: bool = True
    """Whether channels are the last axis in memory, which is faster on most machines."""
    after_share: float = 1.0
    """Fraction of crops that pass the network before this one, if there is one."""
    compile: bool = False
    """Whether PyTorch compiles the network first, which pays on a GPU."""


@dataclass(frozen=True)
class PerceptualConfig:
    """The weights of the terms in the loss of texture restoration (perceptual.py)."""

    pixel: float = 2e-2
    """Weight of the pixel loss, ``train.loss``."""
    feature: float = 1.0
    """Weight of the feature loss."""
    adversarial: float = 5e-4
    """Weight of the discriminator's loss; with 0 there is no discriminator."""
    flat: float = 0.0
    """Weight of the error where the true picture is flat."""
    filters: int = 32
    """Width of the discriminator in channels."""
    rate: float = 1e-4
    """Learning rate of the discriminator."""


@dataclass(frozen=True)
class DistillConfig:
    """How a network learns from a teacher that runs during the training (teacher.py)."""

    share: float = 0.8
    """The target's place between the true picture, 0, and the teacher's mean output, 1."""
    pool: int = 512
    """Number of crops that are kept with their targets and drawn again."""
    fresh: int = 1
    """Number of crops that are replaced at every step."""


@dataclass(frozen=True)
class TaughtConfig:
    """How a network learns from a teacher's stored outputs (taught.py).

    The target is a mix of these outputs and the true picture.
    """

    first: float = 0.9
    """Share of the outputs in the target at the first step."""
    last: float = 0.0
    """Share of the outputs in the target at the last step."""


@dataclass(frozen=True)
class ExportConfig:
    """The facts of the manifest row that follow from no other part of the recipe."""

    name: str
    """Name of the model."""
    role: str
    """Its step in an enhancement type (enhance/types.py)."""
    profile: str = "lite"
    """Its profile."""
    codecs: tuple[str, ...] = ()
    """The codecs that it serves; by default the one it was trained on."""
    scales: tuple[float, ...] = ()
    """The scales of the pictures that it serves; by default ``data.scale``."""
    also: tuple[Equivalent, ...] = ()
    """Other codecs on which it gains, and the qualities that it runs their pictures with."""
    automatic: bool = True
    """Whether it may run if the user names no profile; false if another network is far better."""
    least_pixels: int = 0
    """The fewest pixels of a picture for which it runs if the user names no profile."""
    trained_on: str = ""
    """The training pictures and their licences."""
    licence: str = "MIT"
    """The licence of the weights."""


@dataclass(frozen=True)
class Config:
    """A recipe, one file in models/configs."""

    network: str
    """Name of the network (nets.table)."""
    data: DataConfig
    """The training pictures."""
    train: TrainConfig
    """The training."""
    export: ExportConfig
    """The manifest row."""
    perceptual: PerceptualConfig | None = None
    """The loss of texture restoration; without it the loss is ``train.loss`` alone."""
    distill: DistillConfig | None = None
    """Distillation from a teacher; None without one."""
    taught: TaughtConfig | None = None
    """Training on a teacher's stored outputs; None without them."""
    text: str = field(default="", repr=False, compare=False)
    """The recipe's text, which checkpoints keep."""


def load(path: Path) -> Config:
    """Read a recipe.

    Raises FileError if the file cannot be read, UsageError if it is not a valid recipe.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: cannot read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a TOML file: not UTF-8 text") from error
    return parse(text, str(path))


def parse(text: str, name: str = "configuration") -> Config:
    """Parse and check the text of a recipe; ``name`` stands in error messages.

    Raises UsageError if it is not a valid recipe.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name}: not a TOML file: {error}") from error
    if "text" in content:
        raise UsageError(f"{name}: unknown key 'text'")
    config = dataclasses.replace(fill(Config, content, name, ""), text=text)
    _check(config, name)
    return config


def _check(config: Config, name: str) -> None:
    """Raise UsageError for values out of range, or that contradict each other."""
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
