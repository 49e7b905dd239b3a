"""The training loop: warm-up and decay of the rate, averaged weights, exact resume, safe stop.

It needs PyTorch and numpy only, and reports through a callback: bars belong to the command line.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lbic.errors import OtherRunError, UsageError
from lbic.nets import table as nets
from lbic.nets.base import Network
from lbic.nets.features import Features
from lbic.train import beside, checkpoint, losses, optimize
from lbic.train.config import Config, TrainConfig
from lbic.train.data import Floats, PairSet
from lbic.train.perceptual import Perceptual
from lbic.train.taught import TaughtSet, share_at
from lbic.train.teacher import Teacher
from lbic.train.validate import gains

LAST = "last.pt"
LOG = "log.jsonl"


@dataclass(frozen=True)
class Pace:
    """How a run is paced: none of it changes the weights a given step ends with.

    ``minutes`` stops the run early (0: never), ``save_minutes`` is the time between checkpoints,
    ``validate_every`` the steps between validations, ``crop`` the part of each validation picture.
    """

    minutes: float = 0
    save_minutes: float = 3
    validate_every: int = 500
    crop: int = 256


@dataclass(frozen=True)
class Report:
    """What the callback learns after every step; ``gains`` (dB by quality) only after a validation."""

    step: int
    steps: int
    loss: float
    rate: float
    seconds: float
    gains: dict[int, float] | None = None


def rate_at(step: int, config: TrainConfig) -> float:
    """Learning rate of a step (counted from 0): linear warm-up, then half a cosine or halvings."""
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    if config.halve_at:
        return config.rate / (1 << sum(step >= each for each in config.halve_at))
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.final_rate + (config.rate - config.final_rate) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def best_device() -> torch.device:
    """CUDA where PyTorch can use it, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Trainer:
    """One run: the network, its averaged copy, the optimiser and the random generator."""

    def __init__(
        self,
        config: Config,
        device: torch.device,
        before: Network | None = None,
        features: Features | None = None,
        teacher: Network | None = None,
    ) -> None:
        """Start a run of a recipe.

        ``before`` is a finished network whose output this one is to improve, ``features`` what a perceptual
        recipe compares, ``teacher`` the network that one with [distill] learns from. Raises UsageError where a recipe
        lacks what it needs or has no use for what is given.
        """
        self.config = config
        self.device = device
        self.before = before.to(device) if before else None
        torch.manual_seed(config.train.seed)
        self.rng = np.random.default_rng(config.train.seed)
        self.network = nets.build(config.network).to(device)
        if config.train.channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.inside = torch.compile(self.network.inside) if config.train.compile else self.network.inside
        self.optimizer = optimize.find(config.train.optimizer)(self.network, config.train.rate)
        self.loss = losses.find(config.train.loss)
        self.perceptual: Perceptual | None = None
        if config.perceptual:
            if features is None:
                raise UsageError("a recipe with a perceptual loss needs features")
            self.perceptual = Perceptual(config.perceptual, self.loss, features, device)
            self.loss = self.perceptual.loss
        beside.check(config, self.network, before, teacher)
        self.multiple = math.lcm(self.network.multiple, before.multiple if before else 1)
        """What a picture's sides must be a multiple of."""
        if (config.train.patch + 2 * self.margin) % self.multiple:
            raise UsageError(f"crops of this network have sides that are multiples of {self.multiple}")
        self.beside = {
            name: checkpoint.fingerprint(module)
            for name, module in (("after", before), ("teacher", teacher), ("features", features))
            if module is not None
        }
        self.teacher = Teacher(teacher, config.distill, config.train, device) if teacher and config.distill else None
        self.step = 0

    @property
    def margin(self) -> int:
        """Pixels of context that crops bring along on each side."""
        return self.network.margin + (self.before.margin if self.before else 0)

    def state(self) -> dict[str, Any]:
        """Everything that an exact resume needs, and the recipe that ``lbic export`` reads."""
        return {
            "config": self.config.text,
            "step": self.step,
            "beside": self.beside,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "perceptual": self.perceptual.state() if self.perceptual else {},
            "teacher": self.teacher.state() if self.teacher else {},
            "rng": json.dumps(self.rng.bit_generator.state),
            "torch_rng": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint; UsageError when it is of another network or optimiser, or of a run beside others."""
        for name in ("after", "teacher", "features"):
            if "beside" in state and state["beside"].get(name) != self.beside.get(name):
                raise OtherRunError(f"the checkpoint is of a run with another network {name!r}, or with none", name)
        try:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.perceptual:
                self.perceptual.restore(state["perceptual"])
            if self.teacher:
                self.teacher.restore(state["teacher"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise UsageError(
                f"the checkpoint is not of the network {self.config.network!r}, optimizer "
                f"{self.config.train.optimizer!r} and losses of this recipe"
            ) from error
        self.rng.bit_generator.state = json.loads(state["rng"])
        torch.set_rng_state(state["torch_rng"])
        self.step = int(state["step"])

    def start_from(self, weights: dict[str, torch.Tensor]) -> None:
        """Begin with given weights instead of random ones."""
        try:
            self.network.load_state_dict(weights)
        except RuntimeError as error:
            raise UsageError(f"these weights are not of the network {self.config.network!r}") from error
        self.average.load_state_dict(self.network.state_dict())

    def advance(self, pairs: PairSet) -> Tensor:
        """Do one step and return its loss; on CUDA it is not yet computed."""
        config = self.config.train
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.step, config)
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        coded, target, error, quality = self._sample(pairs)
        if self.before:
            coded = self._after(self.before, coded, quality)
        inputs = self.network.with_quality(coded, quality).to(memory_format=layout)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=config.autocast == "bf16"):
            output = self.inside(inputs)
        loss = self.loss(output.float(), target, error)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if config.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        self.optimizer.step()
        if self.perceptual:
            self.perceptual.learn(output.detach().float(), target)
        self.step += 1
        self._average()
        return loss.detach()

    def _sample(self, pairs: PairSet) -> tuple[Tensor, ...]:
        """The crops of a step, as data.Batch has them."""
        if self.teacher:
            return self.teacher.sample(pairs, self.rng)
        if taught := self.config.taught:
            if not isinstance(pairs, TaughtSet):
                raise UsageError("a recipe with [taught] needs a folder that lbic train teach has been through")
            pairs.share = share_at(self.step, self.config.train.steps, taught.first, taught.last)
        batch = pairs.sample(self.rng, self.config.train.batch, self.config.train.patch, self.margin)
        return tuple(torch.from_numpy(values).to(self.device) for values in batch)

    def restore_picture(self, picture: Floats, quality: int) -> Floats:
        """Run the averaged network (after the one before it) on a picture, (height, width, channels) in [0, 1]."""
        with torch.inference_mode():
            batch = torch.from_numpy(picture.transpose(2, 0, 1)[None]).to(self.device)
            known = torch.tensor([quality], device=self.device)
            if self.before:
                batch = self.before(self.before.with_quality(batch, known))
            output = self.average(self.average.with_quality(batch, known))
        result: Floats = output[0].float().cpu().numpy().transpose(1, 2, 0)
        return result

    def _after(self, before: Network, coded: Tensor, quality: Tensor) -> Tensor:
        """Let the recipe's share of the crops pass the network before; the others lose its margin only."""
        count = round(self.config.train.after_share * len(coded))
        with torch.no_grad():
            passed = before.inside(before.with_quality(coded[:count], quality[:count]))
        margin = before.margin
        rest = coded[count:, :, margin : coded.shape[2] - margin, margin : coded.shape[3] - margin]
        return torch.cat([passed, rest])

    def _average(self) -> None:
        """Follow the weights; faster in the beginning, so that the start is soon forgotten."""
        decay = min(self.config.train.ema, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)


def run(
    trainer: Trainer,
    pairs: PairSet,
    validation: PairSet | None,
    folder: Path,
    pace: Pace,
    report: Callable[[Report], None],
    stopped: Callable[[], bool],
) -> bool:
    """Train until the configured steps are done, ``stopped()`` or the time is up; True when done.

    Writes ``last.pt`` every few minutes and at the end, and a line of JSON to ``log.jsonl`` at
    every validation.
    """
    for given in (pairs, validation):
        if given is not None:
            given.check(trainer.config.data)
    folder.mkdir(parents=True, exist_ok=True)
    steps = trainer.config.train.steps
    began = saved = time.monotonic()
    mean_loss = 0.0
    look = 1 if trainer.device.type == "cpu" else 16  # reading a loss waits for the GPU
    while trainer.step < steps:
        loss = trainer.advance(pairs)
        if trainer.step % look == 0:
            mean_loss = float(loss) if not mean_loss else mean_loss * 0.99 + float(loss) * 0.01
            if not math.isfinite(mean_loss):
                raise UsageError(f"the loss is {mean_loss} at step {trainer.step}; a lower train.rate may help")
        now = time.monotonic()
        ends = trainer.step == steps or stopped() or bool(pace.minutes and now - began > pace.minutes * 60)
        found = None
        if ends or now - saved > pace.save_minutes * 60:  # before validation, which takes a while and changes nothing
            checkpoint.save(folder / LAST, trainer.state())
            saved = now
        if ends or trainer.step % pace.validate_every == 0:
            found = {}
            if validation is not None:
                found = gains(trainer.restore_picture, validation, trainer.multiple, pace.crop)
            _log(folder / LOG, trainer, mean_loss, now - began, found)
        report(
            Report(trainer.step, steps, mean_loss, rate_at(trainer.step - 1, trainer.config.train), now - began, found)
        )
        if ends:
            break
    return trainer.step >= steps


def _log(path: Path, trainer: Trainer, loss: float, seconds: float, found: dict[int, float]) -> None:
    line = {
        "step": trainer.step,
        "loss": loss,
        "rate": rate_at(trainer.step - 1, trainer.config.train),
        "seconds": round(seconds, 1),
        "gain": {str(quality): round(gain, 4) for quality, gain in found.items()},
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
