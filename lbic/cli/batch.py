"""Run one piece of work over many files: in parallel, told in order, no failure stopping the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

from lbic.cli.report import Outcome, Report, bar
from lbic.errors import ExitCode, LbicError


class Named(Protocol):
    """What is worked on: anything that has a name to report it by."""

    @property
    def name(self) -> str: ...


Item = TypeVar("Item", bound=Named)


def run(
    items: Sequence[Item],
    work: Callable[[Item], Outcome],
    report: Report,
    *,
    workers: int = 1,
    end: Callable[[], None] | None = None,
) -> ExitCode:
    """Do ``work`` for every item and tell the report in the items' order; ``end`` makes work that runs elsewhere end.

    An LbicError of one item is reported and the next goes on; any other exception ends the run.
    Threads are enough: encoders are other processes and the networks release the interpreter.
    """
    with bar(report) as report.advance, _results(items, work, workers, end or _end_encoders) as results:
        for item, result in zip(items, results, strict=True):
            try:
                outcome = result()
            except LbicError as error:
                report.failure(item.name, error)
            except MemoryError:
                report.failure(item.name, LbicError("not enough memory"))
            else:
                report.success(item.name, outcome)
            if report.steps is None:
                report.advance()
    return report.finish()


@contextmanager
def _results(
    items: Sequence[Item], work: Callable[[Item], Outcome], workers: int, end: Callable[[], None]
) -> Iterator[Iterator[Callable[[], Outcome]]]:
    """For each item a function that returns or raises what its work did."""
    if workers == 1 or len(items) == 1:
        # In the main thread, so that Ctrl-C reaches the work itself.
        yield (partial(work, item) for item in items)
        return
    stopped = threading.Event()

    def unless_stopped(item: Item) -> Outcome:
        if stopped.is_set():
            raise LbicError("interrupted")
        return work(item)

    pool = ThreadPoolExecutor(min(workers, len(items)))
    futures: list[Future[Outcome]] = []
    try:
        futures += (pool.submit(unless_stopped, item) for item in items)
        yield (future.result for future in futures)
    finally:
        # After Ctrl-C nothing new starts, and encoders that run are ended: again and again, since a thread may be
        # about to start one. Without it every future is done by now.
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in futures):
            end()
            time.sleep(0.02)
        pool.shutdown(wait=True)


def _end_encoders() -> None:
    from lbic.codecs import process  # brings numpy, which info does without

    process.end_running()
