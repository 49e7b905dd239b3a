"""A run's networks and their training, step by step: weights, averages, exact resume."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lbic.errors import OtherRunError, UsageError
from lbic.nets import table as nets
from lbic.nets.base import Network
from lbic.nets.features import Features
from lbic.train import beside, checkpoint, feed, losses, optimize
from lbic.train.compiled import Compiled
from lbic.train.config import Config
from lbic.train.data import Floats, Levels, PairSet
from lbic.train.perceptual import Perceptual
from lbic.train.schedule import Schedule
from lbic.train.taught import TaughtSet, share_at
from lbic.train.teacher import Teacher


def best_device() -> torch.device:
    """Return CUDA if PyTorch can use it, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.benchmark = True  # all crops of a run have one size
    return torch.device("cuda")


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
        self.compiled = Compiled(self.network) if config.train.compile else None
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
        self.seconds = 0.0
        """Time of the earlier sittings of this run."""
        self.schedule = Schedule(config.train.steps, config.train.steps)
        self.rate = 0.0
        """Learning rate of the last step."""
        self._feed: feed.Feed | None = None

    @property
    def margin(self) -> int:
        """Pixels of context on each side of a crop."""
        return self.network.margin + (self.before.margin if self.before else 0)

    def state(self) -> dict[str, Any]:
        """Return what an exact resume needs, and the recipe for ``lbic export``."""
        return {
            "config": self.config.text,
            "step": self.step,
            "seconds": self.seconds,
            "schedule": self.schedule.state(),
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
        if "schedule" in state:
            self.schedule = self.schedule.restored(state["schedule"])
        self.seconds = float(state.get("seconds", 0))
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
        self.rate = optimize.rate_at(self.schedule.at(self.step), config)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        coded, target, error, quality = self._sample(pairs)
        if self.before:
            coded = self._after(self.before, coded, quality)
        inputs = self.network.with_quality(coded, quality).to(memory_format=layout)
        try:
            loss, output = self._gradients(inputs, target, error)
        except Exception as failure:
            if not self.compiled or not self.compiled.undo(failure):
                raise
            loss, output = self._gradients(inputs, target, error)
        if config.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        self.optimizer.step()
        if self.perceptual:
            self.perceptual.learn(output.detach().float(), target)
        self.step += 1
        self._average()
        return loss.detach()

    def _gradients(self, inputs: Tensor, target: Tensor, error: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the gradients of a batch; return its loss and the network's output."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.train.autocast == "bf16"):
            output = (self.compiled or self.network).inside(inputs)
        loss = self.loss(output.float(), target, error)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.compiled:
            self.compiled.proven = True
        return loss, output

    def start_feed(self, pairs: PairSet) -> None:
        """Draw the batches of the coming steps in a thread, until ``stop_feed``.

        The steps see the same batches as without it. A recipe with [distill] draws from its pool
        instead: then this does nothing.
        """
        if not self.teacher:
            draw = self._draw_from(pairs)
            self._feed = feed.Feed(draw, self.rng, self.step, pin=self.device.type == "cuda")

    def stop_feed(self) -> None:
        """Stop drawing in a thread."""
        if self._feed:
            self._feed.close()
            self._feed = None

    def fit(self, end: int) -> None:
        """Change the rest of the schedule so that it ends after ``end`` steps."""
        before, self.schedule = self.schedule, self.schedule.refit(self.step, end)
        if self._feed and self.config.taught and self.schedule is not before:
            self._feed.restart(self.step)  # the waiting batches hold shares of the old schedule

    def _draw_from(self, pairs: PairSet) -> feed.Draw:
        """Return the function that draws a step's batch from the pairs."""
        config, taught = self.config.train, self.config.taught
        if taught and not isinstance(pairs, TaughtSet):
            raise UsageError("a recipe with [taught] needs stored outputs of a teacher (see lbic train teach)")

        def draw(rng: np.random.Generator, step: int) -> Levels:
            if taught and isinstance(pairs, TaughtSet):
                pairs.share = share_at(self.schedule.at(step), config.steps, taught.first, taught.last)
            return pairs.draw(rng, config.batch, config.patch, self.margin)

        return draw

    def _sample(self, pairs: PairSet) -> tuple[Tensor, ...]:
        """Return the crops of a step: the fields of data.Batch, on the device."""
        if self.teacher:
            return self.teacher.sample(pairs, self.rng)
        batch = self._feed.next() if self._feed else feed.to_tensors(self._draw_from(pairs)(self.rng, self.step))
        return feed.on_device(batch, self.device)

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
        with (
            torch.no_grad(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.train.autocast == "bf16"),
        ):
            passed = before.inside(before.with_quality(coded[:count], quality[:count])).float()
        margin = before.margin
        rest = coded[count:, :, margin : coded.shape[2] - margin, margin : coded.shape[3] - margin]
        return torch.cat([passed, rest])

    def _average(self) -> None:
        """Update the averaged weights; faster at first, so that the initial weights soon fade."""
        decay = min(self.config.train.ema, self.step / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)
