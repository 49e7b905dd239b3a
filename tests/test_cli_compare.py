"""lbic compare: the table, JSON, the page, and which pictures can be compared."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import SIZE, lbic, names, opened, records, save
from conftest import WriteCatalog
from helpers import gray, photo, psnr, ramp, wide_profile
from PIL import Image
from toys import identity, spec

from lbic import pipeline
from lbic.cli.docs import JSON_KEYS
from lbic.errors import ExitCode
from lbic.format import container
from lbic.format.container import Header
from lbic.metrics.psnr import psnr_luma
from lbic.metrics.table import METRICS
from lbic.picture.load import with_alpha


@pytest.fixture
def original(tmp_path: Path, write_models: WriteCatalog) -> Path:
    """A picture, and a JPEG, an AVIF and a .lbic file of it beside it.

    The .lbic file recommends type 7, whose network is shipped.
    """
    data = identity(1, 0.9)
    write_models([(spec("toy-ar", data, "ar"), data)])
    path = save(tmp_path / "ref.png")
    save(tmp_path / "b.jpg", quality=30)
    save(tmp_path / "c.avif", quality=30)
    lbic("compress", "--codec", "jpeg", "-q", 12, "--type", 7, path, "-o", tmp_path / "a.lbic")
    return path


@pytest.fixture
def folder(original: Path) -> Path:
    return original.parent


@pytest.mark.usefixtures("no_gpu")
def test_the_table(original: Path, folder: Path) -> None:
    result = lbic("compare", original, folder / "a.lbic", folder / "b.jpg", folder / "c.avif")
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["name", "codec", "bytes", "bpp", "PSNR", "PSNR-Y"]
    assert len({len(line) for line in (head, *rows)}) == 1
    assert [row.split()[0] for row in rows] == [str(folder / name) for name in ("ref.png", "a.lbic", "b.jpg", "c.avif")]
    assert [re.split(" {2,}", row)[1] for row in rows] == ["png", "jpeg q12, ar", "jpeg", "avif"]
    size = (folder / "b.jpg").stat().st_size
    distance = psnr(opened(original), opened(folder / "b.jpg"))
    assert rows[2].split()[2:5] == [f"{size:,}", f"{8 * size / (48 * 32):.3f}", f"{distance:.2f}"]
    assert rows[0].split()[-2:] == ["inf", "inf"]
    assert f"{folder / 'a.lbic'}  48x32  jpeg q12, ar  CPU  " in result.stderr
    assert names(folder) == {"ref.png", "a.lbic", "b.jpg", "c.avif"}


@pytest.mark.usefixtures("no_gpu")
def test_json(original: Path, folder: Path) -> None:
    result = lbic("compare", "--json", "--quiet", "-j", 2, original, folder / "a.lbic", folder / "b.jpg")
    first, a, b = records(result)
    assert list(first) == list(a) == list(b) == list(JSON_KEYS["compare"])
    assert (first["codec"], first["q"], first["psnr"]) == ("png", None, None)
    assert (a["codec"], a["q"], a["scale"], a["type"]) == ("jpeg", 12, 1, 7)
    assert (b["codec"], b["q"], b["scale"], b["type"]) == ("jpeg", None, None, None)
    assert b["psnr"] == pytest.approx(psnr(opened(original), opened(folder / "b.jpg")))
    assert b["bpp"] == 8 * b["bytes"] / (48 * 32)
    assert b["lpips"] is b["niqe"] is None, "they were not requested"
    assert result.stderr == ""


@pytest.mark.usefixtures("no_gpu")
def test_a_type_overrides_the_recorded_one(original: Path, folder: Path) -> None:
    (_, recorded), (_, plain) = (
        records(lbic("compare", "--json", original, folder / "a.lbic", *more)) for more in ((), ("--type", 0))
    )
    assert (recorded["type"], plain["type"]) == (7, 0)
    assert recorded["psnr"] != plain["psnr"]
    lbic("compare", "--type", "sr", original, folder / "a.lbic", code=ExitCode.MISSING)


def test_metrics_are_chosen_and_must_be_there(original: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(folder / "large.png", photo(220, 110))
    command = ("compare", folder / "large.png", folder / "large.png", "--metrics", "niqe")
    first, again = records(lbic(*command, "--json"))
    assert first["niqe"] == again["niqe"] > 0
    assert lbic(*command).stdout.splitlines()[0].split()[-2:] == ["PSNR-Y", "NIQE"]
    monkeypatch.setitem(METRICS, "niqe", replace(METRICS["niqe"], missing=lambda: "NIQE is not here"))
    result = lbic(*command, code=ExitCode.MISSING)
    assert (result.stdout, result.stderr) == ("", "lbic: error: NIQE is not here\n")


# --- which pictures ----------------------------------------------------------------------------


def test_another_size_is_refused_before_it_is_decoded(
    original: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(folder / "large.png", photo(64, 64))
    lbic("compress", "--codec", "jpeg", folder / "large.png")
    monkeypatch.setattr(pipeline, "decompress", lambda *_: pytest.fail("decoded"))
    sentence = "has 64x64 pixels and the original 48x32; the sizes have to be equal"
    for name in ("large.png", "large.lbic"):
        result = lbic("compare", original, folder / name, "--html", folder / "out.html", code=ExitCode.USAGE)
        assert result.stderr.endswith(f"lbic: error: {folder / name}: {sentence}\n")
        assert result.stdout == ""
    assert not (folder / "out.html").exists(), "there is nothing to show"


def test_one_that_fails_does_not_stop_the_rest(original: Path, folder: Path) -> None:
    (folder / "d.png").write_bytes(b"not a picture")
    page = folder / "out.html"
    result = lbic("compare", original, folder / "d.png", folder / "b.jpg", "--html", page, code=ExitCode.FAILED)
    assert f"lbic: error: {folder / 'd.png'}: not a picture" in result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == [str(original), str(folder / "b.jpg")]
    assert page.read_bytes().count(b"<tr><td>") == 2
    result = lbic("compare", "--json", original, folder / "d.png", code=ExitCode.DAMAGED)
    assert [row.get("error", {}).get("code") for row in records(result)] == [None, "image"]


def test_an_unreadable_original_ends_the_command(original: Path, folder: Path) -> None:
    for name, code in (("no.png", ExitCode.FAILED), ("a.lbic", ExitCode.DAMAGED)):
        result = lbic("compare", folder / name, original, "--html", folder / "out.html", code=code)
        assert result.stderr.startswith(f"lbic: error: {folder / name}: ")
        assert result.stdout == ""
    assert not (folder / "out.html").exists()
    lbic("compare", original, code=ExitCode.USAGE)


def test_from_stdin(original: Path, folder: Path) -> None:
    result = lbic("compare", original, "-", stdin=(folder / "b.jpg").read_bytes())
    assert result.stdout.splitlines()[2].startswith("-  ")
    lbic("compare", "-", "-", stdin=b"", code=ExitCode.USAGE)


def test_transparent_pixels_do_not_count(tmp_path: Path) -> None:
    alpha = ramp(*SIZE)
    alpha[:, :16] = 0
    levels = np.asarray(photo(*SIZE)).copy()
    save(tmp_path / "ref.png", with_alpha(Image.fromarray(levels), alpha))
    levels[:, :16] = 0
    save(tmp_path / "same.webp", with_alpha(Image.fromarray(levels), alpha), lossless=True)
    result = lbic("compare", "--json", tmp_path / "ref.png", tmp_path / "same.webp")
    first, same = records(result)
    assert same["psnr"] is None, "infinite"
    assert first["notes"] == same["notes"] == ["has alpha; laid over white"]
    with Image.open(tmp_path / "ref.png") as picture:
        flat = Image.alpha_composite(Image.new("RGBA", SIZE, "white"), picture).convert("RGB")
    save(tmp_path / "flat.png", flat)
    _, over_white = records(lbic("compare", "--json", tmp_path / "ref.png", tmp_path / "flat.png"))
    assert over_white["psnr"] is None or over_white["psnr"] > 45, "any other program composes the same picture"


def test_alpha_of_a_lbic_file(tmp_path: Path) -> None:
    path = save(tmp_path / "ref.png", with_alpha(photo(*SIZE), ramp(*SIZE)))
    lbic("compress", "--codec", "jpeg", "-q", 95, "--type", 0, path)
    _, record = records(lbic("compare", "--json", path, tmp_path / "ref.lbic"))
    assert record["psnr"] > 30
    assert record["notes"] == ["has alpha; laid over white"]


def test_a_kept_profile_is_applied(tmp_path: Path) -> None:
    path = save(tmp_path / "ref.png", icc_profile=wide_profile())
    lbic("compress", "--codec", "jpeg", "-q", 95, "--type", 0, "--keep", "icc", path)
    _, record = records(lbic("compare", "--json", path, tmp_path / "ref.lbic"))
    assert record["psnr"] > 30, "both are in the colours that a viewer shows"


def test_gray_in_a_format_without_gray_is_measured_as_gray(tmp_path: Path) -> None:
    path = save(tmp_path / "ref.png", gray(*SIZE))
    worse = gray(*SIZE).point(lambda level: level ^ 4)
    save(tmp_path / "gray.png", worse)
    save(tmp_path / "rgb.png", worse.convert("RGB"))
    tinted = worse.convert("RGB")
    tinted.putpixel((0, 0), (255, 0, 0))
    save(tmp_path / "tinted.png", tinted)
    save(tmp_path / "lossy.webp", worse, quality=90)  # its channels differ by a level in places
    inputs = [*(tmp_path / f"{name}.png" for name in ("gray", "rgb", "tinted")), tmp_path / "lossy.webp"]
    _, one, three, colour, lossy = records(lbic("compare", "--json", path, *inputs))
    assert one["psnr_y"] == three["psnr_y"] == pytest.approx(psnr_luma(gray(*SIZE), worse))
    assert lossy["psnr_y"] == lossy["psnr"]
    assert colour["psnr_y"] == pytest.approx(psnr_luma(gray(*SIZE).convert("RGB"), tinted))


# --- the page ------------------------------------------------------------------------------------


def test_the_page_is_written_and_never_clobbers(original: Path, folder: Path) -> None:
    page = folder / "out.html"
    command = ("compare", original, folder / "b.jpg", "--html", page)
    result = lbic(*command)
    html = page.read_text("utf-8")
    for line in result.stdout.splitlines()[1:]:
        assert all(f">{cell}<" in html for cell in line.split())
    page.write_text("mine")
    assert f"{page} exists; use -f to overwrite it" in lbic(*command, code=ExitCode.FAILED).stderr
    assert page.read_text() == "mine"
    lbic(*command, "-f")
    assert page.read_text("utf-8") == html


def test_the_page_is_no_input_and_not_stdout(original: Path, folder: Path) -> None:
    before = original.read_bytes()
    for target in (original, "-"):
        lbic("compare", original, folder / "b.jpg", "-f", "--html", target, code=ExitCode.USAGE)
    assert original.read_bytes() == before


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.png", "a\"b'&lt;.png"])
def test_a_name_is_text_on_the_page(original: Path, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    save(Path(name))
    assert lbic("compare", original, name, "--html", "out.html").stdout.splitlines()[2].startswith(name)
    html = Path("out.html").read_text("utf-8")
    escaped = {"<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
    text = name.replace("&", "&amp;")
    for character, reference in escaped.items():
        text = text.replace(character, reference)
    assert f'<th scope="row">{text}<img hidden' in html
    assert name not in html


def test_a_name_cannot_control_the_terminal(tmp_path: Path) -> None:
    path = save(tmp_path / "a\x1b[31m\nb.png")
    other = save(tmp_path / "b.png")
    assert "a?[31m?b.png" in lbic("compare", path, other).stdout
    missing = tmp_path / "c\nlbic: error: d.png"
    stderr = lbic("info", missing, code=ExitCode.FAILED).stderr
    assert stderr.count("\n") == 1 and "c?lbic: error: d.png" in stderr


def test_stored_exif_does_not_turn_the_decoded_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    # Other writers store whole EXIF blocks, with the orientation that lbic removes.
    header = Header("jpeg", 80, 16, 8, metadata={container.EXIF: zlib.compress(exif.tobytes())})
    stream = io.BytesIO()
    photo(16, 8).save(stream, "JPEG", quality=80)
    reference = save(tmp_path / "a.png", photo(16, 8))
    (tmp_path / "a.lbic").write_bytes(container.pack(header, stream.getvalue()))
    _, record = records(lbic("compare", "--json", reference, tmp_path / "a.lbic"))
    assert (record["width"], record["height"]) == (16, 8)
