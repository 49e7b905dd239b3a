"""Batches: run one function on many files in parallel and report the results in order.

A file that fails does not stop the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import Protocol, TypeVar

from lbic.cli.jobs import Skipped
from lbic.cli.progress import report_bar
from lbic.cli.report import Outcome, Report
from lbic.errors import ExitCode, LbicError, shortage
from lbic.system import cores

_WAKE = 0.2
"""Seconds of one wait: Windows delivers Ctrl-C only at the end of a wait."""


class Named(Protocol):
    """An item of a batch; its name goes into the report."""

    @property
    def name(self) -> str:
        """The name of the input."""


Item = TypeVar("Item", bound=Named)


def run(
    items: Sequence[Item],
    work: Callable[[Item], Outcome],
    report: Report,
    *,
    workers: int = 1,
    end: Callable[[], None] | None = None,
) -> ExitCode:
    """Call ``work`` for every item and report the results in the items' order.

    ``workers`` items are worked on at the same time. ``end`` stops work that runs on other
    machines when the run is interrupted. An LbicError of one item is reported and the run
    continues; any other exception ends it. Threads suffice: encoders are other processes, and the
    networks release the interpreter.
    """
    jobs = min(workers, max(1, len(items)))
    with cores.shared_by(jobs), report_bar(report) as report.advance, _results(items, work, jobs, end) as results:
        for item, result in zip(items, results, strict=True):
            try:
                outcome = result()
            except Skipped as skipped:
                report.skip(item.name, str(skipped))
            except LbicError as error:
                report.failure(item.name, error)
            except Exception as error:
                short = shortage(error)
                if short is None:
                    raise
                report.failure(item.name, short)
            else:
                report.success(item.name, outcome)
            if report.steps is None:
                report.advance()
    return report.finish()


@contextmanager
def _results(
    items: Sequence[Item], work: Callable[[Item], Outcome], workers: int, end: Callable[[], None] | None
) -> Iterator[Iterator[Callable[[], Outcome]]]:
    """Yield a function for each item that returns its outcome or raises its error.

    Even a single worker is a thread of its own: Ctrl-C then finds the main thread waiting, never
    between the start of an encoder and its registration, and does not wait for a tile or stdin.
    Where the system permits fewer threads than ``workers``, they do all the work.
    """
    tasks = deque((Future[Outcome](), item) for item in items)
    futures = deque(future for future, _ in tasks)
    serve = partial(_serve, tasks, work)
    threads = list(_started(serve, workers))
    if not threads:
        serve()
    try:
        yield _in_order(futures)
    except BaseException as error:
        if end:
            end()
        tasks.clear()
        # Running work is completed, except after Ctrl-C: lbic.cli.interrupt cleans up.
        if end or not isinstance(error, KeyboardInterrupt):
            _join(threads)
        raise
    _join(threads)


def _started(serve: Callable[[], None], count: int) -> Iterator[Thread]:
    """Start threads and yield them: ``count``, or fewer where the system permits no more."""
    for _ in range(count):
        thread = Thread(target=serve, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return
        yield thread


def _serve(tasks: deque[tuple[Future[Outcome], Item]], work: Callable[[Item], Outcome]) -> None:
    """Work on tasks until none is left."""
    while True:
        try:
            future, item = tasks.popleft()  # atomic: two threads never get the same task
        except IndexError:
            return
        try:
            future.set_result(work(item))
        except BaseException as error:
            if isinstance(error, LbicError | MemoryError):
                _forget(error)
            future.set_exception(error)


def _forget(error: BaseException) -> None:
    """Drop the frames of an expected error: their variables hold whole pictures."""
    error.__traceback__ = error.__cause__ = error.__context__ = None


def _join(threads: Sequence[Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(timeout=_WAKE)


def _in_order(futures: deque[Future[Outcome]]) -> Iterator[Callable[[], Outcome]]:
    """Yield the results in order; each is released when the next is asked for, to save memory."""
    while futures:
        yield partial(_result, futures[0])
        futures.popleft()


def _result(future: Future[Outcome]) -> Outcome:
    while not future.done():
        wait((future,), timeout=_WAKE)
    return future.result()
