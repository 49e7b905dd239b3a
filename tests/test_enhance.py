"""Enhancement types applied to pictures, with toy networks whose effect is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import WriteCatalog
from helpers import gray, largest_difference, photo, planes_equal
from toys import identity, network, spec

from lbic import color, pipeline
from lbic.coding import Coding
from lbic.color import Plane, Planes
from lbic.enhance import catalog, pictures
from lbic.enhance.apply import Enhancement, enhance_planes, upsample
from lbic.enhance.pictures import EnhanceSettings
from lbic.enhance.providers import CPU
from lbic.enhance.session import Runtime
from lbic.enhance.types import TYPES
from lbic.errors import DeviceError, MissingError
from lbic.pipeline import CompressSettings, DecompressSettings

pytestmark = pytest.mark.usefixtures("no_gpu")

HALF, SAME = identity(1, 0.5), identity(1)
PLUS = identity(1, quality_plane=True)
HALF3 = identity(3, 0.5)
CODING, SIZE = Coding("jpeg", 63, scale=32), (21, 15)
RUNTIME = Runtime(device="cpu")


def decoded(*, gray: bool = False, width: int = 11, height: int = 8) -> Planes:
    """Return the codec's picture at half of SIZE."""
    rng = np.random.default_rng(2)
    y = rng.random((height, width), np.float32)
    if gray:
        return Planes(y)
    half = (-(-height // 2), -(-width // 2))
    return Planes(y, *(rng.random(half, np.float32) * 0.2 - 0.1 for _ in range(2)))


def run(
    planes: Planes,
    number: int,
    coding: Coding = CODING,
    *,
    size: tuple[int, int] = SIZE,
    runtime: Runtime = RUNTIME,
) -> Enhancement:
    return enhance_planes(planes, TYPES[number], coding, size, runtime, explicit=True)


def scaled(plane: Plane, gain: float, offset: float = 0) -> Plane:
    """Return what a toy network makes of a plane."""
    return plane * np.float32(gain) + np.float32(offset)


def close(a: Planes, b: Planes) -> bool:
    pairs = ((a.y, b.y), (a.cb, b.cb), (a.cr, b.cr))
    return all((p is None and q is None) or np.allclose(p, q, atol=1e-5) for p, q in pairs)  # type: ignore[arg-type]


@pytest.mark.parametrize("explicit", [True, False])
def test_memory_that_ends_between_tiles_is_a_sentence(
    write_models: WriteCatalog, monkeypatch: pytest.MonkeyPatch, explicit: bool
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    write_models([(spec("nr", SAME, "nr", channels=3), SAME)])
    monkeypatch.setattr(color, "planes_to_rgb", full)
    because = "not enough memory for the networks"
    if explicit:
        with pytest.raises(MissingError, match=because):
            enhance_planes(decoded(), TYPES[1], CODING, SIZE, RUNTIME, explicit=True)
    else:
        result = enhance_planes(decoded(), TYPES[1], CODING, SIZE, RUNTIME, explicit=False)
        assert result.type.id == 0
        assert result.notes == (f"{because}; wrote the codec's picture without enhancement",)


@pytest.mark.usefixtures("write_models")
def test_type_0_is_bicubic_upsampling_alone() -> None:
    result = run(decoded(), 0)
    assert planes_equal(result.planes, upsample(decoded(), 21, 15))
    assert (result.type.id, result.models, result.profile, result.provider, result.notes) == (0, (), None, None, ())


@pytest.mark.usefixtures("write_models")
def test_type_0_needs_no_catalog() -> None:
    Path(str(catalog.models_folder()), "manifest.json").write_text("damaged")
    assert run(decoded(), 0).type.id == 0
    advised = enhance_planes(decoded(), TYPES[5], CODING, SIZE, RUNTIME, explicit=False)
    assert advised.type.id == 0 and "manifest.json is damaged" in advised.notes[0]


def test_type_5_acts_on_luma_after_upsampling_and_leaves_chroma(write_models: WriteCatalog) -> None:
    write_models([(spec("half", HALF, "sr"), HALF)])
    result = run(decoded(), 5)
    full = upsample(decoded(), 21, 15)
    assert close(result.planes, Planes(scaled(full.y, 0.5), full.cb, full.cr))
    assert (result.type.id, result.models, result.profile, result.provider) == (5, ("half",), "lite", CPU.name)


def test_type_6_runs_its_networks_in_order(write_models: WriteCatalog) -> None:
    rows = [(spec("plus", PLUS, "sr-ar", quality_plane=True), PLUS), (spec("half", HALF, "sr"), HALF)]
    write_models(rows)
    result = run(decoded(gray=True), 6)
    assert result.models == ("half", "plus")
    assert close(result.planes, Planes(scaled(upsample(decoded(gray=True), 21, 15).y, 0.5, 1)))


def test_type_7_acts_on_luma_and_on_chroma_around_its_middle(write_models: WriteCatalog) -> None:
    write_models([(spec("half", HALF, "ar"), HALF)])
    planes = decoded()
    assert planes.cb is not None and planes.cr is not None
    result = run(planes, 7, replace(CODING, scale=16), size=(11, 8))
    assert close(
        result.planes, Planes(scaled(planes.y, 0.5), scaled(planes.cb, 0.5, -0.25), scaled(planes.cr, 0.5, -0.25))
    )
    assert run(decoded(gray=True), 7, replace(CODING, scale=16), size=(11, 8)).planes.gray


@pytest.mark.parametrize("number", [1, 2, 4])
def test_types_1_2_and_4_act_on_rgb_before_upsampling(number: int, write_models: WriteCatalog) -> None:
    swap = network(3, 3, [np.eye(3, dtype=np.float32)[::-1][..., None, None].copy()])
    write_models([(spec("swap", swap, TYPES[number].roles[0], channels=3), swap)])
    red = 0.299, -0.168736, 0.5
    flat = Planes(*(np.full((8, 11), value, np.float32) for value in red))
    result = run(flat, number)
    assert (result.planes.width, result.planes.height) == (21, 15)
    blue = (0.114, 0.5, -0.081312)
    for plane, value in zip((result.planes.y, result.planes.cb, result.planes.cr), blue, strict=True):
        assert plane is not None and np.allclose(plane, value, atol=1e-4)


def test_type_3_runs_nr_and_tr_in_order(write_models: WriteCatalog) -> None:
    plus = identity(3, quality_plane=True)
    rows = [
        (spec("tr", plus, "tr", channels=3, quality_plane=True), plus),
        (spec("nr", HALF3, "nr", channels=3), HALF3),
    ]
    write_models(rows)
    result = run(decoded(gray=True), 3, replace(CODING, quality=21))
    assert result.models == ("nr", "tr")
    expected = upsample(Planes(scaled(decoded(gray=True).y, 0.5, 21 / 63)), 21, 15)
    assert close(result.planes, expected)


def test_gray_stays_gray_through_colour_networks(write_models: WriteCatalog) -> None:
    write_models([(spec("half", HALF3, "nr", channels=3), HALF3)])
    result = run(decoded(gray=True), 1)
    assert close(result.planes, upsample(Planes(scaled(decoded(gray=True).y, 0.5)), 21, 15))


@pytest.mark.usefixtures("write_models")
@pytest.mark.parametrize("number", range(1, 8))
def test_an_explicit_type_that_is_not_shipped_is_an_error(number: int) -> None:
    with pytest.raises(MissingError, match=rf"type {number} \({TYPES[number].name.replace('+', '.')}\)"):
        run(decoded(), number)


@pytest.mark.usefixtures("write_models")
def test_advice_that_is_not_shipped_gives_the_codecs_picture_with_a_note() -> None:
    result = enhance_planes(decoded(), TYPES[6], CODING, SIZE, RUNTIME, explicit=False)
    assert planes_equal(result.planes, upsample(decoded(), 21, 15))
    assert (result.type.id, result.models) == (0, ())
    assert len(result.notes) == 1
    assert "type 6 (sr+ar)" in result.notes[0] and "wrote the codec's picture without enhancement" in result.notes[0]


def test_a_damaged_model_stops_only_who_asked_for_it(write_models: WriteCatalog) -> None:
    row = spec("half", HALF, "sr")
    write_models([(row, HALF)])
    Path(str(row.path)).write_bytes(b"damaged")
    result = enhance_planes(decoded(), TYPES[5], CODING, SIZE, RUNTIME, explicit=False)
    assert result.type.id == 0 and "half.onnx is damaged" in result.notes[0]
    with pytest.raises(MissingError, match=r"half\.onnx is damaged"):
        run(decoded(), 5)


@pytest.mark.parametrize("explicit", [True, False])
def test_a_device_that_was_asked_for_is_never_replaced(explicit: bool, write_models: WriteCatalog) -> None:
    write_models([(spec("half", HALF, "sr"), HALF)])
    with pytest.raises(DeviceError, match="CUDA cannot run the networks: no NVIDIA driver"):
        enhance_planes(decoded(), TYPES[5], CODING, SIZE, Runtime(device="cuda"), explicit=explicit)


@pytest.mark.parametrize("explicit", [True, False])
def test_a_profile_that_was_asked_for_is_never_replaced(explicit: bool, write_models: WriteCatalog) -> None:
    write_models([(spec("half", HALF, "sr", profile="lite"), HALF)])
    with pytest.raises(DeviceError, match=r"the full profile of enhancement type 5 \(sr\) is not shipped"):
        enhance_planes(decoded(), TYPES[5], CODING, SIZE, Runtime("full"), explicit=explicit)


def test_profiles_are_chosen_by_name_and_auto_is_lite_without_a_gpu(write_models: WriteCatalog) -> None:
    write_models([(spec("big", HALF, "sr", profile="full"), HALF), (spec("small", SAME, "sr"), SAME)])
    for profile, name in (("auto", "small"), ("lite", "small"), ("full", "big")):
        result = run(decoded(), 5, runtime=Runtime(profile))
        assert (result.models, result.profile) == ((name,), "full" if name == "big" else "lite")


def test_outside_its_domain_a_network_runs_with_a_note(write_models: WriteCatalog) -> None:
    write_models([(spec("half", HALF, "sr", codecs=("vvc",), scales=(32,), quality=(27, 47)), HALF)])
    result = run(decoded(), 5)
    assert result.models == ("half",)
    sentence = "model half is for vvc quality 27..47, scale 2; this picture is jpeg quality 63, scale 2"
    assert result.notes == (sentence,)
    assert run(decoded(), 5, replace(CODING, codec="vvc", quality=37)).notes == ()


def test_tiles_do_not_change_the_picture(write_models: WriteCatalog) -> None:
    blur = network(1, 1, [np.full((1, 1, 5, 5), 1 / 25, np.float32)])
    write_models([(spec("blur", blur, "sr", halo=2), blur)])
    planes = decoded(width=76, height=49)

    def tiles(side: int) -> Planes:
        return run(planes, 5, size=(151, 97), runtime=Runtime(device="cpu", tile=side)).planes

    whole, tiled = tiles(512), tiles(32)
    assert np.abs(whole.y - tiled.y).max() <= 1e-6


def test_the_catalogs_default_is_recorded_and_followed(write_models: WriteCatalog) -> None:
    write_models([(spec("half", HALF, "sr"), HALF)], [("jpeg", 32, 5)])
    source = gray(30, 20)
    settings = CompressSettings("jpeg", 90, 32)
    data = pipeline.compress(source, settings).data
    plain, followed = (pipeline.decompress(data, DecompressSettings(kind)) for kind in (TYPES[0], None))
    assert (plain.type.id, plain.type_recorded) == (0, 5)
    assert (followed.type.id, followed.type_recorded, followed.models) == (5, 5, ("half",))
    assert (followed.profile, followed.provider) == ("lite", CPU.name)
    assert np.abs(np.asarray(followed.image) - np.asarray(plain.image) / 2).max() <= 1
    assert pipeline.compress(source, replace(settings, scale=16)).header.type == 0
    assert pipeline.compress(source, replace(settings, type=TYPES[0])).header.type == 0


def test_enhancing_a_picture_that_is_no_lbic_file(write_models: WriteCatalog) -> None:
    write_models([(spec("half", HALF, "ar", codecs=("jpeg",), quality=(10, 30)), HALF)])
    settings = EnhanceSettings(TYPES[7], "jpeg", 20, RUNTIME)
    result = pictures.enhance(gray(30, 20), settings)
    assert np.abs(np.asarray(result.picture.image) - np.asarray(gray(30, 20)) / 2).max() <= 1
    assert (result.enhancement.models, result.notes) == (("half",), ())
    result = pictures.enhance(photo(31, 21), replace(settings, quality=50))
    assert (result.picture.image.mode, result.picture.image.size) == ("RGB", (31, 21))
    assert "this picture is jpeg quality 50" in result.notes[0]


@pytest.mark.parametrize(("codec", "quality", "plane"), [("vvc", 40, 40), ("vtm", 33, 33), ("jpeg", 60, 37)])
def test_the_quality_plane_speaks_the_networks_own_numbers(
    codec: str, quality: int, plane: int, write_models: WriteCatalog
) -> None:
    write_models([(spec("plus", PLUS, "sr", quality_plane=True, codecs=("vvc", "vtm"), quality=(32, 42)), PLUS)])
    result = run(decoded(gray=True), 5, replace(CODING, codec=codec, quality=quality))
    assert np.allclose(result.planes.y, upsample(decoded(gray=True), 21, 15).y + plane / 63, atol=1e-5)


@pytest.mark.parametrize("number", [1, 5, 7])
@pytest.mark.parametrize("scale", [16, 32])
def test_strength_is_the_share_of_the_way_in_every_sample(number: int, scale: int, write_models: WriteCatalog) -> None:
    channels = 3 if number == 1 else 1
    data = identity(channels, 0.8)
    write_models([(spec("dim", data, TYPES[number].roles[0], channels=channels), data)])
    coding, size = (Coding("jpeg", 20), (11, 8)) if scale == 16 else (CODING, SIZE)

    def rgb(strength: float, kind: int = number) -> Plane:
        # The colours are soft: no sample is clipped, so mixing planes is mixing RGB.
        soft = decoded()
        assert soft.cb is not None and soft.cr is not None
        planes = Planes(scaled(soft.y, 0.2, 0.4), scaled(soft.cb, 0.2), scaled(soft.cr, 0.2))
        result = enhance_planes(planes, TYPES[kind], coding, size, RUNTIME, explicit=True, strength=strength)
        return color.planes_to_rgb(result.planes)

    plain, enhanced = rgb(1, kind=0), rgb(1)
    assert np.abs(enhanced - plain).max() > 0.1 and enhanced.min() > 0
    assert np.array_equal(rgb(0), plain)
    for strength in (0.25, 0.75):
        assert np.allclose(rgb(strength), plain + np.float32(strength) * (enhanced - plain), atol=1e-5)


def test_strength_needs_no_networks_at_0_and_blends_gray(write_models: WriteCatalog) -> None:
    result = enhance_planes(decoded(), TYPES[5], CODING, SIZE, RUNTIME, explicit=True, strength=0)
    assert (result.type.id, result.models) == (0, ())
    write_models([(spec("half", HALF, "sr"), HALF)])
    result = enhance_planes(decoded(gray=True), TYPES[5], CODING, SIZE, RUNTIME, explicit=True, strength=0.5)
    assert close(result.planes, Planes(scaled(upsample(decoded(gray=True), 21, 15).y, 0.75)))
    assert result.models == ("half",)


def test_an_identity_changes_nothing(write_models: WriteCatalog) -> None:
    write_models([(spec("same", SAME, "sr"), SAME)])
    data = pipeline.compress(photo(33, 21), CompressSettings("jpeg", 60, 32, type=TYPES[5])).data
    plain, same = (pipeline.decompress(data, DecompressSettings(TYPES[number])).image for number in (0, 5))
    assert largest_difference(plain, same) <= 1
