"""lbic.toml and --preset: where defaults come from, which one counts, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_helpers import header, lbic, records, save
from conftest import WriteCatalog
from helpers import photo

from lbic.cli import compress as command
from lbic.cli import settings
from lbic.cli.main import cli
from lbic.cli.presets import PRESETS
from lbic.errors import ExitCode
from lbic.rate.request import CompressRequest

pytestmark = pytest.mark.usefixtures("places")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The files that are read, in an empty current folder and an empty configuration folder."""
    here, user = tmp_path / "here", tmp_path / "user"
    here.mkdir()
    (user / "lbic").mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setattr(settings, "places", lambda: (here / "lbic.toml", user / "lbic" / "lbic.toml"))
    return settings.places()


@pytest.fixture
def requested(monkeypatch: pytest.MonkeyPatch) -> list[CompressRequest]:
    """The requests that the command builds from now on."""
    requests = list[CompressRequest]()

    def build(*fields: Any) -> CompressRequest:
        requests.append(CompressRequest(*fields))
        return requests[-1]

    monkeypatch.setattr(command, "CompressRequest", build)
    return requests


def request_of(requests: list[CompressRequest], *options: object) -> CompressRequest:
    """Return the request of ``lbic compress`` with these options; its input does not exist."""
    lbic("compress", *options, "missing.png", code=ExitCode.FAILED)
    return requests[-1]


def test_the_places_are_this_folder_and_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    here, user = settings.places()
    assert here == tmp_path / "lbic.toml"
    assert (user.name, user.parent.name) == ("lbic.toml", "lbic")


def test_the_first_file_is_read_and_flags_win(
    places: tuple[Path, Path], requested: list[CompressRequest], write_models: WriteCatalog
) -> None:
    assert request_of(requested).effort == 2
    here, user = places
    user.write_text('[compress]\neffort = 0\ncodec = "jpeg"\n')
    assert (request_of(requested).effort, requested[-1].codec) == (0, "jpeg")
    here.write_text("[compress]\neffort = 4\n[decompress]\ndevice = 'cpu'\n")
    assert (request_of(requested).effort, requested[-1].codec) == (4, "vvc"), "the two are not mixed"
    assert request_of(requested, "--effort", 1).effort == 1


def test_values_are_those_of_the_command_line(places: tuple[Path, Path], requested: list[CompressRequest]) -> None:
    places[0].write_text(
        '[compress]\ncodec = "jpeg"\nscale = 2\nquality = 30\ntype = 7\nkeep = ["icc", "xmp"]\nquiet = true\n'
    )
    request = request_of(requested)
    assert (request.scale, request.quality, request.keep) == (32, 30, frozenset({"icc", "xmp"}))
    assert str(request.type) == "7 (ar)"


def test_a_file_is_compressed_by_the_settings(places: tuple[Path, Path], write_models: WriteCatalog) -> None:
    places[0].write_text(
        '[compress]\ncodec = "jpeg"\ntarget-bpp = 1.0\n[compare]\nmetrics = ["psnr", "ssimulacra2"]\njson = true\n'
    )
    picture = save(Path("a.png"), photo(96, 64))
    lbic("compress", picture)
    assert Path("a.lbic").stat().st_size <= 96 * 64 / 8
    assert header(Path("a.lbic")).codec == "jpeg"
    assert records(lbic("compare", picture, "a.lbic"))[1]["ssimulacra2"] is not None


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("[compress]\nefort = 2", "lbic.toml: compress.efort: unknown key; known: codec, effort, "),
        ("[compres]\neffort = 2", "lbic.toml: unknown key 'compres'; known tables: [compress], [decompress], "),
        ("effort = 2", "lbic.toml: unknown key 'effort'; known tables"),
        ("[train]\nsteps = 2", "lbic.toml: unknown key 'train'; known tables"),
        ("[compress]\neffort = 9", "lbic.toml: compress.effort: 9 is not in the range 0<=x<=4"),
        ("[compress]\nscale = 5", "lbic.toml: compress.scale: scale 5 is not a sixteenth step"),
        ("[compress]\ntype = 'best'", "lbic.toml: compress.type: "),
        ("[compress]\nquiet = 1", "lbic.toml: compress.quiet: 1 is not true or false"),
        ("[compress]\neffort = true", "lbic.toml: compress.effort: True is not text or a number"),
        ("[compress]\neffort = [2]", "lbic.toml: compress.effort: [2] is not text or a number"),
        ("[compress]\nkeep = [2026-01-01]", "is not text or a number"),
        ("[compress]\noutput = 'x'", "lbic.toml: compress.output: unknown key"),
        ("[compress]\nforce = true", "lbic.toml: compress.force: unknown key"),
        ("[compress]\nray = 'ray://host:1'", "lbic.toml: compress.ray: unknown key"),
        ("[compress\n", "lbic.toml is no TOML: "),
    ],
)
def test_refused(places: tuple[Path, Path], text: str, because: str) -> None:
    places[0].write_text(text)
    assert because in lbic("compress", "a.png", code=ExitCode.USAGE).stderr
    record = next(one for one in records(lbic("doctor", "--json")) if one["name"] == "settings")
    assert record["works"] is False
    assert because in record["sentence"]
    lbic("compress", "-h")


