"""Supply chain: no unpickling, evaluation, shell or telemetry; lower bounds of requirements."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lbic"
MODULES = sorted(PACKAGE.rglob("*.py"))
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml"}
EVALUATORS = {"eval", "exec", "compile", "__import__"}
SHELLS = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
}
PROGRAMS = {f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")}


def dangers(source: str) -> Iterator[str]:
    """Yield the calls in a module that could execute data or names of files as code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {*UNPICKLERS, "subprocess"}:
            yield f"from {node.module} import hides what is called"
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in UNPICKLERS:
            # torch.load(weights_only=True) raises this one.
            if ast.unparse(node) != "pickle.UnpicklingError":
                yield ast.unparse(node)
        elif isinstance(node, ast.Call):
            yield from _calls(ast.unparse(node.func), node)


def _calls(name: str, call: ast.Call) -> Iterator[str]:
    options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if name in EVALUATORS | SHELLS or options.get("shell", "False") != "False":
        yield name
    if options.get("allow_pickle", "False") != "False" or (
        name == "torch.load" and options.get("weights_only") != "True"
    ):
        yield f"{name} unpickles"
    if name in PROGRAMS and isinstance(call.args[0], ast.Constant | ast.JoinedStr | ast.BinOp):
        yield f"{name} of a string"


def test_no_data_becomes_code() -> None:
    findings = {path.relative_to(PACKAGE).as_posix(): list(dangers(path.read_text("utf-8"))) for path in MODULES}
    assert {name: calls for name, calls in findings.items() if calls} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle; pickle.load(file)",
        "from pickle import loads",
        "eval(text)",
        "exec(text)",
        "subprocess.run(words, shell=True)",
        "subprocess.run(words, shell=wanted)",
        "subprocess.run('ls ' + name)",
        "subprocess.Popen(f'ls {name}')",
        "from subprocess import run",
        "os.system('ls')",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
    ],
)
def test_what_would_be_found(source: str) -> None:
    assert list(dangers(source))


def test_a_network_is_loaded_only_after_its_sha256_was_checked() -> None:
    """Only one place makes sessions for users, from the bytes that ModelSpec.read checked."""
    makers = {path for path in MODULES if "InferenceSession(" in path.read_text(encoding="utf-8")}
    assert {path.relative_to(PACKAGE).parts[0] for path in makers} == {"enhance", "train"}
    assert [path.name for path in makers if path.parent.name == "enhance"] == ["session.py"]
    source = (PACKAGE / "enhance" / "session.py").read_text(encoding="utf-8")
    assert source.count("InferenceSession(data,") == source.count("InferenceSession(") == 1
    assert re.findall(r"data = (\S+)", source) == ["spec.read()"]


def test_every_requirement_has_a_lower_bound() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    groups = [*extras, project["project"]["dependencies"], project["build-system"]["requires"]]
    groups += project["dependency-groups"].values()
    requirements = [requirement for group in groups for requirement in group]
    assert len(requirements) > 15
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+(\[[a-z,]+\])?(>=|==)\d", requirement), requirement
    assert project["project"]["requires-python"].startswith(">=")


def test_onnxruntime_is_imported_in_one_place_only() -> None:
    findings = [
        path.name for path in MODULES if re.search(r"^\s*(import|from) onnxruntime\b", path.read_text("utf-8"), re.M)
    ]
    assert findings == ["engine.py"]


@pytest.mark.skipif(os.name == "nt", reason="the folders that Windows keeps for that are the system's")
def test_onnxruntime_reports_nothing(tmp_path: Path) -> None:
    """With telemetry ONNX Runtime leaves files in temporary folders and caches."""
    home = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | home
    code = "from lbic.enhance import session; session.onnxruntime_version()"
    subprocess.run([sys.executable, "-B", "-c", code], check=True, timeout=60, env=environment)
    assert list(tmp_path.iterdir()) == []
