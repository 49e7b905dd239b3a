"""The rules of imports, checked in the source of every module and in running commands."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cli_helpers import compressed

PACKAGE = Path(__file__).parents[1] / "lbic"
MODULES = sorted(PACKAGE.rglob("*.py"))
TALKERS = {"click", "rich"}
TRAINERS = {"torch", "onnx", "onnxscript", "torchvision"}


def imports(path: Path) -> Iterator[str]:
    """Yield the full name of every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


LAYERS = (
    ("coding", "errors", "limits", "version"),
    ("system",),
    ("color", "picture"),
    ("format",),
    ("codecs",),
    ("isolation", "nets"),
    ("metrics",),
    ("enhance",),
    ("pipeline",),
    ("rate",),
    ("compressor", "api"),
    ("cluster", "pillow_plugin"),
    ("lbic", "evaluate", "compare", "train"),
    ("cli",),
    ("__main__",),
)
"""Folders and files of the package from the bottom up; a layer imports only from lower layers."""


def unit(module: str) -> str:
    """Return a module's folder or file directly below the package; "lbic" for the package."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "lbic"


def graph() -> dict[str, set[str]]:
    """Return for every module the modules of the package that it imports."""
    paths = {".".join(("lbic", *path.relative_to(PACKAGE).with_suffix("").parts)): path for path in MODULES}
    names = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    return {name: {each for each in imports(path) if each in names} for name, path in names.items()}


def test_layers_hold() -> None:
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    edges = [(name, other) for name, others in graph().items() for other in others if unit(name) != unit(other)]
    # Importing any module imports the package first: that is Python's order, not a dependency.
    upward = [edge for edge in edges if edge[1] != "lbic" and level[unit(edge[0])] <= level[unit(edge[1])]]
    assert not upward


def test_no_circle_of_imports() -> None:
    modules, visited = graph(), set[str]()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in visited:
            for other in modules[name] - {"lbic"}:
                visit(other, (*path, name))
            visited.add(name)

    for name in modules:
        visit(name, ())


def test_the_top_of_the_package_is_small() -> None:
    top = [path.name for path in MODULES if path.parent == PACKAGE and path.name != "__main__.py"]
    assert len(top) <= 13


def test_no_file_is_long() -> None:
    root = PACKAGE.parent
    files = [*MODULES, *(path for part in ("tests", "benchmarks", "examples") for path in (root / part).rglob("*.py"))]
    lengths = {path.relative_to(root).as_posix(): path.read_text("utf-8").count("\n") for path in files}
    assert len(lengths) > 200
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_package_files_are_empty() -> None:
    packages = [path for path in MODULES if path.name == "__init__.py" and path.parent != PACKAGE]
    assert [place(path) for path in packages if path.read_text(encoding="utf-8")] == []


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


TRAINING = (
    "nets/",
    "train/",
    "cli/train.py",
    "cli/train_run.py",
    "cli/train_lines.py",
    "cli/teach.py",
    "cli/export.py",
    "cli/pytorch.py",
)
"""Only these may import PyTorch, and only these the modules of networks and training."""


def breaches(path: Path) -> Iterator[str]:
    """Yield the rules of imports that a module breaks, each as a sentence."""
    name, modules = place(path), set(imports(path))
    if not name.startswith("cli/"):
        if roots(path) & TALKERS:
            yield "only the command line talks"
        if name != "__main__.py" and any(module.startswith("lbic.cli") for module in modules):
            yield "nothing imports the command line"
    if not name.startswith(TRAINING):
        if roots(path) & TRAINERS:
            yield "only training needs PyTorch"
        reached = {module for module in modules if module.startswith(("lbic.nets", "lbic.train"))}
        # LPIPS is a network; its metric imports it when it is first used.
        if not reached <= ({"lbic.nets.lpips", "lbic.nets.lpips.LPIPS"} if name == "metrics/lpips.py" else set()):
            yield "only training needs the networks' modules"
    if "lbic.isolation.worker" in modules:
        yield "the worker is a process of its own"
    tree = ast.parse(path.read_text("utf-8"))
    if any(node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)):
        yield "imports are absolute"


def test_rules() -> None:
    broken = {place(path): list(breaches(path)) for path in MODULES}
    assert {name: rules for name, rules in broken.items() if rules} == {}


def loaded(*arguments: str) -> set[str]:
    """Return the top-level modules that a command imports, by -X importtime."""
    command = [sys.executable, "-X", "importtime", "-m", "lbic", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))
    lines = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}


HEAVY = {"torch", "ray", "onnxruntime", "av", "scipy", "rich"}


def test_help_loads_nothing_heavy() -> None:
    for arguments in (["--help"], ["--version"], []):
        assert not loaded(*arguments) & {*HEAVY, "numpy"}


def test_info_and_verify_load_no_networks(tmp_path: Path) -> None:
    file = str(compressed(tmp_path))
    assert not loaded("info", file) & {*HEAVY, "numpy"}
    assert not loaded("verify", file) & HEAVY


def test_a_round_trip_never_loads_torch(tmp_path: Path) -> None:
    file = str(compressed(tmp_path, "a", "--type", "0"))
    assert not loaded("decompress", file) & HEAVY
    assert not loaded("compress", "--codec", "jpeg", f"{file}.png") & HEAVY
    for command in ("doctor", "models", "train"):
        assert "torch" not in loaded(command)
    assert "torch" not in loaded("train", "--help")
