"""The command ``lbic doctor``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import NamedTuple

import click
from PIL import Image

from lbic import __version__, pipeline
from lbic.cli import models, options, settings, wording
from lbic.cli.models import State
from lbic.cli.report import emit
from lbic.codecs import plugins, table
from lbic.codecs.base import Codec
from lbic.enhance import catalog, providers, session
from lbic.enhance.providers import CPU, CUDA, Provider
from lbic.enhance.types import NONE
from lbic.errors import ExitCode, LbicError, MissingError
from lbic.isolation import process
from lbic.isolation.confine import VARIABLE
from lbic.pipeline import CompressSettings
from lbic.system.landlock import NETWORK

_READERS = (
    ("HEIC", "pillow-heif", "pillow_heif", "heif"),
    ("JPEG XL", "pillow-jxl-plugin", "pillow_jxl", "jxl"),
    ("float TIFF", "tifffile", "tifffile", "tiff"),
)
"""Picture formats that need an extra: format, package, its module, the extra."""


class Finding(NamedTuple):
    """The result of one check."""

    name: str
    """What was checked."""
    works: bool
    """Whether it works."""
    sentence: str
    """How it works, or why not and what helps."""


@click.command()
@options.json_option
def doctor(json: bool) -> ExitCode:
    """Check what works on this machine; say why something does not and what helps.

    Every codec encodes and decodes a small picture, and every network is loaded. The exit code is
    0 whatever the results; programs read them from --json.
    """
    for finding in examine():
        if json:
            emit(finding._asdict())
        else:
            click.echo(f"{'ok' if finding.works else 'no':<3} {finding.name:<16} {finding.sentence}")
    return ExitCode.OK


def examine() -> Iterator[Finding]:
    """Check everything that a command may need, the fastest first."""
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("lbic", True, f"{__version__}, {python}")
    yield _settings()
    yield from codecs()
    yield _isolation()
    yield runtime()
    states = [models.probe(spec) for spec in catalog.load().models]
    yield from devices()
    yield _models(states)
    yield from (_reader(*row) for row in _READERS)
    yield _torch()


def codecs() -> Iterator[Finding]:
    """Check every codec, lbic's own and those of other packages; name those that are left out."""
    for name in table.names():
        try:
            codec = table.get(name)
        except MissingError as error:
            yield Finding(f"codec {name}", False, str(error))
        else:
            yield _codec(codec)
    ignored: dict[str, list[str]] = {}
    for entry in plugins.ignored():
        ignored.setdefault(entry.package, []).append(entry.name)
    for package, names in ignored.items():
        sentence = f"codecs left out: {', '.join(names)}; the name is taken or no file can hold it"
        yield Finding(f"package {package}", False, sentence)


def _settings() -> Finding:
    path = settings.find()
    if path is None:
        return Finding("settings", True, f"no {' and no '.join(map(str, settings.places()))}")
    try:
        names = [name for name in settings.COMMANDS if name in settings.read(path)]
        commands = [getattr(importlib.import_module(f"lbic.cli.{name}"), name) for name in names]
        text = settings.describe(path, commands)
    except LbicError as error:
        return Finding("settings", False, str(error))
    return Finding("settings", True, f"{path} ({text})")


def _codec(codec: Codec) -> Finding:
    name = f"codec {codec.name}"
    missing = codec.availability()
    if missing:
        return Finding(name, False, f"cannot compress: {missing}")
    try:
        data = pipeline.compress(Image.new("RGB", (64, 64), "teal"), CompressSettings(codec.name, type=NONE)).data
        pipeline.verify(data, apart=True)
    except LbicError as error:
        return Finding(name, False, str(error))
    return Finding(name, True, codec.summary)


def _isolation() -> Finding:
    name = "isolation"
    try:
        with process.borrow() as worker:
            worker.wait_until_ready()
            version = worker.confinement
    except LbicError as error:
        return Finding(name, False, str(error))
    if version:
        network = "and use no TCP" if version >= NETWORK else "but may use the network (Linux 6.7 prevents that)"
        rights = "can only read the installed packages, start no programs"
        return Finding(name, True, f"decoders and readers {rights} {network} (Landlock, version {version})")
    obstacle = f"{VARIABLE} is 0" if os.environ.get(VARIABLE) == "0" else "this system has no Landlock (Linux 5.13)"
    return Finding(name, False, f"decoders and readers run in processes of their own with your rights: {obstacle}")


def runtime() -> Finding:
    """Check that there is one build of ONNX Runtime, which imports."""
    builds = ("onnxruntime", *(row.package for row in providers.PROVIDERS if row.package.startswith("onnxruntime-")))
    packages = [name for name in dict.fromkeys(builds) if _version(name)]
    if len(packages) > 1:
        # They install into one folder and overwrite each other's files.
        how = f"{' and '.join(packages)} are installed together and overwrite each other; keep one and reinstall it"
        return Finding("ONNX Runtime", False, how)
    try:
        return Finding("ONNX Runtime", True, session.onnxruntime_version())
    except MissingError as error:
        return Finding("ONNX Runtime", False, str(error))


def devices() -> Iterator[Finding]:
    """Check CUDA and the other devices that the installed build of ONNX Runtime offers."""
    try:
        rows = [row for row in providers.PROVIDERS if row is CUDA or (row in providers.offered() and row is not CPU)]
    except MissingError:
        rows = [CUDA]
    for row in rows:
        obstacle = _device_obstacle(row)
        untried = "" if row.is_tried else "; the results on it are unmeasured"
        yield Finding(row.label, obstacle is None, obstacle or f"runs the networks (device {row.device}){untried}")


def _device_obstacle(row: Provider) -> str | None:
    """Return why a device runs no network; sessions may fall back where all is installed."""
    obstacle = providers.obstacle(row)
    smallest = min(catalog.load().models, key=lambda spec: spec.size, default=None)
    if obstacle or smallest is None:
        return obstacle
    try:
        session.open_session(smallest, row.device)
    except MissingError as error:
        return str(error)
    return None


def _models(states: Sequence[State]) -> Finding:
    broken = dict.fromkeys(state.sentence or "" for state in states if state.provider is None)
    if broken:
        return Finding("networks", False, "; ".join(broken))
    if not states:
        return Finding("networks", False, "none are shipped with this lbic")
    where = ", ".join(sorted({wording.provider(state.provider) for state in states}))
    return Finding("networks", True, f"{len(states)} load and run on {where}")


def _reader(form: str, package: str, module: str, extra: str) -> Finding:
    """Look for the package that reads a picture format beside Pillow."""
    if importlib.util.find_spec(module) is None:
        return Finding(f"read {form}", False, f"{package} is not installed (pip install 'lbic[{extra}]')")
    return Finding(f"read {form}", True, f"{package} {_version(package)}")


def _torch() -> Finding:
    # Not imported: that takes seconds, and no picture needs it.
    if importlib.util.find_spec("torch") is None:
        what = "only train, export and the metric LPIPS need it"
        return Finding("PyTorch", False, f"not installed; {what} (pip install 'lbic[train]')")
    return Finding("PyTorch", True, f"{_version('torch')}, for train, export and the metric LPIPS")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
