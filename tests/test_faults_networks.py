"""Real faults of networks: damaged, truncated or missing files, and too little memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import lbic, names, opened, records, save
from conftest import WriteCatalog
from faults import environment, hooked, linux
from helpers import photo
from toys import identity, network, spec, write_catalog

from lbic.errors import ExitCode

DATA = identity(1, 0.5)
DAMAGES: dict[str, Callable[[Path], object]] = {
    "a bit": lambda path: path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "empty": lambda path: path.write_bytes(b""),
    "another network": lambda path: path.write_bytes(identity(1, 0.25)),
    "gone": os.unlink,
}


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_network_that_is_not_the_shipped_one_never_runs(
    tmp_path: Path, write_models: WriteCatalog, damage: str
) -> None:
    write_models([(spec("half", DATA, "ar"), DATA)], [("jpeg", 16, 7)])
    lbic("compress", "--codec", "jpeg", save(tmp_path / "a.png"))
    DAMAGES[damage](tmp_path / "models" / "half.onnx")
    because = "cannot read half.onnx" if damage == "gone" else "half.onnx is damaged (its sha256 is not the manifest's)"

    ordered = lbic("decompress", tmp_path / "a.lbic", "--type", 7, code=ExitCode.MISSING)
    assert because in ordered.stderr
    assert names(tmp_path) == {"a.png", "a.lbic"}

    (advised,) = records(lbic("decompress", tmp_path / "a.lbic", "--json"))
    assert (advised["type"], advised["type_recorded"], advised["models"]) == (0, 7, [])
    (note,) = advised["notes"]
    assert because in note and note.endswith("wrote the codec's picture without enhancement")
    plain = tmp_path / "plain.png"
    lbic("decompress", tmp_path / "a.lbic", "--type", 0, "-o", plain)
    assert opened(plain) == opened(tmp_path / "a.lbic.png")


MORE = "int(os.environ['MEGABYTES']) << 20"
LIMITED = f"""
import numpy, onnxruntime, PIL.Image, lbic.pipeline
from lbic.enhance import catalog, session
catalog.models_folder = lambda: pathlib.Path(os.environ['MODELS'])
run = session.Session.run

def limited(self, batch):
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ({MORE}),) * 2)
    print(*batch.shape[2:])
    return run(self, batch)

session.Session.run = limited
"""
"""Limit the process, from the first tile on, to so many more megabytes."""


@linux
@pytest.mark.parametrize(
    ("channels", "explicit", "code"),
    [(256, True, ExitCode.OK), (2048, True, ExitCode.MISSING), (2048, False, ExitCode.OK)],
    ids=["enough for smaller tiles", "for none, ordered", "for none, advised"],
)
def test_memory_that_ends_in_a_tile(tmp_path: Path, channels: int, explicit: bool, code: ExitCode) -> None:
    """Each of two layers needs 256 MB for a tile of 512x512 pixels at 256 channels, and 75 MB for
    the smallest tile at 2048: more than the C library may hold in reserve."""
    megabytes, halo = (200, 2) if channels == 256 else (8, 64)
    models = tmp_path / "models"
    models.mkdir()
    shapes = ((channels, 1, 3, 3), (channels, channels, 1, 1), (1, channels, 3, 3))
    kernels = [np.zeros(shape, np.float32) for shape in shapes]
    data = network(1, 1, kernels)
    write_catalog(models, [(spec("wide", data, "ar", halo=halo), data)], [("jpeg", 16, 7)])
    lbic("compress", "--codec", "jpeg", "--type", 7, save(tmp_path / "a.png", photo(512, 512).convert("L")))
    env = environment(tmp_path / "scratch", MODELS=str(models), MEGABYTES=str(megabytes))
    order = ["decompress", str(tmp_path / "a.lbic"), "--device", "cpu", *(["--type", "7"] if explicit else [])]
    done = subprocess.run([*hooked(LIMITED), *order], capture_output=True, text=True, timeout=120, check=False, env=env)
    assert done.returncode == code, done.stderr
    sides = [int(line.split()[0]) for line in done.stdout.splitlines()]
    assert sides[0] == 512
    assert sides[-1] < 300
    written = names(tmp_path) - {"a.png", "a.lbic"}
    assert written == ({"a.lbic.png"} if code == ExitCode.OK else set())
    if channels == 2048:
        assert "model wide: not enough memory even for tiles of 32 pixels" in done.stderr.splitlines()[0]
    if code != ExitCode.OK:
        assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path / "scratch") == []  # noqa: PTH208
