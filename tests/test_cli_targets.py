"""The options --target-...: what they write, and values and combinations that are refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from cli_helpers import lbic, records, save
from helpers import photo

from lbic import api
from lbic.errors import ExitCode, UsageError
from lbic.format import container
from lbic.rate.trials import Target

pytestmark = pytest.mark.usefixtures("write_models", "no_gpu")  # no networks


@pytest.mark.parametrize(
    ("wanted", "because"),
    [
        ({"target_bpp": math.nan}, "target bpp nan is not above 0"),
        ({"target_psnr": math.inf}, "target psnr inf is not above 0 and finite"),
        ({"target_size": -5}, "target size -5 is not above 0"),
        ({"target_bpp": 1e309}, "target bpp inf is not above 0 and finite"),
    ],
)
def test_values_out_of_range(wanted: dict[str, Any], because: str) -> None:
    with pytest.raises(UsageError, match=because):
        api.compress(photo(160, 120), codec="jpeg", **wanted)
    with pytest.raises(UsageError, match="unknown target 'sise'; known: size, bpp, psnr, ssimulacra2"):
        Target.of("sise", 3, 1)


def test_the_command(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png", photo(160, 120))
    (record,) = records(lbic("compress", "--codec", "jpeg", "--json", "--target-bpp", "0.5", picture))
    assert record["bytes"] == (tmp_path / "a.lbic").stat().st_size <= 160 * 120 * 0.5 / 8
    (record,) = records(lbic("compress", "-f", "--codec", "jpeg", "--json", "--scale", "1.5", "-q", "10", picture))
    assert record["scale"] == 1.5
    assert container.read_header((tmp_path / "a.lbic").read_bytes()).scale == 24
    said = lbic("compress", "-f", "--codec", "jpeg", "--target-size", "30", picture, code=ExitCode.FAILED).stderr
    assert "no quality makes the file as small as 30 B; the smallest is" in said
    lbic("compress", "-f", "--codec", "jpeg", "--target-psnr", "28", "--scale", "auto", picture)
    lbic("compress", "-f", "--codec", "jpeg", "--target-ssimulacra2", "60", picture)
    lbic("decompress", tmp_path / "a.lbic")
    (_, record) = records(lbic("compare", "--json", "--metrics", "ssimulacra2", picture, tmp_path / "a.lbic.png"))
    assert 60 <= record["ssimulacra2"] < 63


@pytest.mark.parametrize(
    ("options", "because"),
    [
        (["--target-size", "9", "--target-bpp", "1"], "--target-size and --target-bpp exclude each other"),
        (["--target-psnr", "30", "-q", "20"], "target psnr finds the quality; quality 20 is given too; leave out -q"),
        (["--target-ssimulacra2", "101"], "target ssimulacra2 101 is above 100"),
        (["--scale", "auto"], "--scale auto needs a target"),
        (["--scale", "5"], "scale 5 is not a sixteenth step within 1..4"),
        (["--scale", "1.03"], "scale 1.03 is not a sixteenth step"),
        (["--scale", "big"], "'big' is not a number"),
        (["--target-bpp", "0"], "0 is not above 0"),
        (["--target-size", "few"], "'few' is not a valid integer"),
    ],
)
def test_usage(tmp_path: Path, options: list[str], because: str) -> None:
    picture = save(tmp_path / "a.png")
    assert because in lbic("compress", "--codec", "jpeg", *options, picture, code=ExitCode.USAGE).stderr
