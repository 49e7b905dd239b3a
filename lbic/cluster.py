"""A Ray cluster as lbic uses it: found within a time limit, checked, and given one picture after another.

Ray is an optional extra, imported when a cluster is first asked for. Its machines need the same lbic and nothing of
the disks here: a picture's bytes travel there, the finished file's bytes travel back.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from lbic import leftovers, python, threads
from lbic.errors import ClusterError, LbicError, MissingError, reason
from lbic.pipeline import Compressed
from lbic.version import __version__

LOCAL = "local"
"""The address of a cluster that is started on this machine and ends with the connection."""
AHEAD = 2
"""Pictures under way for each of the cluster's CPUs: one that is worked on, one on its way there or back."""
MOST = 256
"""Pictures under way by default, however large the cluster: each is held in this machine's memory."""

_REACHABLE = 5
"""Seconds for a machine to accept a connection."""
_CONNECT = 60
"""Seconds for Ray to connect, and for each machine to start a process and tell its version."""
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
                from lbic.codecs import CODECS
                from lbic.version import __version__ as version
            except ImportError:
                return None, None
            return version, CODECS[codec].availability() if codec in CODECS else "unknown"

        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        asked = self.ray.remote(num_cpus=0)(tell)
        where = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
        try:
            told = self.ray.get([asked.options(scheduling_strategy=at).remote() for at in where], timeout=_CONNECT)
        except (self.ray.exceptions.RayError, ConnectionError) as error:
            raise MissingError(f"the Ray cluster at {self.address} runs no task: {_sentence(error)}") from error
        for node, (version, obstacle) in zip(nodes, told, strict=True):
            machine = f"{node['NodeManagerAddress']} of the Ray cluster"
            if version != __version__:
                found = f"has lbic {version}" if version else "has no lbic"
                raise MissingError(f"{machine} {found}; lbic {__version__} is needed there, as here")
            if obstacle:
                raise MissingError(f"codec {codec} cannot compress on {machine}: {obstacle}")

    def compress(self, function: Function, data: bytes) -> Compressed:
        """Compress a picture file's bytes by ``function`` (a batch.Compressor), somewhere on the cluster.

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
                    raise ClusterError(f"failed twice on the cluster: {_sentence(error)}") from error
                first = _sentence(error)
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
    """Connect to a cluster and disconnect in the end; a connection that is there is used and kept.

    ``address`` is what ray.init takes: "auto" (the cluster this machine is part of), "ray://HOST:10001" (any other),
    "local" (one of this machine's CPUs alone). Raises MissingError without Ray, and for a cluster that cannot be
    reached within a minute.
    """
    ray = _import()
    if ray.is_initialized():
        yield Cluster(ray, address)
        return
    try:
        _find(address)
        try:
            _init(ray, address)
        except Exception as error:
            raise _unreachable(address, _sentence(error)) from error
        yield Cluster(ray, address)
    finally:
        ray.shutdown()
        _talk(True)


def attempt(address: str) -> None:
    """Connect and end: what ``connect`` does first, in a process of its own. The reason of a failure is its stderr."""
    try:
        _init(_import(), address)
    except Exception as error:
        sys.exit(_sentence(error))


def _import() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingError("Ray is not installed; pip install 'lbic[ray]'") from error
    return ray


def _init(ray: Any, address: str) -> None:
    """ray.init, silent."""
    more: dict[str, Any] = {}
    if address == LOCAL:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        more["include_dashboard"] = False
    _mute()
    _talk(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(address=address, log_to_driver=False, configure_logging=False, **more)
    _mute()


def _mute() -> None:
    """No log records of Ray's on stderr; connecting as a client undoes it."""
    logger = logging.getLogger("ray")
    logger.handlers, logger.propagate = [logging.NullHandler()], False


def _talk(allowed: bool) -> None:
    """Let Ray tell about lost workers or not: on stdout, among JSON objects, whatever log_to_driver says."""
    from ray._private import worker

    worker._worker_logs_enabled = allowed


def _find(address: str) -> None:
    """Raise MissingError for a cluster that does not answer."""
    if address == LOCAL:
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_REACHABLE).close()
        except (OSError, OverflowError, UnicodeError) as error:  # a port above 65535, a name that no machine can have
            why = reason(error) if isinstance(error, OSError) else str(error)
            raise _unreachable(address, why) from error
    if address.startswith("ray://"):
        return  # this connection has a time limit of its own
    # What is no Ray cluster, or is one no more, has Ray log to stderr for two minutes and then end the whole process.
    command = python.command("-c", "import sys; from lbic import cluster; cluster.attempt(sys.argv[1])", address)
    try:
        tried = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CONNECT,
            check=False,
            env=python.environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise _unreachable(address, f"no answer within {_CONNECT} s") from error
    if tried.returncode:
        lines = tried.stderr.strip().splitlines()
        raise _unreachable(address, lines[-1] if lines else f"Ray ended with {tried.returncode}")


def _unreachable(address: str, reason: str) -> MissingError:
    return MissingError(f"cannot connect to the Ray cluster at {address}: {reason}")


def _attempt(function: Function, data: bytes) -> Compressed | LbicError:
    """The task: an LbicError is a result like another, so that only what Ray reports is worth a second try."""
    # Ray interrupts Python code, not a wait for an encoder: that wait is another thread's.
    with threads.one_core(), futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(function, data)
        try:
            while not future.done():
                futures.wait([future], timeout=_POLL)
        except BaseException:
            while not future.done():
                leftovers.remove_all(for_good=False)
                futures.wait([future], timeout=0.02)
            raise
    error = future.exception()
    return error if isinstance(error, LbicError) else future.result()


def _sentence(error: BaseException) -> str:
    """Why, in one line: of an exception within a task its kind and text, of all else the text's beginning."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        return f"{type(cause).__name__}: {' '.join(str(cause).split())}"
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.split(". ", 1)[0][:300].rstrip(".")
    return text[:1].lower() + text[1:]
