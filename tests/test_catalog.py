"""The catalog: reading the manifest, choosing a model for a picture, default types."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from cli_helpers import lbic, save
from conftest import WriteCatalog
from toys import identity, spec, write_catalog

from lbic.coding import Coding
from lbic.enhance import catalog, types
from lbic.enhance.catalog import Catalog, Default
from lbic.enhance.equivalent import Equivalent
from lbic.enhance.types import TYPES
from lbic.errors import ExitCode, MissingError, UsageError

DATA = identity(1)


def shipped(*rows: catalog.ModelSpec) -> Catalog:
    return Catalog(rows, ())


def test_the_manifest_is_read_as_it_was_written(write_models: WriteCatalog) -> None:
    row = spec("one", DATA, "ar", quality=(5, 40), scales=(16,), codecs=("jpeg",))
    write_models([(row, DATA)], [("jpeg", 16, 7)])
    loaded = catalog.load()
    assert loaded.models == (row,)
    assert loaded.models[0].read() == DATA
    assert loaded.default_type(Coding("jpeg", 20)) is TYPES[7]
    assert loaded.default_type(Coding("jpeg", 20, 32)) is loaded.default_type(Coding("vvc", 20)) is TYPES[0]
    assert loaded.default_type(Coding("jpeg", 5)) is loaded.default_type(Coding("jpeg", 40)) is TYPES[7]
    assert loaded.default_type(Coding("jpeg", 4)) is loaded.default_type(Coding("jpeg", 41)) is TYPES[0]


@pytest.mark.usefixtures("write_models")
def test_no_manifest_is_an_empty_catalog() -> None:
    assert catalog.load() == Catalog((), ())


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"models": [{}], "defaults": []}', '{"models": 5, "defaults": []}']
)
@pytest.mark.usefixtures("write_models")
def test_a_damaged_manifest_is_a_sentence(content: str) -> None:
    path = Path(str(catalog.models_folder()), "manifest.json")
    path.write_text(content)
    with pytest.raises(MissingError, match=r"models/manifest.json is damaged \(.*\); reinstall lbic") as caught:
        catalog.load()
    assert caught.value.exit_code == ExitCode.MISSING


def test_a_damaged_model_is_found_by_its_sha256(write_models: WriteCatalog) -> None:
    row = spec("one", DATA, "ar")
    write_models([(row, DATA)])
    path = Path(str(row.path))
    path.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    with pytest.raises(MissingError, match=r"model one: one\.onnx is damaged \(its sha256 is not the manifest's\)"):
        row.read()
    path.unlink()
    with pytest.raises(MissingError, match=r"model one: cannot read one\.onnx: no such file"):
        row.read()


@pytest.mark.parametrize(
    ("codec", "scale", "quality", "covered"),
    [
        ("jpeg", 32, 5, True),
        ("vvc", 24, 40, True),
        ("vtm", 32, 20, False),
        ("jpeg", 16, 20, False),
        ("jpeg", 32, 4, False),
        ("jpeg", 32, 41, False),
    ],
)
def test_a_row_says_what_it_was_trained_for(codec: str, scale: int, quality: int, covered: bool) -> None:
    row = spec("one", DATA, "sr", codecs=("jpeg", "vvc"), scales=(24, 32), quality=(5, 40))
    assert row.covers(Coding(codec, quality, scale)) is covered
    assert row.domain() == "jpeg/vvc quality 5..40, scale 1.5, 2"


def test_a_row_serves_what_it_was_measured_for(write_models: WriteCatalog) -> None:
    also = (Equivalent("webp", (0, 80), (42, 32)), Equivalent("vvc", (43, 50), (42, 42)))
    row = spec("one", DATA, "ar", codecs=("vvc",), quality=(32, 42), scales=(16,), also=also)
    write_models([(row, DATA)], [("webp", 16, 7), ("vvc", 16, 7)])
    loaded = catalog.load()
    assert loaded.models == (row,), "the manifest keeps it"
    assert [loaded.default_type(Coding("webp", quality)).id for quality in (0, 80, 81)] == [7, 7, 0]
    assert [loaded.default_type(Coding("vvc", quality)).id for quality in (31, 32, 50, 51)] == [0, 7, 7, 0]
    assert [row.quality_for(Coding("webp", quality)) for quality in (0, 40, 80, 81)] == [42, 37, 32, 32]
    assert row.quality_for(Coding("jpeg", 40)) == 37, "the middle of the training, as nothing is known of the codec"
    assert [row.quality_for(Coding("vvc", quality)) for quality in (31, 33, 47)] == [31, 33, 42]
    assert not row.covers(Coding("webp", 40, 32))
    stranger = spec("two", DATA, "ar", codecs=("jpeg",), quality=(0, 95))
    trained = spec("three", DATA, "ar", codecs=("webp",), quality=(0, 10))
    assert shipped(stranger, row).find("ar", Coding("webp", 40), ("lite",)) == row
    assert [shipped(stranger, row, trained).find("ar", Coding("webp", q), ("lite",)) for q in (5, 40)] == [trained, row]
    assert row.domain("webp") == "webp quality 0..80, scale 1"
    assert row.domain("vvc") == "vvc quality 32..50, scale 1"


def test_what_a_row_was_measured_for_keeps_no_other_profile_from_its_turn() -> None:
    also = (Equivalent("vvc", (43, 50), (42, 42)),)
    lite = spec("lite", DATA, "nr", codecs=("vvc",), quality=(32, 42), scales=(16,), also=also)
    full = spec("full", DATA, "nr", codecs=("vvc",), quality=(32, 42), scales=(16,), profile="full")
    assert shipped(lite, full).find("nr", Coding("vvc", 37), ("full",)) is full
    assert shipped(full, lite).find("nr", Coding("vvc", 37), ("lite",)) is lite


def test_pictures_that_are_no_lbic_file_get_the_advice_or_noise_reduction() -> None:
    nr = spec("nr", DATA, "nr", codecs=("vvc", "vtm"))
    loaded = Catalog((nr, spec("ar", DATA, "ar", codecs=("jpeg",))), (Default("jpeg", 16, 7), Default("vtm", 16, 4)))
    assert [loaded.enhancing_type(Coding(codec, 20)).id for codec in ("jpeg", "vvc", "vtm")] == [7, 1, 4]
    assert [shipped(nr).enhancing_type(Coding(codec, 20)).id for codec in ("jpeg", "vvc")] == [0, 1]


def test_defaults_may_be_for_some_qualities() -> None:
    nr = spec("nr", DATA, "nr", codecs=("vvc",), also=(Equivalent("jpeg", (20, 60), (47, 37)),))
    ar = spec("ar", DATA, "ar", codecs=("jpeg",), quality=(5, 60))
    loaded = Catalog((nr, ar), (Default("jpeg", 16, 1, (20, 80)), Default("jpeg", 16, 7)))
    assert [loaded.default_type(Coding("jpeg", quality)).id for quality in (4, 5, 19, 20, 60, 61)] == [0, 7, 7, 1, 1, 0]
    assert [loaded.enhancing_type(Coding("jpeg", quality)).id for quality in (1, 10, 20, 60, 61, 90)] == [
        7,
        7,
        1,
        1,
        1,
        1,
    ]
    assert nr.ranges("jpeg") == [(20, 60)]


def test_of_two_measured_networks_the_one_for_the_quality_is_taken() -> None:
    coarse = spec("coarse", DATA, "sr", codecs=("jpeg",), scales=(32,), also=(Equivalent("avif", (0, 10), (5, 60)),))
    fine = spec("fine", DATA, "sr", codecs=("vvc",), scales=(32,), also=(Equivalent("avif", (11, 80), (42, 22)),))
    loaded = Catalog((coarse, fine), (Default("avif", 32, 5),))
    assert [loaded.find("sr", Coding("avif", quality, 32), ("lite",)) for quality in (0, 10, 11, 80)] == [
        coarse,
        coarse,
        fine,
        fine,
    ]
    assert [loaded.default_type(Coding("avif", quality, 32)).id for quality in (0, 10, 11, 80, 81)] == [5, 5, 5, 5, 0]


def test_the_codec_counts_before_scale_quality_and_profile() -> None:
    right_codec = spec("codec", DATA, "ar", codecs=("jpeg",), scales=(64,), quality=(1, 2), profile="full")
    right_rest = spec("rest", DATA, "ar", codecs=("vvc",), scales=(16,), quality=(0, 63), profile="lite")
    assert shipped(right_rest, right_codec).find("ar", Coding("jpeg", 20), ("lite",)) is right_codec
    right_scale = spec("scale", DATA, "ar", codecs=("jpeg",), scales=(16,), quality=(1, 2), profile="full")
    assert shipped(right_codec, right_scale).find("ar", Coding("jpeg", 20), ("lite",)) is right_scale
    right_quality = spec("quality", DATA, "ar", codecs=("jpeg",), scales=(16,), quality=(1, 95), profile="full")
    assert shipped(right_scale, right_quality).find("ar", Coding("jpeg", 20), ("lite",)) is right_quality
    right_profile = spec("profile", DATA, "ar", codecs=("jpeg",), scales=(16,), quality=(1, 95), profile="lite")
    assert shipped(right_quality, right_profile).find("ar", Coding("jpeg", 20), ("lite",)) is right_profile
    twin = spec("twin", DATA, "ar", codecs=("jpeg",), scales=(16,), quality=(1, 95), profile="lite")
    assert shipped(right_profile, twin).find("ar", Coding("jpeg", 20), ("lite",)) is right_profile


def test_the_automatic_profile_is_the_first_that_serves_the_picture() -> None:
    also = (Equivalent("jpeg", (20, 95), (47, 22)), Equivalent("webp", (0, 95), (42, 22)))
    lite = spec("lite", DATA, "nr", codecs=("vvc",), quality=(32, 42), also=also)
    fast = spec("fast", DATA, "nr", codecs=("jpeg",), quality=(5, 90), profile="fast")
    full = spec("full", DATA, "nr", codecs=("vvc",), quality=(32, 42), profile="full")
    loaded = shipped(lite, fast, full)

    def chosen(codec: str, quality: int, profiles: tuple[str, ...] = catalog.PROFILES) -> catalog.ModelSpec | None:
        return loaded.find("nr", Coding(codec, quality), profiles)

    assert [chosen("jpeg", quality) for quality in (5, 20, 90, 91)] == [fast, fast, fast, lite]
    assert [chosen(codec, 37) for codec in ("vvc", "webp")] == [lite, lite]
    assert [chosen("vvc", 37, catalog.ON_GPU), chosen("jpeg", 20, catalog.ON_GPU)] == [full, fast]
    assert [chosen("jpeg", 20, ("lite",)), chosen("jpeg", 95, ("fast",))] == [lite, fast]
    assert chosen("webp", 20, ("fast",)) is lite, "whose profile is then an error"


def test_a_row_may_wait_for_its_profile_to_be_named() -> None:
    lite = spec("lite", DATA, "nr", codecs=("vvc",))
    fast = spec("fast", DATA, "nr", codecs=("vvc",), profile="fast", automatic=False)
    assert shipped(fast, lite).find("nr", Coding("vvc", 37), catalog.PROFILES) is lite
    assert shipped(fast, lite).find("nr", Coding("vvc", 37), ("fast",)) is fast
    assert shipped(fast).find("nr", Coding("vvc", 37), catalog.PROFILES) is fast


def test_a_row_may_be_for_large_pictures() -> None:
    lite = spec("lite", DATA, "nr", codecs=("vvc",))
    fast = spec("fast", DATA, "nr", codecs=("vvc",), profile="fast", least_pixels=1000)
    loaded, coding = shipped(fast, lite), Coding("vvc", 37)
    assert loaded.find("nr", coding, catalog.PROFILES) is fast
    assert loaded.find("nr", coding, catalog.PROFILES, 1000) is fast
    assert loaded.find("nr", coding, catalog.PROFILES, 999) is lite
    assert loaded.find("nr", coding, ("fast",), 999) is fast, "the user's choice"
    assert shipped(fast).find("nr", coding, catalog.PROFILES, 999) is fast, "there is no other"


def test_another_role_is_never_taken() -> None:
    assert shipped(spec("one", DATA, "sr")).find("ar", Coding("jpeg", 20), ("lite",)) is None


def test_the_folder_is_in_the_package_or_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalog, "_PACKAGE", tmp_path / "lbic")
    assert catalog.models_folder() == tmp_path / "models"
    (tmp_path / "lbic" / "models").mkdir(parents=True)
    assert catalog.models_folder() == tmp_path / "lbic" / "models"


def test_a_zipped_package_has_its_networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = identity(1)
    write_catalog(tmp_path, [(spec("one", data, "ar"), data)], [("jpeg", 16, 7)])
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("lbic/__init__.py", "")
        for name in ("manifest.json", "one.onnx"):
            archive.write(tmp_path / name, f"lbic/models/{name}")
    monkeypatch.setattr(catalog, "_PACKAGE", zipfile.Path(tmp_path / "app.pyz", "lbic/"))
    catalog.load.cache_clear()
    try:
        assert catalog.is_installed()
        (row,) = catalog.load().models
        assert row.read() == data
        gone = replace(row, file="two.onnx")
        with pytest.raises(MissingError, match=r"cannot read two\.onnx: "):
            gone.read()
    finally:
        catalog.load.cache_clear()


def test_missing_networks_are_told_when_a_file_is_to_recommend_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(catalog, "models_folder", lambda: tmp_path / "none")
    catalog.load.cache_clear()
    source, sentence = save(tmp_path / "a.png"), "lbic's networks are not installed"
    assert sentence in lbic("compress", "--codec", "jpeg", source).stderr
    assert sentence not in lbic("compress", "--codec", "jpeg", "-f", "--type", 0, source).stderr
    catalog.load.cache_clear()


def test_type_numbers_and_names_are_those_of_the_format_page() -> None:
    page = Path(__file__).parents[1].joinpath("docs", "format.md").read_text(encoding="utf-8")
    section = page.split("## Enhancement types")[1].split("##")[0]
    rows = {
        int(cells[1]): cells[2].strip()
        for line in section.splitlines()
        if len(cells := line.split("|")) > 3 and cells[1].strip().isdigit()
    }
    assert rows == {number: row.name for number, row in TYPES.items()}
    assert list(TYPES) == list(range(8))


@pytest.mark.parametrize("text", ["3", 3, "nr+tr", "NR+TR ", " 3"])
def test_types_are_found_by_number_or_name(text: str | int) -> None:
    assert types.parse(text) is TYPES[3]


@pytest.mark.parametrize("text", ["", "8", "-1", 99, "noise", "tr+nr", "3.0"])
def test_other_texts_list_all_types(text: str | int) -> None:
    with pytest.raises(UsageError, match=r"known: 0 none, 1 nr, 2 tr, 3 nr\+tr, 4 cas, 5 sr, 6 sr\+ar, 7 ar"):
        types.parse(text)
