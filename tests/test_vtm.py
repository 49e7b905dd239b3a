"""The reference encoder VTM: finding it, and the errors if it is old or incomplete."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import GOLDEN, Program

from lbic.codecs import vtm
from lbic.codecs.table import CODECS
from lbic.color import Planes
from lbic.errors import ExitCode, MissingError

pytestmark = [
    pytest.mark.usefixtures("fresh_encoders"),
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in programs are shell scripts"),
]

GRAY = Planes(np.zeros((64, 72), np.float32))
STREAM = GOLDEN / "streams" / "vvenc-gray.266"


def vtm_folder(program: Program, banner: str, *, configuration: bool = True) -> str:
    path = Path(
        program(
            f"echo '{banner}'\n" + f'while [ "$1" != -b ]; do shift; done; cp {STREAM} "$2"', "vtm/bin/EncoderAppStatic"
        )
    )
    if configuration:
        (path.parents[1] / "cfg").mkdir()
        (path.parents[1] / "cfg" / "encoder_intra_vtm.cfg").write_text("")
    return str(path.parents[1])


BANNER = "VVCSoftware: VTM Encoder Version {}.0 [Linux][GCC 12.2][64 bit]"


@pytest.mark.parametrize("relative", [False, True])
def test_vtm_is_found_by_its_variable(
    relative: bool, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = vtm_folder(program, BANNER.format(11))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(vtm.VARIABLE, os.path.relpath(folder) if relative else folder)
    assert CODECS["vtm"].availability() is None
    assert CODECS["vtm"].encode(GRAY, 37, 0) == STREAM.read_bytes()


@pytest.mark.parametrize(
    ("banner", "configuration", "sentence"),
    [
        (BANNER.format(7), True, r"is VTM 7; versions before 11 write a draft"),
        ("hello", True, "is VTM of unknown version; versions before 11"),
        (BANNER.format(23), False, "which has no encoder_intra_vtm.cfg; build VTM 11 or later"),
    ],
)
def test_a_vtm_that_is_too_old_or_not_whole_is_missing(
    banner: str, configuration: bool, sentence: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(vtm.VARIABLE, vtm_folder(program, banner, configuration=configuration))
    with pytest.raises(MissingError, match=sentence) as caught:
        CODECS["vtm"].encode(GRAY, 37, 0)
    assert caught.value.exit_code == ExitCode.MISSING
    assert CODECS["vtm"].availability() == str(caught.value)


def test_without_vtm_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(vtm.VARIABLE, raising=False)
    with pytest.raises(MissingError, match=r"LBIC_VTM_DIR is not set; build VTM 11 or later"):
        CODECS["vtm"].encode(GRAY, 37, 0)
    monkeypatch.setenv(vtm.VARIABLE, str(tmp_path))
    with pytest.raises(MissingError, match=r"which has no EncoderApp; build VTM 11 or later"):
        CODECS["vtm"].encode(GRAY, 37, 0)
