"""Codecs and networks of other packages: the examples, built and installed; packages that fail."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers import photo
from PIL import Image

from lbic import pipeline
from lbic.cli import doctor
from lbic.codecs import plugins, table
from lbic.codecs.base import Geometry
from lbic.color import Planes
from lbic.enhance import catalog
from lbic.errors import CodecError, FormatError, MissingError, UsageError
from lbic.format import container
from lbic.format.container import Header
from lbic.isolation import process
from lbic.system import entrypoints

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
TOY = """
from lbic.codecs.base import Geometry
from lbic.color import Planes
import numpy as np

class Toy:
    name = "toy"
    summary = "one level for all pixels"
    quality_symbol = "q"
    quality_range = useful_quality = (0, 9)
    default_quality = 5
    lower_is_better = False

    def availability(self):
        return None

    def encode(self, planes, quality, effort, lambda_scale=1):
        return bytes([round(float(planes.y.mean()) * 255)])

    def decode(self, data, geometry):
        if data == b"\\0":
            raise ZeroDivisionError("black")
        side = 1 if data == b"\\xff" else geometry.height
        return Planes(np.full((side, geometry.width), data[0] / 255, np.float32))

CODEC = Toy()
"""


def forget() -> None:
    for cache in (entrypoints.entries, plugins.installed, plugins.load, catalog.load):
        cache.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the module path; packages that are put there are found."""
    folder = tmp_path / "installed"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    process.end_idle()  # worker processes have the module path of their start
    forget()
    yield folder
    process.end_idle()
    forget()
    for name in ("toy_codec", "broken_codec", "toy_networks"):
        sys.modules.pop(name, None)


def package(folder: Path, name: str, points: str, **modules: str) -> None:
    """Write what pip would install."""
    record = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n\nText\n")
    (record / "entry_points.txt").write_text(points)
    for module, code in modules.items():
        (folder / f"{module}.py").write_text(code)


@pytest.fixture
def toy(install: Path) -> Path:
    """The codec toy of the package lbic-toy: gray, one byte for the whole picture."""
    package(install, "lbic-toy", "[other]\na = b\n[lbic.codecs]\ntoy = toy_codec:CODEC\n", toy_codec=TOY)
    return install


GRAY = Image.new("L", (40, 30), 100)


def compressed(image: Image.Image = GRAY) -> bytes:
    return pipeline.compress(image, pipeline.CompressSettings(codec="toy")).data


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("apart", [False, True])
def test_a_codec_of_another_package_compresses_and_decompresses(apart: bool) -> None:
    data = compressed()
    header = container.read_header(data)
    assert (header.codec, header.package, header.metadata) == ("toy", "lbic-toy", {})
    assert (data[5], data[container._FIXED.size + 6 :][1:15]) == (255, b"\x03\x0ctoy lbic-toy")
    image = pipeline.decompress(data, pipeline.DecompressSettings(apart=apart)).image
    assert image.size == GRAY.size and set(image.tobytes()) == {100}
    assert container.pack(header, b"d") == data, "written again it is the same file"


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("level", "because"), [(0, "ZeroDivisionError"), (255, "planes of another size")])
def test_what_a_package_does_wrong_is_a_codec_error(apart: bool, level: int, because: str) -> None:
    data = compressed(Image.new("L", (40, 30), level))
    with pytest.raises(CodecError, match=because):
        pipeline.decompress(data, pipeline.DecompressSettings(apart=apart))


def test_a_decoder_without_the_package_names_it(toy: Path) -> None:
    data = compressed()
    shutil.rmtree(toy)
    forget()
    with pytest.raises(MissingError, match=r"codec toy is not installed here; the file names the package lbic-toy"):
        pipeline.decompress(data)
    assert container.read_header(data).package == "lbic-toy", "its header is read all the same"
    with pytest.raises(UsageError, match="unknown codec 'toy'; known: vvc, "):
        table.get("toy")


def test_a_package_that_does_not_load_is_a_sentence(install: Path) -> None:
    package(install, "lbic-broken", "[lbic.codecs]\nbroken = broken_codec:CODEC\n", broken_codec="import nothing_such")
    with pytest.raises(MissingError, match=r"codec broken: the package lbic-broken does not load: .*nothing_such"):
        table.get("broken")
    findings = {finding.name: finding for finding in doctor.codecs()}
    assert not findings["codec broken"].works
    assert "lbic-broken does not load" in findings["codec broken"].sentence


