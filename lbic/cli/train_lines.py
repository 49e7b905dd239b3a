"""The lines that a training prints while it runs, without a progress bar."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lbic.train.loop import Report
    from lbic.train.trainer import Trainer

_WARM = 16
"""Steps of a sitting that do not count for the speed: the first ones compile the network."""


class Lines:
    """Lines on stderr with the speed of a training, a few seconds apart."""

    def __init__(self, trainer: Trainer, flops: float, period: float) -> None:
        """Print a line every ``period`` seconds; ``flops`` are the operations of one step."""
        self._trainer = trainer
        self._flops = flops
        self._period = period
        self._warm = trainer.step + _WARM
        self._last = time.monotonic()
        self._mark: tuple[int, float] | None = None  # step and time of the last line
        self._warned = False

    def show(self, report: Report) -> None:
        """Print the line of a step if it is due, and the gains if the step measured them."""
        now = time.monotonic()
        if self._trainer.compiled and self._trainer.compiled.failure and not self._warned:
            self._warned = True
            click.echo(f"not compiled: {self._trainer.compiled.failure}", err=True)
        if report.gains:
            gains = "  ".join(f"{gain:+.3f} dB at {quality}" for quality, gain in report.gains.items())
            click.echo(f"{report.seconds:7.1f} s  step {report.step}: {gains}", err=True)
        if now - self._last >= self._period:
            speed = ""
            if self._mark:
                steps = (report.step - self._mark[0]) / (now - self._mark[1])
                speed = f"  {steps:.2f} steps/s  {steps * self._flops / 1e12:.3g} TFLOP/s"
            self._last, self._mark = now, (report.step, now) if report.step >= self._warm else None
            click.echo(
                f"{report.seconds:7.1f} s  step {report.step} of {report.steps}  loss {report.loss:.4g}"
                f"  rate {report.rate:.3g}{speed}",
                err=True,
            )
