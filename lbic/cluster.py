"""A Ray cluster as lbic uses it: found within a time limit, checked, and given one picture after another.

Ray is an optional extra, imported when a cluster is first asked for. Its machines need the same lbic and nothing of
the disks here: a picture's bytes travel there, the finished file's bytes travel back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lbic.compressor import Compressor
from lbic.errors import ClusterError, LbicError, MissingError
from lbic.pipeline import Compressed
from lbic.system import cleanup, cores, files, ray_client
from lbic.system.ray_client import TIME_LIMIT, sentence
from lbic.version import __version__

AHEAD = 2
"""Pictures under way for each of the cluster's CPUs: one that is worked on, one on its way there or back."""
MOST = 256
"""Pictures under way by default, however large the cluster: each is held in this machine's memory."""

_POLL, _ENDING = 0.2, 3
"""Seconds: how often a waiting thread looks whether all is to end; what a task then has to end its encoder."""

SECOND_TRY = "compressed at the second try: "
"""How the note begins of a picture whose first task was lost."""

_LOST = "the connection to the cluster was lost"

Function = Callable[[bytes], Compressed]


@dataclass
class Cluster:
    """A cluster that is connected; ``compress`` may be called from many threads at once."""

    ray: Any
    address: str
    _task: Any = field(init=False, repr=False)
    _ended: threading.Event = field(init=False, repr=False, default_factory=threading.Event)

    def __post_init__(self) -> None:
        # Ray's own retries are off: they would come on top of the one here, and nobody would be told.
        self._task = self.ray.remote(num_cpus=1, max_retries=0)(_attempt)

    @property
    def in_flight(self) -> int:
        """How many pictures to have under way: enough that no CPU waits, few enough that memory stays flat."""
        return min(MOST, AHEAD * max(1, int(self.ray.cluster_resources().get("CPU", 1))))

    def check(self, codec: str) -> None:
        """Raise MissingError unless every machine that would work has this lbic and can encode with the codec."""
        nodes = [node for node in self.ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
        if not nodes:
            raise MissingError(f"the Ray cluster at {self.address} has no CPU")

        # A function within one is sent as code, not by its name in a package that may be missing there.
        def tell() -> tuple[str | None, str | None]:
            try:
                from lbic.codecs.table import CODECS
                from lbic.version import __version__ as version
            except ImportError:
                return None, None
            return version, CODECS[codec].availability() if codec in CODECS else "unknown"

        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        asked = self.ray.remote(num_cpus=0)(tell)
        where = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
        try:
            told = self.ray.get([asked.options(scheduling_strategy=at).remote() for at in where], timeout=TIME_LIMIT)
        except (self.ray.exceptions.RayError, ConnectionError) as error:
            raise MissingError(f"the Ray cluster at {self.address} runs no task: {sentence(error)}") from error
        for node, (version, obstacle) in zip(nodes, told, strict=True):
            machine = f"{node['NodeManagerAddress']} of the Ray cluster"
            if version != __version__:
                found = f"has lbic {version}" if version else "has no lbic"
                raise MissingError(f"{machine} {found}; lbic {__version__} is needed there, as here")
            if obstacle:
                raise MissingError(f"codec {codec} cannot compress on {machine}: {obstacle}")

    def compress(self, function: Function, data: bytes) -> Compressed:
        """Compress a picture file's bytes by ``function`` (a compressor.Compressor), somewhere on the cluster.

        An LbicError of the function is raised here. Whatever else goes wrong, a crash or a lost machine, is tried
        once more, which a note tells; ClusterError when that fails too.
        """
        first = ""
        for last in (False, True):
            try:
                done = self._run(function, data)
                break
            except self.ray.exceptions.RayError as error:
                if last:
                    raise ClusterError(f"failed twice on the cluster: {sentence(error)}") from error
                first = sentence(error)
            except ConnectionError as error:
                raise ClusterError(_LOST) from error
        return replace(done, notes=(*done.notes, SECOND_TRY + first)) if first else done

    def end(self) -> None:
        """Have every ``compress`` that runs or is called raise, and its task on the cluster end."""
        self._ended.set()

    def _run(self, function: Function, data: bytes) -> Compressed:
        self._check_going_on()
        reference = self._task.remote(function, data)
        future = reference.future()
        try:
            while not future.done():
                self._check_going_on()
                futures.wait([future], timeout=_POLL)
        except BaseException:
            if self.ray.is_initialized():
                # Not by force: the task clears away its encoder and what that wrote.
                self.ray.cancel(reference, force=False)
                futures.wait([future], timeout=_ENDING)
            raise
        done: Compressed | LbicError = future.result()
        if isinstance(done, LbicError):
            raise done
        return done

    def _check_going_on(self) -> None:
        if self._ended.is_set():
            raise LbicError("interrupted")
        # Results that are still waited for would never come, and a new task would have Ray look for another cluster.
        if not self.ray.is_initialized():
            raise ClusterError(_LOST)


@contextmanager
def connect(address: str) -> Iterator[Cluster]:
    """Connect to the cluster at ``address`` and disconnect in the end; raises as ray_client.connect does."""
    with ray_client.connect(address) as module:
        yield Cluster(module, address)


def compress_many(
    paths: Iterable[str | Path], compressor: Compressor, address: str, *, in_flight: int | None = None
) -> Iterator[tuple[Path, Compressed | LbicError]]:
    """Compress picture files on the Ray cluster at ``address`` (ray_client.connect lists the kinds).

    Yields each path with its result or its failure, in their order; paths are taken as they are needed. At most
    ``in_flight`` pictures (None: two for each CPU of the cluster) are read and not yet yielded. Nothing is written.
    Raises MissingError when there is no such cluster, or when its machines lack this lbic or the encoder.
    """
    with connect(address) as connected:
        connected.check(compressor.request.codec)

        def compress(path: Path) -> tuple[Path, Compressed | LbicError]:
            try:
                return path, connected.compress(compressor, files.read(path.absolute()))
            except LbicError as error:
                return path, error

        most = in_flight or connected.in_flight
        waiting: deque[futures.Future[tuple[Path, Compressed | LbicError]]] = deque()
        with futures.ThreadPoolExecutor(most) as pool:
            try:
                for path in paths:
                    if len(waiting) == most:
                        yield waiting.popleft().result()
                    waiting.append(pool.submit(compress, Path(path)))
                while waiting:
                    yield waiting.popleft().result()
            finally:
                connected.end()  # a caller that stops early does not wait for the rest


def _attempt(function: Function, data: bytes) -> Compressed | LbicError:
    """The task: an LbicError is a result like another, so that only what Ray reports is worth a second try."""
    # Ray interrupts Python code, not a wait for an encoder: that wait is another thread's.
    with cores.one_core(), futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(function, data)
        try:
            while not future.done():
                futures.wait([future], timeout=_POLL)
        except BaseException:
            while not future.done():
                cleanup.remove_all(for_good=False)
                futures.wait([future], timeout=0.02)
            raise
    error = future.exception()
    return error if isinstance(error, LbicError) else future.result()