def test_an_object_that_is_no_codec_is_named(install: Path) -> None:
    package(install, "lbic-broken", "[lbic.codecs]\nbroken = broken_codec:CODEC\n", broken_codec="CODEC = 1")
    with pytest.raises(MissingError, match=r"broken_codec:CODEC has no name, summary, .* encode, decode"):
        table.get("broken")


def test_names_that_are_taken_or_impossible_are_left_out(toy: Path) -> None:
    package(toy, "lbic-toy-too", "[lbic.codecs]\ntoy = other:CODEC\nvvc = other:CODEC\nTOY = other:CODEC\n")
    assert {name: entry.package for name, entry in plugins.installed().items()} == {"toy": "lbic-toy"}
    assert [entry.name for entry in plugins.ignored()] == ["toy", "vvc", "TOY"]
    findings = {finding.name: finding.sentence for finding in doctor.codecs()}
    assert findings["codec vvc"] != findings["package lbic-toy-too"]
    assert "codecs left out: toy, vvc, TOY" in findings["package lbic-toy-too"]


@pytest.mark.parametrize(
    ("metadata", "because"),
    [
        ({}, "codec number 255 without metadata item 3"),
        ({3: b"toy"}, "not the name of a codec and of its package"),
        ({3: b"to\x1by lbic-toy"}, "not the name of a codec and of its package"),
        ({3: b"vvc lbic-toy"}, "names vvc, a codec with a number of its own"),
    ],
)
def test_damaged_names_are_refused(metadata: dict[int, bytes], because: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(container.CODEC_IDS, "any", 255)
        data = container.pack(Header("any", 5, 40, 30, metadata=metadata), b"d")
    with pytest.raises(FormatError, match=because):
        container.unpack(data)


def test_a_name_beside_a_number_is_refused() -> None:
    data = container.pack(Header("jpeg", 5, 40, 30, metadata={3: b"toy lbic-toy"}), b"d")
    with pytest.raises(FormatError, match="metadata item 3 names a codec, the header says jpeg"):
        container.unpack(data)


def test_a_payload_form_is_refused() -> None:
    header = Header("toy", 5, 40, 30, package="lbic-toy", form=1)
    with pytest.raises(UsageError, match="payload form 1 is not one of codec toy"):
        container.pack(header, b"d")
    data = bytearray(container.pack(Header("toy", 5, 40, 30, package="lbic-toy"), b"d"))
    data[10] = 1
    with pytest.raises(FormatError, match="payload form 1 is not one of codec 255"):
        container.read_header(bytes(data))


@pytest.mark.parametrize(("codec", "name"), [("Toy", "lbic-toy"), ("t" * 33, "lbic-toy"), ("toy", ""), ("toy", "a b")])
def test_names_that_no_file_can_hold_are_a_usage_error(codec: str, name: str) -> None:
    with pytest.raises(UsageError, match=r"name '.*' is not 1 to "):
        container.pack(Header(codec, 5, 40, 30, package=name), b"d")


def test_colour_planes_are_checked_too(install: Path) -> None:
    entry = entrypoints.Entry("lbic-toy", "1.0", "toy", "toy_codec:CODEC")
    package(install, "lbic-toy", "[lbic.codecs]\ntoy = toy_codec:CODEC\n", toy_codec=TOY)
    codec = plugins.referred(entry)
    with pytest.raises(CodecError, match="planes of another size"):
        codec.decode(b"d", Geometry(40, 30, gray=False))


def test_a_damaged_manifest_of_another_package_names_it(install: Path) -> None:
    package(install, "lbic-networks", "[lbic.models]\na = toy_networks\n")
    (install / "toy_networks").mkdir()
    (install / "toy_networks" / "__init__.py").touch()
    (install / "toy_networks" / "manifest.json").write_text("{}")
    with pytest.raises(MissingError, match=r"toy_networks/manifest.json is damaged .*; reinstall toy_networks"):
        catalog.load()
    (install / "toy_networks" / "manifest.json").unlink()
    assert catalog.load().models, "without a manifest lbic's own are left"


# --- the examples --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both examples, built and installed without a network."""
    pytest.importorskip("pillow_jxl")
    pytest.importorskip("hatchling")
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip"]
    sources = [str(shutil.copytree(EXAMPLES / name, wheels / name)) for name in ("lbic-jxl", "lbic-jxl-network")]
    offline = ["--no-deps", "--no-index", "--quiet"]
    run(*pip, "wheel", *offline, "--no-build-isolation", "-w", str(wheels), *sources)
    run(*pip, "install", *offline, "--target", str(target), *map(str, wheels.glob("*.whl")))
    return target


def run(*command: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr


def lbic(folder: Path, site: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(map(str, filter(None, (ROOT, site))))
    command = [sys.executable, "-m", "lbic", *arguments]
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_examples_compress_and_enhance(site: Path, tmp_path: Path) -> None:
    photo(160, 120).save(tmp_path / "a.png")
    result = lbic(tmp_path, site, "compress", "--codec", "jxl", "-q", "30", "a.png")
    assert result.returncode == 0, result.stderr
    result = lbic(tmp_path, site, "decompress", "--json", "a.lbic")
    assert result.returncode == 0, result.stderr
    record = json.loads(result.stdout)
    assert (record["codec"], record["models"], record["notes"]) == ("jxl", ["jxl-filter"], [])
    original = np.asarray(Image.open(tmp_path / "a.png"), float)
    enhanced = np.asarray(Image.open(tmp_path / "a.lbic.png"), float)
    assert lbic(tmp_path, site, "decompress", "--type", "none", "-f", "a.lbic").returncode == 0
    coded = np.asarray(Image.open(tmp_path / "a.lbic.png"), float)
    assert 0 < np.abs(enhanced - coded).mean() < 1
    assert np.abs(coded - original).mean() < 10
    assert lbic(tmp_path, site, "extract", "a.lbic").returncode == 0
    assert (tmp_path / "a.lbic.stream").read_bytes().startswith(b"\xff\x0a")
    doctor = lbic(tmp_path, site, "doctor")
    assert "ok  codec jxl        JPEG XL, lossy (lbic-jxl 1.0)" in doctor.stdout
    names = [line for line in lbic(tmp_path, site, "models").stdout.splitlines() if line == "jxl-filter"]
    assert names == ["jxl-filter"]


def test_the_example_codec_refuses_other_sizes_and_damage(site: Path, tmp_path: Path) -> None:
    for mode in ("RGB", "L"):
        photo(40, 30).convert(mode).save(tmp_path / "a.png")
        assert lbic(tmp_path, site, "compress", "--codec", "jxl", "-f", "a.png").returncode == 0
        header, payload = container.unpack((tmp_path / "a.lbic").read_bytes())
        for width, stream in ((41, payload), (40, payload[: len(payload) // 2]), (40, b"no stream")):
            changed = Header("jxl", 30, width, 30, gray=header.gray, package=header.package)
            (tmp_path / "b.lbic").write_bytes(container.pack(changed, stream))
            result = lbic(tmp_path, site, "verify", "b.lbic")
            assert result.returncode == 3, result.stderr
            assert "Traceback" not in result.stderr


def test_without_the_example_the_file_says_which_package(site: Path, tmp_path: Path) -> None:
    photo(40, 30).save(tmp_path / "a.png")
    assert lbic(tmp_path, site, "compress", "--codec", "jxl", "a.png").returncode == 0
    result = lbic(tmp_path, None, "decompress", "a.lbic")
    assert result.returncode == 4
    assert "codec jxl is not installed here; the file names the package lbic-jxl for it" in result.stderr
    assert "codec     jxl of the package lbic-jxl, quality 30" in lbic(tmp_path, None, "info", "a.lbic").stdout
    assert json.loads(lbic(tmp_path, None, "info", "--json", "a.lbic").stdout)["package"] == "lbic-jxl"


def test_planes_of_the_toy() -> None:
    """The toy of these tests obeys the interface that it is used through."""
    space: dict[str, type] = {}
    exec(TOY, space)
    planes = space["Toy"]().decode(b"d", Geometry(4, 2, gray=True))
    assert isinstance(planes, Planes) and planes.y.shape == (2, 4)
