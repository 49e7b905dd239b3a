"""Export: the ONNX file computes what PyTorch does, and the catalog reads the manifest row."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
import toys

from lbic.coding import Coding
from lbic.enhance import catalog
from lbic.enhance.catalog import Default
from lbic.enhance.equivalent import Equivalent
from lbic.errors import CodecError, FileError, UsageError
from lbic.nets import table as nets
from lbic.nets.base import Network
from lbic.train import checkpoint, config, export, manifest, measure, rows
from lbic.train.data import PairSet, PairWriter
from lbic.train.trainer import Trainer

RECIPE = """
network = "srcnn"
[data]
codec = "vvc"
scale = 2
quality = [22, 42]
validation = [32]
[train]
steps = 3
[export]
name = "tiny"
role = "sr"
codecs = ["vvc", "vtm"]
trained_on = "noise"
"""


def _random(name: str) -> Network:
    torch.manual_seed(0)
    network = nets.build(name).eval()
    for parameter in network.parameters():
        inputs = parameter[0].numel() if parameter.ndim > 1 else 1
        torch.nn.init.normal_(parameter, std=min(0.05, 0.7 / inputs**0.5))
    return network


@pytest.fixture(scope="module")
def exported() -> tuple[Network, bytes]:
    network = _random("srcnn")
    return network, export.to_onnx(network, {"role": "sr"})


@pytest.mark.parametrize("name", [name for name in nets.NETWORKS if "full" not in name])
def test_onnx_agrees_with_pytorch_on_odd_sizes(name: str) -> None:
    network = _random(name)
    assert export.largest_difference(network, export.to_onnx(network, {})) < export.TOLERANCE


def test_an_export_names_no_path(exported: tuple[Network, bytes]) -> None:
    assert b"/lbic/nets/" not in exported[1]


def test_disagreement_is_an_error(exported: tuple[Network, bytes]) -> None:
    with pytest.raises(CodecError, match="the ONNX file differs from PyTorch"):
        export.largest_difference(nets.build("srcnn").eval(), exported[1])


def test_nothing_agrees_with_what_is_no_number(exported: tuple[Network, bytes]) -> None:
    broken = copy.deepcopy(exported[0])
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    with pytest.raises(CodecError, match="differs from PyTorch by nan"):
        export.largest_difference(broken, exported[1])


def test_networks_of_luma_do_not_compute_in_half(exported: tuple[Network, bytes]) -> None:
    with pytest.raises(UsageError, match="networks for luma cannot compute in float16"):
        export.to_onnx(exported[0], {}, half=True)


def test_facts_are_in_the_file(exported: tuple[Network, bytes]) -> None:
    import onnx

    model = onnx.load_from_string(exported[1])
    assert {item.key: item.value for item in model.metadata_props}["role"] == "sr"
    assert [item.version for item in model.opset_import if not item.domain] == [export.OPSET]


def test_weights_come_back(exported: tuple[Network, bytes], tmp_path: Path) -> None:
    network, data = exported
    path = tmp_path / "a.onnx"
    path.write_bytes(data)
    weights = export.read_weights(path, nets.build("srcnn"))
    assert all(torch.equal(weights[name], value) for name, value in network.state_dict().items())
    with pytest.raises(UsageError, match="not an export of this network"):
        export.read_weights(path, nets.build("arcnn"))
    path.write_bytes(b"\xff nothing")
    with pytest.raises(FileError, match="not a readable ONNX file"):
        export.read_weights(path, nets.build("srcnn"))


def test_checkpoint_to_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(config.parse(RECIPE), torch.device("cpu"))
    checkpoint.save(tmp_path / "last.pt", trainer.state())
    recipe, network, steps = export.read_checkpoint(tmp_path / "last.pt")
    data = export.to_onnx(network, rows.facts(recipe, steps))
    about = manifest.About("SRCNN", network.parameter_count(), steps, 1e-7, {"32": 0.1}, 0.5)
    folder = tmp_path / "models"
    for qualities in ((10, 40), (20, 30)):  # the second time replaces the row and its defaults
        spec = rows.spec(recipe, network, data)
        defaults = [Default("vvc", 32, 5), Default("vvc", 32, 6, qualities)]
        manifest.add(folder, spec, about, data, defaults)

    monkeypatch.setattr(catalog, "models_folder", lambda: folder)
    catalog.load.cache_clear()
    try:
        models = catalog.load()
        assert [row.name for row in models.models] == ["tiny"]
        row = models.models[0]
        assert row == spec
        assert row.read() == data
        assert row.covers(Coding("vtm", 30, 32))
        assert row.halo == 8
        assert [default.type for default in models.defaults] == [6, 5], "those with a range of qualities first"
        assert models.default_type(Coding("vvc", 31, 32)).id == 5
    finally:
        monkeypatch.undo()
        catalog.load.cache_clear()
    assert "noise" in (folder / "README.md").read_text()
    assert "| tiny | sr | SRCNN | 57,377 | +0.10 at 32 | 0.50 |" in manifest.table(manifest.read(folder))


def test_a_network_may_serve_more_scales_than_its_own() -> None:
    wider = config.parse(RECIPE + "scales = [1, 1.25, 2]\n")
    assert rows.spec(wider, nets.build("srcnn"), b"data").scales == (16, 20, 32)
    assert rows.spec(config.parse(RECIPE), nets.build("srcnn"), b"data").scales == (32,)


def test_a_better_network_takes_the_place_of_another(tmp_path: Path) -> None:
    recipe = config.parse(RECIPE)
    first = rows.spec(recipe, nets.build("srcnn"), b"first")
    better = replace(first, name="better", file="better.onnx")
    elsewhere = replace(first, name="elsewhere", file="elsewhere.onnx", scales=(16,))
    about = manifest.About("SRCNN", 1, 1, 0.0, {}, None)
    finer = replace(first, name="finer", file="finer.onnx", quality=(0, first.quality[0] - 1))
    gone = [manifest.add(tmp_path, spec, about, b"data", []) for spec in (first, elsewhere, finer, better, better)]
    assert gone == [[], [], [], [first.name], []]
    assert [row["name"] for row in manifest.read(tmp_path)["models"]] == ["better", "elsewhere", "finer"]
    assert {path.stem for path in tmp_path.glob("*.onnx")} == {"better", "elsewhere", "finer"}


@pytest.mark.parametrize(
    ("sees_quality", "line"),
    [(True, "avif; quality 0..9, run as quality 42..31 of vvc\n"), (False, "avif; quality 0..9\n")],
)
def test_a_card_lists_the_other_codecs(tmp_path: Path, sees_quality: bool, line: str) -> None:
    row = toys.spec("tiny", b"x", "sr", quality_plane=sees_quality, also=(Equivalent("avif", (0, 9), (42, 31)),))
    manifest.add(tmp_path, row, manifest.About("SRCNN", 1, 1, 1e-7, {"32": 0.1}, None), b"x", [])
    assert f"- also serves: {line}" in (tmp_path / "README.md").read_text()


def test_measuring(exported: tuple[Network, bytes], tmp_path: Path) -> None:
    writer = PairWriter(tmp_path, channels=1)
    truth = np.full((20, 30, 1), 100, np.uint8)
    writer.add("a", truth, [(10, truth - 10)])
    writer.close({})
    gain, seconds = measure.measure(exported[1], PairSet(tmp_path), 1)
    assert set(gain) == {"10"}
    assert seconds > 0


def test_shipped_models_are_as_the_manifest_says() -> None:
    folder = Path(__file__).parent.parent / "models"
    content = json.loads((folder / manifest.NAME).read_text())
    assert {path.stem for path in folder.glob("*.onnx")} == {row["name"] for row in content["models"]}
    assert (folder / "README.md").read_text(encoding="utf-8") == manifest.cards(content)
    for row in content["models"]:
        recipe = config.load(folder / "configs" / f"{row['name']}.toml")
        assert (row["role"], row["network"]) == (recipe.export.role, recipe.network)
        assert row["about"]["steps"] == recipe.train.steps
        if row["role"] not in ("tr", "cas"):  # which trade PSNR for texture
            assert min(row["about"]["gain"].values()) > 0


def test_the_documented_table_is_current() -> None:
    root = Path(__file__).parent.parent
    assert manifest.table(manifest.read(root / "models")) in (root / "docs" / "models.md").read_text(encoding="utf-8")