def test_a_table_of_another_command_is_not_read(places: tuple[Path, Path]) -> None:
    places[0].write_text("[compress]\nefort = 2")
    assert "missing.lbic" in lbic("decompress", "missing.lbic", code=ExitCode.FAILED).stderr


def test_doctor_says_what_is_read(places: tuple[Path, Path]) -> None:
    def sentence() -> str:
        return next(str(one["sentence"]) for one in records(lbic("doctor", "--json")) if one["name"] == "settings")

    assert sentence() == f"no {places[0]} and no {places[1]}"
    places[1].write_text("[compress]\neffort = 3\ntarget-ssimulacra2 = 70\n[compare]\njobs = 2")
    assert sentence() == f"{places[1]} (compress: effort, target-ssimulacra2; compare: jobs)"
    places[0].write_text("")
    assert sentence() == f"{places[0]} (nothing is set)"


def test_options_that_exclude_each_other_are_settled_by_their_source(
    places: tuple[Path, Path], requested: list[CompressRequest]
) -> None:
    places[0].write_text("[compress]\ntarget-size = 900\ngoal = 'perceptual'\n")
    assert request_of(requested).target == ("size", 900)
    request = request_of(requested, "-q", "30", "--type", "1")
    assert (request.target, request.quality, request.goal) == (None, 30, None)
    assert request_of(requested, "--target-psnr", "30").target == ("psnr", 30)
    message = lbic("compress", "-q", "30", "--target-psnr", "30", "a.png", code=ExitCode.USAGE).stderr
    assert "target psnr finds the quality; quality 30 is given too" in message


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_options(name: str, requested: list[CompressRequest]) -> None:
    assert request_of(requested, "--preset", name) == request_of(requested, *PRESETS[name].options.split())
    assert requested[-1] != request_of(requested)
    shown = "".join(lbic("compress", "-h").stdout.split())
    assert f"{name}: {PRESETS[name].options}".replace(" ", "") in shown


def test_every_option_overrides_a_preset(places: tuple[Path, Path], requested: list[CompressRequest]) -> None:
    assert request_of(requested, "--preset", "web", "-q", "30") == CompressRequest(quality=30)
    assert request_of(requested, "--preset", "web", "--target-size", "900").target == ("size", 900)
    assert request_of(requested, "--preset", "photo", "--keep", "").keep == frozenset()
    tiny = request_of(requested, "--preset", "tiny", "--type", "1", "-q", "40")
    assert (tiny.target, tiny.quality, tiny.goal, str(tiny.type)) == (None, 40, None, "1 (nr)")
    places[0].write_text("[compress]\nquality = 30\neffort = 1\n")
    strong = request_of(requested, "--preset", "web")
    assert (strong.target, strong.quality, strong.effort) == (("ssimulacra2", 60), None, 1)
    places[0].write_text("[compress]\nquality = 30\npreset = 'web'\n")
    assert request_of(requested).quality == 30, "in the file, too, a preset is the weakest"
    assert request_of(requested, "--target-bpp", "1").target == ("bpp", 1)
    places[0].write_text("[compress]\npreset = 'web'\n")
    assert request_of(requested).target == ("ssimulacra2", 60)


def test_every_setting_of_every_command_is_an_option() -> None:
    context = cli.make_context("lbic", ["doctor"])
    for name in settings.COMMANDS:
        one = cli.get_command(context, name)
        assert one is not None
        known = settings.options(one)
        assert {"output", "force", "html", "csv", "plot", "cache", "ray", "help"}.isdisjoint(known)
        assert all(f"--{key}" in option.opts for key, option in known.items())
