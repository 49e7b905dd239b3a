"""The training loop: checkpoints, validations, safe stop, and a length fitted to a time.

It needs only PyTorch and numpy. It reports through a callback, which the command line turns into a
progress bar.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lbic.errors import UsageError
from lbic.train import checkpoint, log
from lbic.train.data import PairSet
from lbic.train.fit import Fit
from lbic.train.trainer import Trainer
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
    """Number of steps of the run."""
    loss: float
    """Moving average of the loss."""
    rate: float
    """Learning rate of the step."""
    seconds: float
    """Time since the run started."""
    gains: dict[int, float] | None = None
    """Gain in dB by quality; None except after a validation."""


def run(
    trainer: Trainer,
    pairs: PairSet,
    validation: PairSet | None,
    folder: Path,
    pace: Pace,
    report: Callable[[Report], None],
    stopped: Callable[[], bool],
    fit: Fit | None = None,
    after_save: Callable[[], None] = lambda: None,
) -> bool:
    """Train until all steps are done, ``stopped()`` is true or the time is over.

    The recipe says how many steps there are; with ``fit`` the time does. Writes a checkpoint to
    ``folder`` every few minutes and at the end, and a line of the log at every validation. Calls
    ``report`` after every step, and ``after_save`` after every checkpoint and the validation at
    the same step. Returns whether all steps are done. Raises UsageError if a folder was prepared
    for another recipe, or if the loss is not finite.
    """
    for folder_pairs in (pairs, validation):
        if folder_pairs is not None:
            folder_pairs.check(trainer.config.data)
    folder.mkdir(parents=True, exist_ok=True)
    clock = fit.clock if fit else time.monotonic
    began = last_save = clock()
    earlier = trainer.seconds
    if fit:
        fit.begin(trainer.step, earlier)
    mean_loss = 0.0
    read_every = 1 if trainer.device.type == "cpu" else 16  # reading a loss waits for the GPU
    trainer.start_feed(pairs)
    try:
        while trainer.step < trainer.schedule.end:
            loss = trainer.advance(pairs)
            if trainer.step % read_every == 0:
                mean_loss = float(loss) if not mean_loss else mean_loss * 0.99 + float(loss) * 0.01
                if not math.isfinite(mean_loss):
                    raise UsageError(f"the loss is {mean_loss} at step {trainer.step}; a lower train.rate may help")
                end = fit.last_step(trainer.step, pace.validate_every, pace.save_minutes) if fit else None
                if end is not None:
                    trainer.fit(end)
            now = clock()
            ends = trainer.step >= trainer.schedule.end or stopped() or bool(fit and fit.over())
            ends = ends or bool(pace.minutes and now - began > pace.minutes * 60)
            trial = bool(fit and fit.trial)
            saves = ends or trial or now - last_save > pace.save_minutes * 60
            validates = ends or trial or trainer.step % pace.validate_every == 0
            trainer.seconds = earlier + now - began
            measured = None
            # Save before the validation: it takes a while, and a run may be killed in it.
            if saves:
                checkpoint.save(folder / LAST, trainer.state())
                last_save = clock()
                if fit:
                    fit.saved(last_save - now)
            if validates:
                start = clock()
                measured = {}
                if validation is not None:
                    measured = gains(trainer.restore_picture, validation, trainer.multiple, pace.crop)
                log.append(
                    folder, step=trainer.step, loss=mean_loss, rate=trainer.rate, seconds=now - began, gain=measured
                )
                if fit:
                    fit.validated(clock() - start)
            if saves:
                after_save()
            report(Report(trainer.step, trainer.schedule.end, mean_loss, trainer.rate, now - began, measured))
            if ends:
                break
    finally:
        trainer.stop_feed()
    return trainer.step >= trainer.schedule.end
