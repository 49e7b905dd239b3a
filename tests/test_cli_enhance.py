"""lbic enhance: the choice of the network, the assumed codec and quality, notes and errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_helpers import SIZE, lbic, names, opened, records, save
from conftest import WriteCatalog
from helpers import gray, photo, ramp
from toys import identity, spec

from lbic.cli.docs import JSON_KEYS
from lbic.enhance import pictures
from lbic.errors import ExitCode
from lbic.picture.load import with_alpha

pytestmark = pytest.mark.usefixtures("no_gpu")


@pytest.fixture(autouse=True)
def _damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every picture for a damaged one; test_damage.py measures real ones."""
    monkeypatch.setattr(pictures, "is_clean", lambda _: False)


UNKNOWN = "quality unknown: assumed 37; -q sets it"


@pytest.fixture
def networks(write_models: WriteCatalog) -> None:
    """A toy network for JPEG and one for VVC with a quality plane, as shipped."""
    ar, nr = identity(1, 0.5), identity(3, 0.5, quality_plane=True)
    quality_plane = {"channels": 3, "quality_plane": True}
    write_models(
        [
            (spec("toy-ar", ar, "ar", codecs=("jpeg",), scales=(16,), quality=(5, 40)), ar),
            (spec("toy-nr", nr, "nr", codecs=("vvc", "vtm"), scales=(16,), quality=(32, 42), **quality_plane), nr),
        ],
        [("jpeg", 16, 7)],
    )


@pytest.fixture
def no_networks(write_models: WriteCatalog) -> None:
    """A catalog without a row."""
    write_models([])


def test_the_report_line(tmp_path: Path, networks: None) -> None:
    source = save(tmp_path / "old.jpg", quality=10)
    before = source.read_bytes()
    result = lbic("enhance", source)
    target = tmp_path / "old.enhanced.png"
    assert result.stderr.startswith(f"{source} -> {target}  {SIZE[0]}x{SIZE[1]}  type 7 (ar)  CPU  ")
    assert opened(target).size == SIZE
    assert source.read_bytes() == before


def test_json(tmp_path: Path, networks: None) -> None:
    (record,) = records(lbic("enhance", "--json", save(tmp_path / "old.jpg", quality=10)))
    assert list(record) == list(JSON_KEYS["enhance"])
    expected = {"codec": "jpeg", "q": 10, "q_from": "file", "type": 7, "strength": 1, "models": ["toy-ar"], "notes": []}
    assert record.items() >= expected.items()


def test_without_networks_it_is_an_error(tmp_path: Path, no_networks: None) -> None:
    source = save(tmp_path / "old.jpg")
    result = lbic("enhance", source, code=ExitCode.MISSING)
    assert "no network is shipped for pictures coded with jpeg" in result.stderr
    result = lbic("enhance", save(tmp_path / "a.png"), code=ExitCode.MISSING)
    assert "no network is shipped for pictures coded with vvc" in result.stderr
    lbic("enhance", "--type", "ar", source, code=ExitCode.MISSING)
    assert names(tmp_path) == {"old.jpg", "a.png"}


def test_no_room_for_alpha_is_known_before_the_network_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lbic.cli.enhance.enhance_picture", lambda *_: pytest.fail("the network runs"))
    path = save(tmp_path / "a.png", with_alpha(photo(*SIZE), ramp(*SIZE)))
    result = lbic("enhance", path, "--type", 0, "-o", tmp_path / "b.jpg", code=ExitCode.USAGE)
    assert "the picture has alpha, which .jpg files cannot store" in result.stderr


def test_alpha_and_gray_are_kept(tmp_path: Path, networks: None) -> None:
    lbic("enhance", save(tmp_path / "a.png", with_alpha(photo(*SIZE), ramp(*SIZE))))
    assert opened(tmp_path / "a.enhanced.png").mode == "RGBA"
    lbic("enhance", save(tmp_path / "b.jpg", gray(*SIZE), quality=10))
    assert opened(tmp_path / "b.enhanced.png").mode == "L"


@pytest.mark.parametrize("options", [["--codec", "jpeg"], []])
def test_the_quality_is_checked(tmp_path: Path, networks: None, options: list[str]) -> None:
    source = save(tmp_path / "old.jpg")
    result = lbic("enhance", "-q", 100, *options, source, code=ExitCode.USAGE)
    assert "quality 100 is not in jpeg's range 1..95" in result.stderr
    assert names(tmp_path) == {"old.jpg"}


def test_it_refuses_its_own_input(tmp_path: Path, networks: None) -> None:
    source = save(tmp_path / "old.jpg")
    result = lbic("enhance", "-f", "-o", source, source, code=ExitCode.USAGE)
    assert "is an input" in result.stderr


