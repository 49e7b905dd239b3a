"""A 24-megapixel picture stays below 1.5 GB, whatever is done to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from toys import network, spec, write_catalog

from lbic.enhance.types import TYPES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts kilobytes on Linux only"),
]

LIMIT_KB = 1_500_000
SCRIPT = """
import pathlib, resource, sys
import numpy as np
from PIL import Image
from lbic import pipeline
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
else:
    settings = pipeline.DecompressSettings(TYPES[number], Runtime(device="cpu"))
    done = pipeline.decompress(path.read_bytes(), settings)
    assert done.image.size == (6000, 4000) and len(done.models) == len(TYPES[number].roles)
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks of 16 channels for every role; the large picture comes to lie beside them."""
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
    """Kilobytes that the job took at most, in a process of its own."""
    command = [sys.executable, "-c", SCRIPT, str(folder), job, str(scale), str(number)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(("scale", "numbers"), [(32, (6,)), (16, (3, 7))])
def test_24_megapixels(folder: Path, scale: int, numbers: tuple[int, ...]) -> None:
    assert peak(folder, "compress", scale) < LIMIT_KB
    for number in numbers:
        assert peak(folder, "decompress", scale, number) < LIMIT_KB
