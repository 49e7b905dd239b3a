"""Compress on a Ray cluster: connect within a time limit, check its machines, send them pictures.

Ray is an optional extra and imported at the first use. The cluster's machines need the same lbic
but no access to this machine's disks: a picture's bytes travel there, the finished file's bytes
back.
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
"""Pictures in progress for each of the cluster's CPUs: one being compressed, one on its way."""
MOST = 256
"""The most pictures in progress by default: each is held in this machine's memory."""

_POLL = 0.2
"""Seconds between a waiting thread's checks whether the work is cancelled."""
_ENDING = 3
"""Seconds that a cancelled task has to end its encoder."""

SECOND_TRY = "compressed at the second try: "
"""The beginning of the note on a picture whose first task was lost."""

_LOST = "the connection to the cluster was lost"

Function = Callable[[bytes], Compressed]
"""A compressor.Compressor, or a function like it: a picture file's bytes -> the result."""


@dataclass
class Cluster:
    """A connected cluster; ``compress`` may be called from many threads at once."""

    ray: Any
    """The module ray."""
    address: str
    """The cluster's address as the user gave it."""
    _task: Any = field(init=False, repr=False)
    _ended: threading.Event = field(init=False, repr=False, default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Make the cluster's task."""
        # Ray's own retries are off: they would add to the one here, and have no note.
        self._task = self.ray.remote(num_cpus=1, max_retries=0)(_attempt)

    @property
    def in_flight(self) -> int:
        """The default number of pictures in progress: no CPU waits, and memory stays bounded."""
        return min(MOST, AHEAD * max(1, int(self.ray.cluster_resources().get("CPU", 1))))

    def check(self, codec: str) -> None:
        """Raise MissingError unless each machine with CPUs has this lbic and the encoder."""
        nodes = [node for node in self.ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
        if not nodes:
            raise MissingError(f"the Ray cluster at {self.address} has no CPU")

        # Ray sends a local function as code, not as a name in a package that may be missing there.
        def probe() -> tuple[str | None, str | None]:
            try:
                from lbic.codecs.table import get, names
                from lbic.version import __version__ as version
            except ImportError:
                return None, None
            return version, get(codec).availability() if codec in names() else "unknown"

        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        task = self.ray.remote(num_cpus=0)(probe)
        where = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
        try:
            answers = self.ray.get([task.options(scheduling_strategy=at).remote() for at in where], timeout=TIME_LIMIT)
        except (self.ray.exceptions.RayError, ConnectionError) as error:
            raise MissingError(f"the Ray cluster at {self.address} runs no task: {sentence(error)}") from error
        for node, (version, obstacle) in zip(nodes, answers, strict=True):
            machine = f"{node['NodeManagerAddress']} of the Ray cluster"
            if version != __version__:
                state = f"has lbic {version}" if version else "has no lbic"
                raise MissingError(f"{machine} {state}; lbic {__version__} is needed there, as here")
            if obstacle:
                raise MissingError(f"codec {codec} cannot compress on {machine}: {obstacle}")

    def compress(self, function: Function, data: bytes) -> Compressed:
        """Compress a picture file's bytes by ``function`` on the cluster.

        Raises the function's LbicError. Any other failure, such as a crash or a lost machine,
        leads to a second try and a note; raises ClusterError when that fails too.
        """
        first = ""
        for last in (False, True):
            try:
                result = self._run(function, data)
                break
            except self.ray.exceptions.RayError as error:
                if last:
                    raise ClusterError(f"failed twice on the cluster: {sentence(error)}") from error
                first = sentence(error)
            except ConnectionError as error:
                raise ClusterError(_LOST) from error
        return replace(result, notes=(*result.notes, SECOND_TRY + first)) if first else result

    def end(self) -> None:
        """Cancel the work: every running and later ``compress`` raises, and its task ends."""
        self._ended.set()

    def _run(self, function: Function, data: bytes) -> Compressed:
        """Run one task and wait for it; raises its LbicError, or Ray's error for a lost task."""
        self._check_going_on()
        reference = self._task.remote(function, data)
        future = reference.future()
        try:
            while not future.done():
                self._check_going_on()
                futures.wait([future], timeout=_POLL)
        except BaseException:
            if self.ray.is_initialized():
                # Without force, so that the task ends its encoder and removes what that wrote.
                self.ray.cancel(reference, force=False)
                futures.wait([future], timeout=_ENDING)
            raise
        result: Compressed | LbicError = future.result()
        if isinstance(result, LbicError):
            raise result
        return result

    def _check_going_on(self) -> None:
        """Raise LbicError when the work is cancelled, ClusterError when the connection is lost."""
        if self._ended.is_set():
            raise LbicError("interrupted")
        # Pending results would never come, and for a new task Ray would look for another cluster.
        if not self.ray.is_initialized():
            raise ClusterError(_LOST)


@contextmanager
def connect(address: str) -> Iterator[Cluster]:
    """Connect to the cluster at ``address`` and disconnect at the end.

    Raises as ray_client.connect.
    """
    with ray_client.connect(address) as module:
        yield Cluster(module, address)


def compress_many(
    paths: Iterable[str | Path], compressor: Compressor, address: str, *, in_flight: int | None = None
) -> Iterator[tuple[Path, Compressed | LbicError]]:
    """Compress picture files on the Ray cluster at ``address`` (see ray_client.connect).

    Yields each path with its result or its error, in the order of the paths. No file is written.
    Paths are read as they are needed: at most ``in_flight`` pictures (None: Cluster.in_flight)
    are read and not yet yielded. Raises MissingError when there is no such cluster, or its
    machines lack this lbic or the encoder.
    """
    with connect(address) as connected:
        connected.check(compressor.request.codec)

        def compress(path: Path) -> tuple[Path, Compressed | LbicError]:
            """Compress one file; the error is a result, so that the others go on."""
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
    """Compress as a task of the cluster.

    An LbicError is returned, so that an error that Ray raises always means a lost task.
    """
    # Ray interrupts Python code but not a wait for an encoder, so another thread waits for it.
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
