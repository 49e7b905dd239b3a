"""The training loop: learning rate, averaged weights, checkpoints, exact resume and safe stop.

It needs only PyTorch and numpy. It reports through a callback, which the command line turns into a
progress bar.
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
from lbic.train import beside, checkpoint, log, losses, optimize
from lbic.train.config import Config
from lbic.train.data import Floats, PairSet
from lbic.train.perceptual import Perceptual
from lbic.train.taught import TaughtSet, share_at
from lbic.train.teacher import Teacher
from lbic.train.validate import gains

LAST = "last.pt"
"""Name of the checkpoint in a run folder."""


@dataclass(frozen=True)
class Pace:
    """When a run stops, saves and validates. None of it changes the weights after a step."""

    minutes: float = 0
    """Time after which the run stops; 0 never stops it early."""
    save_minutes: float = 3
    """Time between checkpoints."""
    validate_every: int = 500
    """Steps between validations."""
    crop: int = 256
    """Side in pixels of the part of each validation picture that is measured."""


@dataclass(frozen=True)
class Report:
    """The state of a run after a step, for the callback."""

    step: int
    """Number of steps so far."""
    steps: int
    """Number of steps of the recipe."""
    loss: float
    """Moving average of the loss."""
    rate: float
    """Learning rate of the step."""
    seconds: float
    """Time since the run started."""
    gains: dict[int, float] | None = None
    """Gain in dB by quality; None except after a validation."""


def best_device() -> torch.device:
    """Return CUDA if PyTorch can use it, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Trainer:
    """A run: the network, its averaged copy, the optimiser and the random generator."""

    def __init__(
        self,
        config: Config,
        device: torch.device,
        before: Network | None = None,
        features: Features | None = None,
        teacher: Network | None = None,
    ) -> None:
        """Start a run of a recipe.

        ``before`` is a finished network; the new one improves its output. ``features`` serves the
        feature loss of a recipe with [perceptual], ``teacher`` the distillation of one with
        [distill]. Raises UsageError if the recipe needs one of them and it is missing, or does
        not use it.
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
        """The sides of a picture must be multiples of this number of pixels."""
        side = config.train.patch + 2 * self.margin
        if side % self.multiple:
            raise UsageError(
                f"train.patch = {config.train.patch} gives crops with sides of {side} pixels; "
                f"the network {config.network!r} needs sides that are multiples of {self.multiple}"
            )
        self.beside = {
            name: checkpoint.fingerprint(module)
            for name, module in (("after", before), ("teacher", teacher), ("features", features))
            if module is not None
        }
        self.teacher = Teacher(teacher, config.distill, config.train, device) if teacher and config.distill else None
        self.step = 0

    @property
    def margin(self) -> int:
        """Pixels of context on each side of a crop."""
        return self.network.margin + (self.before.margin if self.before else 0)

    def state(self) -> dict[str, Any]:
        """Return what an exact resume needs, and the recipe for ``lbic export``."""
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
        """Take over the state of a checkpoint.

        Raises UsageError if its run had another network, optimiser or loss, and OtherRunError if
        it used other networks beside the trained one.
        """
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
                f"the checkpoint is not of the network {self.config.network!r}, the optimizer "
                f"{self.config.train.optimizer!r} and the losses of this recipe"
            ) from error
        self.rng.bit_generator.state = json.loads(state["rng"])
        torch.set_rng_state(state["torch_rng"])
        self.step = int(state["step"])

    def start_from(self, weights: dict[str, torch.Tensor]) -> None:
        """Start from weights, by their PyTorch names, instead of random ones.

        Raises UsageError if they are not those of the network.
        """
        try:
            self.network.load_state_dict(weights)
        except RuntimeError as error:
            raise UsageError(f"the weights are not those of the network {self.config.network!r}") from error
        self.average.load_state_dict(self.network.state_dict())

    def advance(self, pairs: PairSet) -> Tensor:
        """Do one step and return its loss, a scalar; reading it on CUDA waits for the step."""
        config = self.config.train
        for group in self.optimizer.param_groups:
            group["lr"] = optimize.rate_at(self.step, config)
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
        """Draw the crops of a step: the fields of data.Batch, on the device."""
        if self.teacher:
            return self.teacher.sample(pairs, self.rng)
        if taught := self.config.taught:
            if not isinstance(pairs, TaughtSet):
                raise UsageError("a recipe with [taught] needs stored outputs of a teacher (see lbic train teach)")
            pairs.share = share_at(self.step, self.config.train.steps, taught.first, taught.last)
        batch = pairs.sample(self.rng, self.config.train.batch, self.config.train.patch, self.margin)
        return tuple(torch.from_numpy(values).to(self.device) for values in batch)

    def restore_picture(self, picture: Floats, quality: int) -> Floats:
        """Restore a picture, (height, width, channels) in [0, 1], with the averaged network.

        The network before it, if there is one, runs first.
        """
        with torch.inference_mode():
            batch = torch.from_numpy(picture.transpose(2, 0, 1)[None]).to(self.device)
            qualities = torch.tensor([quality], device=self.device)
            if self.before:
                batch = self.before(self.before.with_quality(batch, qualities))
            output = self.average(self.average.with_quality(batch, qualities))
        result: Floats = output[0].float().cpu().numpy().transpose(1, 2, 0)
        return result

    def _after(self, before: Network, coded: Tensor, quality: Tensor) -> Tensor:
        """Run the network before on ``after_share`` of the crops; the rest lose its margin."""
        count = round(self.config.train.after_share * len(coded))
        with torch.no_grad():
            passed = before.inside(before.with_quality(coded[:count], quality[:count]))
        margin = before.margin
        rest = coded[count:, :, margin : coded.shape[2] - margin, margin : coded.shape[3] - margin]
        return torch.cat([passed, rest])

    def _average(self) -> None:
        """Update the averaged weights; faster at first, so that the initial weights soon fade."""
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
    """Train until the recipe's steps are done, ``stopped()`` is true or the time is over.

    Writes a checkpoint to ``folder`` every few minutes and at the end, and a line of the log at
    every validation. Calls ``report`` after every step. Returns whether all steps are done.
    Raises UsageError if a folder was prepared for another recipe, or if the loss is not finite.
    """
    for folder_pairs in (pairs, validation):
        if folder_pairs is not None:
            folder_pairs.check(trainer.config.data)
    folder.mkdir(parents=True, exist_ok=True)
    steps = trainer.config.train.steps
    began = saved = time.monotonic()
    mean_loss = 0.0
    read_every = 1 if trainer.device.type == "cpu" else 16  # reading a loss waits for the GPU
    while trainer.step < steps:
        loss = trainer.advance(pairs)
        if trainer.step % read_every == 0:
            mean_loss = float(loss) if not mean_loss else mean_loss * 0.99 + float(loss) * 0.01
            if not math.isfinite(mean_loss):
                raise UsageError(f"the loss is {mean_loss} at step {trainer.step}; a lower train.rate may help")
        now = time.monotonic()
        ends = trainer.step == steps or stopped() or bool(pace.minutes and now - began > pace.minutes * 60)
        measured = None
        rate = optimize.rate_at(trainer.step - 1, trainer.config.train)
        # Save before the validation: it takes a while, and a run may be killed in it.
        if ends or now - saved > pace.save_minutes * 60:
            checkpoint.save(folder / LAST, trainer.state())
            saved = now
        if ends or trainer.step % pace.validate_every == 0:
            measured = {}
            if validation is not None:
                measured = gains(trainer.restore_picture, validation, trainer.multiple, pace.crop)
            log.append(folder, step=trainer.step, loss=mean_loss, rate=rate, seconds=now - began, gain=measured)
        report(Report(trainer.step, steps, mean_loss, rate, now - began, measured))
        if ends:
            break
    return trainer.step >= steps