def test_twice_over_a_folder_does_not_feed_on_itself(tmp_path: Path, networks: None) -> None:
    save(tmp_path / "a.jpg", quality=10)
    lbic("enhance", "-r", tmp_path)
    lbic("enhance", "-r", "-f", tmp_path)
    assert names(tmp_path) == {"a.jpg", "a.enhanced.png"}


# --- the codec and quality of the picture --------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "options", "expected"),
    [
        ("jpeg", [], ("jpeg", 10, "file", 7)),
        ("jpeg", ["-q", 20], ("jpeg", 20, "option", 7)),
        ("jpeg", ["--codec", "vvc"], ("vvc", 37, "assumed", 1)),
        ("jpeg", ["--codec", "vvc", "-q", 40], ("vvc", 40, "option", 1)),
        ("jpeg", ["--type", "nr"], ("jpeg", 10, "file", 1)),
        ("png", [], ("vvc", 37, "assumed", 1)),
        ("png", ["-q", 40], ("vvc", 40, "option", 1)),
        ("png", ["--codec", "jpeg"], ("jpeg", 20, "assumed", 7)),
        ("png", ["--codec", "jpeg", "-q", 30], ("jpeg", 30, "option", 7)),
        ("png", ["--type", "ar"], ("jpeg", 20, "assumed", 7)),
        ("png", ["--type", "none"], ("vvc", 37, "assumed", 0)),
    ],
)
def test_codec_quality_and_type(
    tmp_path: Path, networks: None, file: str, options: list[object], expected: tuple[str, int, str, int]
) -> None:
    # The suffix is wrong: the content of the file counts.
    save(tmp_path / "picture.any", format=file, quality=10)
    (record,) = records(lbic("enhance", "--json", *options, tmp_path / "picture.any"))
    assert (record["codec"], record["q"], record["q_from"], record["type"]) == expected


@pytest.mark.parametrize(
    ("options", "noted"),
    [
        ([], True),
        (["-q", 37], False),
        (["--type", "ar"], False),
        (["--type", "none"], False),
        (["--strength", 0], False),
    ],
)
def test_an_assumed_quality_is_noted_where_it_matters(
    tmp_path: Path, networks: None, options: list[object], noted: bool
) -> None:
    source = save(tmp_path / "a.png")
    assert (f"lbic: note: {source}: {UNKNOWN}\n" in lbic("enhance", *options, source).stderr) is noted


def test_a_jpeg_better_than_the_training_is_refused_unless_ordered(tmp_path: Path, networks: None) -> None:
    source = save(tmp_path / "good.jpg", quality=90)
    result = lbic("enhance", source, code=ExitCode.MISSING)
    assert "jpeg quality 90 is better than what model toy-ar is for (jpeg quality 5..40, scale 1)" in result.stderr
    assert "--type 7 runs it anyway" in result.stderr
    assert names(tmp_path) == {"good.jpg"}
    result = lbic("enhance", "--type", 7, source)
    assert "model toy-ar is for jpeg quality 5..40, scale 1; this picture is jpeg quality 90" in result.stderr


def test_better_is_lower_where_the_codec_says_so(tmp_path: Path, networks: None) -> None:
    source = save(tmp_path / "a.png")
    result = lbic("enhance", "-q", 31, source, code=ExitCode.MISSING)
    assert "vvc quality 31 is better than what model toy-nr is for" in result.stderr
    assert "this picture is vvc quality 43" in lbic("enhance", "-q", 43, source).stderr


def test_a_jpeg_worse_than_the_training_is_enhanced_with_a_note(tmp_path: Path, networks: None) -> None:
    result = lbic("enhance", save(tmp_path / "bad.jpg", quality=2))
    assert "this picture is jpeg quality 2" in result.stderr
    assert "type 7 (ar)" in result.stderr


def test_type_0_and_strength_0_give_the_picture(tmp_path: Path, networks: None) -> None:
    source = save(tmp_path / "a.png")
    for options in (["--type", 0], ["--strength", 0]):
        lbic("enhance", "-f", *options, source)
        assert opened(tmp_path / "a.enhanced.png").tobytes() == photo(*SIZE).tobytes()


def test_strength_is_checked_and_told(tmp_path: Path, networks: None) -> None:
    source = save(tmp_path / "a.png")
    assert "strength 2 is not in 0..1" in lbic("enhance", "--strength", 2, source, code=ExitCode.USAGE).stderr
    (record,) = records(lbic("enhance", "--json", "--strength", 0.5, source))
    assert (record["strength"], record["type"]) == (0.5, 1)
