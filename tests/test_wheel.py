"""The wheel: its content, and that it finds its networks without a checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
PARTS = ("lbic", "models", "docs", "pyproject.toml", "README.md", "LICENSE", "NOTICE", "CHANGELOG.md")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built offline from a copy of the checkout."""
    pytest.importorskip("hatchling")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PARTS:
        part = ROOT / name
        if part.is_dir():
            shutil.copytree(part, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif part.exists():
            shutil.copy(part, source / name)
    command = [sys.executable, "-m", "pip", "wheel", str(source), "--no-deps", "--no-build-isolation", "--no-index"]
    result = subprocess.run([*command, "-w", str(target)], capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return next(target.glob("lbic-*.whl"))


def test_it_carries_code_networks_and_licences_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {path.relative_to(ROOT / "models").as_posix() for path in (ROOT / "models").glob("*.onnx")}
    assert shipped and {f"lbic/models/{name}" for name in shipped} <= names
    assert {"lbic/models/manifest.json", "lbic/py.typed", "lbic/cli/__init__.py"} <= names
    assert {f"lbic/compare/viewer.{part}" for part in ("html", "css", "js")} <= names
    for licence in ("LICENSE", "NOTICE"):
        assert any(name.endswith(f".dist-info/licenses/{licence}") for name in names)
    assert all(name.startswith(("lbic/", "lbic-")) for name in names)
    assert not [name for name in names if name.endswith((".pyc", ".pt", ".lbic"))]


def test_torch_is_an_extra_and_every_dependency_is_named(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    required = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    assert all("extra ==" in line for line in required if line.startswith(("torch", "onnx>", "onnxscript")))
    always = {line.split(">")[0].split(";")[0] for line in required if "extra ==" not in line}
    assert always >= {"av", "click", "imageio-ffmpeg", "numpy", "pillow", "rich", "onnxruntime"}


def test_it_finds_and_loads_its_networks_where_there_is_no_checkout(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    script = tmp_path / "script.py"
    script.write_text(
        "import pathlib, sys\n"
        "import lbic\n"
        "from lbic.enhance import catalog, session\n"
        "target = pathlib.Path(sys.argv[1]).resolve()\n"
        "assert pathlib.Path(lbic.__file__).resolve().is_relative_to(target), lbic.__file__\n"
        "assert catalog.models_folder() == target / 'lbic' / 'models'\n"
        "for row in catalog.load().models:\n"
        "    assert session.open_session(row, 'cpu').provider == session.CPU.name\n"
        "    sys.stdout.write(row.name + '\\n')\n"
    )
    environment = {"PYTHONPATH": str(target), "PATH": ""}
    result = subprocess.run(
        [sys.executable, str(script), str(target)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()


def test_it_runs_as_a_zip_file(wheel: Path, tmp_path: Path) -> None:
    """A wheel is a zip file: networks and worker processes work from there."""
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "a.png")
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    for words in (("compress", "--codec", "jpeg", "-q", "20", "a.png"), ("decompress", "--json", "a.lbic")):
        command = [sys.executable, "-P", "-m", "lbic", *words]
        result = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert result.returncode == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["models"], record
