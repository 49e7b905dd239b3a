"""Run one piece of work over many files: in parallel, told in order, no failure stopping the rest."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

from lbic import threads
from lbic.cli.report import Outcome, Report, bar
from lbic.errors import ExitCode, LbicError
from lbic.fileio import Skipped


class Named(Protocol):
    """What is worked on: anything that has a name to report it by."""

    @property
    def name(self) -> str: ...


Item = TypeVar("Item", bound=Named)


def run(items: Sequence[Item], work: Callable[[Item], Outcome], report: Report, *, workers: int = 1) -> ExitCode:
    """Do ``work`` for every item and tell the report in the items' order.

    An LbicError of one item is reported and the next goes on; any other exception ends the run.
    Threads are enough: encoders are other processes and the networks release the interpreter.
    """
    jobs = min(workers, max(1, len(items)))
    with threads.shared_by(jobs), bar(report) as report.advance, _results(items, work, jobs) as results:
        for item, result in zip(items, results, strict=True):
            try:
                outcome = result()
            except Skipped as found:
                report.skip(item.name, str(found))
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
    items: Sequence[Item], work: Callable[[Item], Outcome], workers: int
) -> Iterator[Iterator[Callable[[], Outcome]]]:
    """For each item a function that returns or raises what its work did."""
    if workers == 1:
        # In the main thread, so that Ctrl-C reaches the work itself.
        yield (partial(work, item) for item in items)
        return
    stopped = threading.Event()

    def unless_stopped(item: Item) -> Outcome:
        if stopped.is_set():
            raise LbicError("interrupted")
        return work(item)

    pool = ThreadPoolExecutor(workers)
    futures: deque[Future[Outcome]] = deque()
    try:
        futures += (pool.submit(unless_stopped, item) for item in items)
        yield _told(futures)
    finally:
        # After Ctrl-C nothing new starts, and encoders that run are ended: again and again, since a thread may be
        # about to start one. Without it every future is done by now.
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in futures):
            _end_encoders()
            time.sleep(0.02)
        pool.shutdown(wait=True)


def _told(futures: deque[Future[Outcome]]) -> Iterator[Callable[[], Outcome]]:
    """The results in order; each is let go once it has been told, so that memory does not grow with the files."""
    while futures:
        yield futures[0].result
        futures.popleft()


def _end_encoders() -> None:
    from lbic.codecs import process  # brings numpy, which info does without

    process.end_running()
