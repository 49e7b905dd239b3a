"""Memory: a picture of 24 megapixels needs less than 1.5 GB, and less than 0.6 GB to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toys import network, spec, write_catalog

from lbic.enhance.types import TYPES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

LIMIT_KB, READ_LIMIT_KB = 1_500_000, 600_000
SCRIPT = """
import pathlib, sys
import numpy as np
from PIL import Image
from lbic import pipeline
from lbic.isolation import pictures, process
from lbic.enhance import catalog
from lbic.enhance.session import Runtime
from lbic.enhance.types import TYPES

folder, job, scale, number = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
catalog.models_folder = lambda: folder
path = folder / "large.lbic"
if job == "compress":
    row = np.arange(6000, dtype=np.uint8)
    image = Image.fromarray(np.stack([row, row[::-1], row // 2], axis=-1)[None].repeat(4000, axis=0))
    path.write_bytes(pipeline.compress(image, pipeline.CompressSettings("jpeg", 30, scale, type=TYPES[0])).data)
elif job == "read":
    picture = pictures.load((folder / "large.png").read_bytes())
    assert picture.image.size == (6000, 4000) and picture.alpha is not None and len(process._idle) == 1
else:
    settings = pipeline.DecompressSettings(TYPES[number], Runtime(device="cpu"))
    done = pipeline.decompress(path.read_bytes(), settings)
    assert done.image.size == (6000, 4000) and len(done.models) == len(TYPES[number].roles)
# Not ru_maxrss, which begins with that of the process that started this one.
processes = ["self", *(worker.pid for worker in process._idle)]
states = [pathlib.Path("/proc", str(process), "status").read_text() for process in processes]
sys.stdout.write(str(max(int(state.split("VmHWM:")[1].split()[0]) for state in states)))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with networks of 16 channels for all roles; tests add the large picture."""
    folder = tmp_path_factory.mktemp("models")
    rows = []
    for role in {role for kind in TYPES.values() for role in kind.roles}:
        channels = 1 if role in ("sr", "sr-ar", "ar") else 3
        shapes = ((16, channels, 3, 3), (channels, 16, 1, 1))
        data = network(channels, channels, [np.full(shape, 0.01, np.float32) for shape in shapes])
        rows.append((spec(role, data, role, channels=channels, halo=1), data))
    write_catalog(folder, rows)
    return folder


def peak(folder: Path, job: str, scale: int, number: int = 0) -> int:
    """Return the peak memory of the job in kilobytes: of its process or of a worker of it."""
    command = [sys.executable, "-c", SCRIPT, str(folder), job, str(scale), str(number)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_24_megapixels_read_in_another_process(folder: Path) -> None:
    """Both hold no more than Pillow's picture (4 bytes per pixel), a copy, alpha and libraries."""
    row = np.arange(6000, dtype=np.uint8)
    levels = np.stack([row, row[::-1], row // 2, row], axis=-1)[None].repeat(4000, axis=0)
    Image.fromarray(levels).save(folder / "large.png", compress_level=1)
    assert peak(folder, "read", 16) < READ_LIMIT_KB


@pytest.mark.parametrize(("scale", "numbers"), [(32, (6,)), (16, (3, 7))])
def test_24_megapixels(folder: Path, scale: int, numbers: tuple[int, ...]) -> None:
    assert peak(folder, "compress", scale) < LIMIT_KB
    for number in numbers:
        assert peak(folder, "decompress", scale, number) < LIMIT_KB
