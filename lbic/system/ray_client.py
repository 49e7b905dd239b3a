"""Ray (an optional dependency): import it, connect within a time limit, silence its output."""

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
"""The address that starts a cluster on this machine; it ends with the connection."""
TIME_LIMIT = 60
"""Seconds for Ray to connect, and for each machine to start a process and report its version."""
_REACHABLE = 5
"""Seconds for a machine to accept a connection."""


@contextmanager
def connect(address: str) -> Iterator[Any]:
    """Connect to a cluster, yield the module ``ray``, and disconnect; keep an existing connection.

    ``address`` is that of ray.init: "auto" (the cluster that this machine is part of),
    "ray://HOST:10001" (any other), "local" (only this machine's CPUs). Raises MissingError if Ray
    is not installed or the cluster cannot be reached within a minute.
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
    """Connect and exit, for a test in another process; on failure stderr has the reason."""
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
    """Call ray.init without its output."""
    options: dict[str, Any] = {}
    if address == LOCAL:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        options["include_dashboard"] = False
    _mute()
    _talk(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(address=address, log_to_driver=False, configure_logging=False, **options)
    _mute()


def _mute() -> None:
    """Keep Ray's log records off stderr. Connecting as a client undoes this."""
    logger = logging.getLogger("ray")
    logger.handlers, logger.propagate = [logging.NullHandler()], False


def _talk(allowed: bool) -> None:
    """Switch Ray's messages about lost workers on or off.

    Ray prints them to stdout, among the JSON objects, even with log_to_driver=False.
    """
    from ray._private import worker

    worker._worker_logs_enabled = allowed


def _find(address: str) -> None:
    """Raise MissingError if the cluster does not answer."""
    if address == LOCAL:
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_REACHABLE).close()
        except (OSError, OverflowError, UnicodeError) as error:  # e.g. a port above 65535
            why = reason(error) if isinstance(error, OSError) else str(error)
            raise _unreachable(address, why) from error
    if address.startswith("ray://"):
        return  # this connection has its own time limit
    # If no cluster answers, Ray logs to stderr for two minutes and then ends the whole process:
    # try it in another process first.
    code = "import sys; from lbic.system import ray_client; ray_client.attempt(sys.argv[1])"
    command = python.command("-c", code, address)
    try:
        attempted = subprocess.run(
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
    if attempted.returncode:
        lines = attempted.stderr.strip().splitlines()
        raise _unreachable(address, lines[-1] if lines else f"Ray ended with exit code {attempted.returncode}")


def _unreachable(address: str, reason: str) -> MissingError:
    return MissingError(f"cannot connect to the Ray cluster at {address}: {reason}")


def sentence(error: BaseException) -> str:
    """Return an error in one line: a task's exception with its class, others as a sentence."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        return f"{type(cause).__name__}: {' '.join(str(cause).split())}"
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.split(". ", 1)[0][:300].rstrip(".")
    return text[:1].lower() + text[1:]
