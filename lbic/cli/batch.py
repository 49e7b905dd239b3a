"""Run one piece of work over many files: in parallel, told in order, no failure stopping the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

from lbic.cli.jobs import Skipped
from lbic.cli.progress import report_bar
from lbic.cli.report import Outcome, Report
from lbic.errors import ExitCode, LbicError
from lbic.system import cores


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
    jobs = min(workers, max(1, len(items)))
    with cores.shared_by(jobs), report_bar(report) as report.advance, _results(items, work, jobs, end) as results:
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
    items: Sequence[Item], work: Callable[[Item], Outcome], workers: int, end: Callable[[], None] | None
) -> Iterator[Iterator[Callable[[], Outcome]]]:
    """For each item a function that returns or raises what its work did.

    Even one worker is another thread: Ctrl-C then finds the main thread waiting, never between starting an encoder
    and remembering it, and need not wait for a tile or for stdin.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        yield _told(deque(pool.submit(work, item) for item in items))
    except BaseException as error:
        if end:
            end()
        # What is at work goes on to its end, but for Ctrl-C: lbic.cli.interrupt removes what it leaves.
        pool.shutdown(wait=bool(end) or not isinstance(error, KeyboardInterrupt), cancel_futures=True)
        raise
    pool.shutdown()


def _told(futures: deque[Future[Outcome]]) -> Iterator[Callable[[], Outcome]]:
    """The results in order; each is let go once it has been told, so that memory does not grow with the files."""
    while futures:
        yield partial(_result, futures[0])
        futures.popleft()


def _result(future: Future[Outcome]) -> Outcome:
    while not future.done():
        wait((future,), timeout=0.2)  # Windows would put off Ctrl-C to the end of a longer wait
    return future.result()
