"""The Python API: lbic.compress, decompress, info and enhance."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import WriteCatalog
from helpers import gray, largest_difference, photo, psnr, ramp, written
from PIL import Image
from toys import identity, spec

import lbic
from lbic.api import scale_in_sixteenths
from lbic.errors import FormatError, MissingError, TargetError, UsageError
from lbic.picture.load import with_alpha

pytestmark = pytest.mark.usefixtures("write_models")  # an empty catalog


def test_there_and_back() -> None:
    data = lbic.compress(photo(40, 30), q=80, codec="jpeg")
    assert isinstance(data, bytes)
    image = lbic.decompress(data, type=0)
    assert psnr(image, photo(40, 30)) > 26


@pytest.mark.usefixtures("needs_vvc")
def test_the_default_codec_is_vvc_at_its_default_quality() -> None:
    header = lbic.info(lbic.compress(photo(20, 20), effort=0))
    assert (header.codec, header.quality, header.scale, header.type) == ("vvc", 37, 16, 0)


def test_info_reads_the_header_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    data = lbic.compress(gray(31, 20), q=25, codec="jpeg", scale=1.5, type="ar")
    monkeypatch.setattr("lbic.codecs.jpeg.JpegCodec.decode", None)
    header = lbic.info(data[:40])
    assert (header.width, header.height, header.gray) == (31, 20, True)
    assert (header.codec, header.quality, header.scale, header.type) == ("jpeg", 25, 24, 7)


@pytest.mark.parametrize("name", ["7", 7, "ar", "AR"])
def test_types_go_by_number_or_name(name: int | str) -> None:
    assert lbic.info(lbic.compress(photo(8, 8), codec="jpeg", type=name)).type == 7


def test_targets() -> None:
    picture = photo(160, 120)
    data = lbic.compress(picture, codec="jpeg", target_size=1500)
    assert 1000 < len(data) <= 1500
    assert len(lbic.compress(picture, codec="jpeg", target_bpp=0.5, scale=2)) <= 160 * 120 * 0.5 / 8
    assert lbic.info(lbic.compress(picture, codec="jpeg", target_bpp=0.5, scale=2)).scale == 32
    assert psnr(lbic.decompress(lbic.compress(picture, codec="jpeg", target_psnr=30)), picture) >= 30


@pytest.mark.parametrize("given", [{"q": 30, "target_bpp": 0.5}, {"target_size": 900, "target_psnr": 30}])
def test_a_target_stands_alone(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="a target stands alone"):
        lbic.compress(photo(8, 8), codec="jpeg", **given)


def test_a_target_out_of_reach() -> None:
    with pytest.raises(TargetError, match="as small as 20 B; the smallest is"):
        lbic.compress(photo(160, 120), codec="jpeg", target_size=20)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_images_of_any_mode(mode: str) -> None:
    source = gray(16, 9).convert("I").convert(mode) if mode == "I;16" else photo(16, 9).convert(mode)
    data = lbic.compress(source, codec="jpeg")
    assert lbic.decompress(data, type=0).size == (16, 9)


@pytest.mark.parametrize("scale", [0, 0.5, 4.0625, 5, 1.01, -1, float("nan"), float("inf")])
def test_impossible_scales(scale: float) -> None:
    with pytest.raises(UsageError, match=r"is not a sixteenth step within 1\.\.4"):
        lbic.compress(photo(8, 8), codec="jpeg", scale=scale)


@pytest.mark.parametrize(("scale", "sixteenths"), [(1, 16), (1.0625, 17), (1.5, 24), (4, 64)])
def test_scales_in_sixteenths(scale: float, sixteenths: int) -> None:
    assert scale_in_sixteenths(scale) == sixteenths


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"\xc1LBC\x01"])
def test_foreign_data(data: bytes) -> None:
    for call in (lbic.info, lbic.decompress):
        with pytest.raises(FormatError):
            call(data)


def test_a_service_may_set_the_limit_on_pixels() -> None:
    data = lbic.compress(photo(8, 8), codec="jpeg")
    assert lbic.decompress(data, type=0, max_pixels=64).size == (8, 8)
    with pytest.raises(FormatError, match="8x8, 64 pixels; the limit is 63"):
        lbic.decompress(data, type=0, max_pixels=63)


def test_unknown_names_list_the_known() -> None:
    data = lbic.compress(photo(8, 8), codec="jpeg")
    with pytest.raises(UsageError, match=r"unknown enhancement type '9'; known: 0 none, 1 nr"):
        lbic.decompress(data, type=9)
    with pytest.raises(UsageError, match="unknown profile 'big'; known: auto, fast, lite, full"):
        lbic.decompress(data, profile="big")
    with pytest.raises(UsageError, match="unknown device 'tpu'; known: auto, cpu, cuda"):
        lbic.decompress(data, device="tpu")


def test_enhance_runs_the_networks_and_keeps_alpha(write_models: WriteCatalog) -> None:
    network = identity(1, 0.5)
    write_models([(spec("half", network, "ar"), network)])
    source = with_alpha(gray(16, 9), ramp(16, 9))
    better = lbic.enhance(source, type="ar", device="cpu")
    assert (better.mode, better.size) == ("LA", (16, 9))
    assert largest_difference(better.getchannel("A"), source.getchannel("A")) == 0
    expected = np.rint(np.asarray(gray(16, 9), np.float64) / 2)
    assert np.abs(np.asarray(better.getchannel("L")) - expected).max() <= 1


def test_enhance_reads_the_quality_of_a_jpeg_that_pillow_opened(write_models: WriteCatalog) -> None:
    network = identity(1, 0.5)
    write_models([(spec("half", network, "ar", codecs=("jpeg",), quality=(5, 40)), network)], [("jpeg", 16, 7)])
    good, bad = (Image.open(io.BytesIO(written(gray(16, 9), "JPEG", quality=quality))) for quality in (80, 30))
    assert largest_difference(lbic.enhance(bad), bad.point([level // 2 for level in range(256)])) <= 1
    with pytest.raises(MissingError, match=r"jpeg quality 80 is better .* may be harmed by it$"):
        lbic.enhance(good)
    assert lbic.enhance(good, q=40).size == good.size


def test_strength_in_both_functions(write_models: WriteCatalog) -> None:
    network = identity(1, 0.5)
    write_models([(spec("half", network, "ar"), network)])
    data = lbic.compress(gray(16, 9), codec="jpeg", q=30, type="ar")
    plain = lbic.decompress(data, type=0)
    assert largest_difference(lbic.decompress(data, strength=0), plain) == 0
    expected = plain.point([round(0.75 * level) for level in range(256)])
    assert largest_difference(lbic.decompress(data, strength=0.5), expected) <= 1
    assert largest_difference(lbic.enhance(plain, type="ar", strength=0.5), expected) <= 1


def test_enhance_without_networks_is_an_error() -> None:
    with pytest.raises(MissingError, match=r"type 7 \(ar\)"):
        lbic.enhance(photo(8, 8), type="ar")
    with pytest.raises(MissingError, match="no network is shipped for pictures coded with vvc"):
        lbic.enhance(photo(8, 8))


def test_public_functions_stay_functions_whatever_is_imported() -> None:
    code = "import lbic, lbic.pipeline, lbic.enhance.apply; assert all(map(callable, {names})), lbic.enhance"
    names = "[lbic.compress, lbic.decompress, lbic.info, lbic.enhance]"
    subprocess.run([sys.executable, "-c", code.format(names=names)], check=True, timeout=60)
    assert all(hasattr(lbic, name) for name in lbic.__all__)


def test_qualities_are_whole_numbers_of_any_kind() -> None:
    ours: Any = np.int64(37)
    assert lbic.compress(photo(8, 8), codec="jpeg", q=ours) == lbic.compress(photo(8, 8), codec="jpeg", q=37)
    nonsense: Any = 37.0
    with pytest.raises(UsageError, match=r"quality 37\.0 is not a whole number"):
        lbic.compress(photo(8, 8), codec="jpeg", q=nonsense)
    with pytest.raises(UsageError, match="tile 0 is not at least 1 pixel"):
        lbic.decompress(lbic.compress(photo(8, 8), codec="jpeg"), tile=0)


@pytest.mark.parametrize("function", ["compress", "enhance"])
@pytest.mark.parametrize(
    ("image", "advice"),
    [
        ("a.png", r"image is a str; .* takes a PIL\.Image\.Image: open a file with PIL\.Image\.open$"),
        (Path("a.png"), r"image is a pathlib\S*; .*: open a file with PIL\.Image\.open$"),
        (
            np.zeros((8, 8, 3), np.uint8),
            r"image is a numpy\.ndarray; .*: make one of an array with PIL\.Image\.fromarray$",
        ),
        (b"\x89PNG", r"image is a bytes; .*: open the bytes of a file with PIL\.Image\.open\(io\.BytesIO\(data\)\)$"),
        (None, r"image is a NoneType; .*"),
    ],
)
def test_what_is_no_image_is_refused_with_the_way_to_one(function: str, image: Any, advice: str) -> None:
    with pytest.raises(UsageError, match=advice) as caught:
        getattr(lbic, function)(image)
    assert f"lbic.{function} takes" in str(caught.value)


@pytest.mark.parametrize("function", ["decompress", "info"])
@pytest.mark.parametrize(
    ("data", "kind"), [("a.lbic", "str"), (Path("a.lbic"), r"pathlib\S*"), (photo(8, 8), r"PIL\S*")]
)
def test_what_is_no_bytes_is_refused(function: str, data: Any, kind: str) -> None:
    sentence = rf"data is a {kind}; lbic\.{function} takes the bytes of a \.lbic file"
    with pytest.raises(UsageError, match=sentence):
        getattr(lbic, function)(data)


def test_bytes_of_any_kind_are_taken() -> None:
    data = lbic.compress(photo(8, 8), codec="jpeg")
    for other in (bytearray(data), memoryview(data)):
        anything: Any = other
        assert lbic.info(anything) == lbic.info(data)
        assert lbic.decompress(anything, type=0).size == (8, 8)


@pytest.mark.parametrize(
    ("options", "because"),
    [
        ({"q": True}, "quality True is not a whole number"),
        ({"q": 30.0}, r"quality 30\.0 is not a whole number"),
        ({"q": "30"}, "quality '30' is not a whole number"),
        ({"scale": "2"}, "scale '2' is not a number"),
        ({"scale": True}, "scale True is not a number"),
        ({"effort": "2"}, "effort '2' is not a whole number"),
        ({"effort": True}, "effort True is not a whole number"),
        ({"target_size": "900"}, "target size '900' is not a number"),
        ({"target_bpp": True}, "target bpp True is not a number"),
    ],
)
def test_arguments_of_another_type_are_refused(options: dict[str, Any], because: str) -> None:
    with pytest.raises(UsageError, match=because):
        lbic.compress(photo(8, 8), codec="jpeg", **options)


def test_a_strength_or_tile_of_another_type_is_refused() -> None:
    data, text = lbic.compress(photo(8, 8), codec="jpeg"), "0.5"
    wrong: Any = text
    with pytest.raises(UsageError, match=r"strength '0\.5' is not a number"):
        lbic.decompress(data, strength=wrong)
    with pytest.raises(UsageError, match=r"tile '0\.5' is not a whole number"):
        lbic.decompress(data, tile=wrong)
