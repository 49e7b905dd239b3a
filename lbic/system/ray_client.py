"""Ray, the optional extra: import it, connect to a cluster within a time limit, keep it silent."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lbic.errors import MissingError, reason
from lbic.system import python

LOCAL = "local"
"""The address of a cluster that is started on this machine and ends with the connection."""
TIME_LIMIT = 60
"""Seconds for Ray to connect, and for each machine to start a process and report its version."""
_REACHABLE = 5
"""Seconds for a machine to accept a connection."""


@contextmanager
def connect(address: str) -> Iterator[Any]:
    """Connect to a cluster, yield the module ``ray``, and disconnect; an existing connection is used and kept.

    ``address`` is what ray.init takes: "auto" (the cluster this machine is part of), "ray://HOST:10001" (any other),
    "local" (one of this machine's CPUs alone). Raises MissingError without Ray, and for a cluster that cannot be
    reached within a minute.
    """
    ray = _import()
    if ray.is_initialized():
        yield ray
        return
    try:
        _find(address)
        try:
            _init(ray, address)
        except Exception as error:
            raise _unreachable(address, sentence(error)) from error
        yield ray
    finally:
        ray.shutdown()
        _talk(True)


def attempt(address: str) -> None:
    """Connect and end: what ``connect`` does first, in a process of its own. The reason of a failure is its stderr."""
    try:
        _init(_import(), address)
    except Exception as error:
        sys.exit(sentence(error))


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
    code = "import sys; from lbic.system import ray_client; ray_client.attempt(sys.argv[1])"
    command = python.command("-c", code, address)
    try:
        tried = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
            env=python.environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise _unreachable(address, f"no answer within {TIME_LIMIT} s") from error
    if tried.returncode:
        lines = tried.stderr.strip().splitlines()
        raise _unreachable(address, lines[-1] if lines else f"Ray ended with {tried.returncode}")


def _unreachable(address: str, reason: str) -> MissingError:
    return MissingError(f"cannot connect to the Ray cluster at {address}: {reason}")


def sentence(error: BaseException) -> str:
    """Why, in one line: of an exception within a task its kind and text, of all else the text's beginning."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        return f"{type(cause).__name__}: {' '.join(str(cause).split())}"
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.split(". ", 1)[0][:300].rstrip(".")
    return text[:1].lower() + text[1:]
