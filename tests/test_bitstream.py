"""VVC parameter sets: of two encoders, built bit by bit, and damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import GOLDEN
from hypothesis import given
from hypothesis import strategies as st

from lbic.codecs.bitstream import NAL_PPS, SequenceFacts, resized, sequence_facts, split, with_initial_qp
from lbic.errors import CodecError
from lbic.format import container

STREAMS = GOLDEN / "streams"


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("vvenc-color", SequenceFacts(64, 64, 64, 64, chroma_format=1, bit_depth=10)),
        ("vvenc-gray", SequenceFacts(72, 64, 72, 64, chroma_format=0, bit_depth=10)),
        ("vtm-color", SequenceFacts(64, 64, 64, 64, chroma_format=1, bit_depth=10)),
        ("vtm-gray", SequenceFacts(72, 64, 72, 64, chroma_format=0, bit_depth=10)),
        ("vtm-8bit", SequenceFacts(64, 64, 64, 64, chroma_format=1, bit_depth=8)),
        ("vtm-422", SequenceFacts(64, 64, 64, 64, chroma_format=2, bit_depth=10)),
        ("vtm-444", SequenceFacts(64, 64, 64, 64, chroma_format=3, bit_depth=10)),
        ("vtm-cropped", SequenceFacts(64, 64, 62, 62, chroma_format=1, bit_depth=10)),
    ],
)
def test_streams_of_real_encoders(name: str, facts: SequenceFacts) -> None:
    assert sequence_facts((STREAMS / f"{name}.266").read_bytes()) == facts


def picture_parameter_set(stream: bytes) -> bytes:
    return next(unit.removesuffix(b"\0") for unit in split(stream) if unit[1] >> 3 == NAL_PPS)


def test_a_picture_parameter_set_of_another_size_and_qp_is_what_the_encoder_writes_for_them() -> None:
    header, payload = container.unpack((GOLDEN / "vtm-colour.lbic").read_bytes())
    assert (header.width, header.height, header.quality) == (96, 72, 34)
    first = picture_parameter_set((STREAMS / "vtm-color.266").read_bytes())
    assert with_initial_qp(resized(first, 96, 72), 34) == picture_parameter_set(payload)


@pytest.mark.parametrize("qp", [0, 25, 26, 27, 63])
def test_a_picture_parameter_set_gets_its_qp_back(qp: int) -> None:
    first = picture_parameter_set((STREAMS / "vtm-gray.266").read_bytes())
    other = with_initial_qp(first, qp)
    assert other != first
    assert with_initial_qp(other, 37) == first


def golomb(value: int) -> str:
    """Return a ue(v) code as a string of 0 and 1."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def sps(bits: str) -> bytes:
    """Return an SPS with these bits as an Annex B unit, escaped; spaces are ignored."""
    text = bits.replace(" ", "") + "1"
    text += "0" * (-len(text) % 8)
    body = bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))
    escaped = bytearray()
    for byte in body:
        if escaped[-2:] == b"\0\0" and byte <= 3:
            escaped.append(3)
        escaped.append(byte)
    return b"\0\0\0\1" + bytes([0, 15 << 3 | 1]) + bytes(escaped)


START = "0000 0000 {sublayers:03b} 01 00"
SIZE = golomb(128) + golomb(64)


def test_without_profile_and_with_a_changing_resolution() -> None:
    stream = sps(START.format(sublayers=0) + "0" + "0" + "1 0" + SIZE + "0" + "0" + golomb(2))
    assert sequence_facts(stream) == SequenceFacts(128, 64, 128, 64, chroma_format=1, bit_depth=10)


def test_with_sublayers_constraints_sub_profiles_and_a_window() -> None:
    profile = "0000001 0 01010101 1 0"
    constraints = "1" + "0" * 71 + "00000101" + "10101"
    head = START.format(sublayers=2) + "1"
    aligned = profile + constraints
    aligned += "0" * (-len((head + aligned).replace(" ", "")) % 8)
    aligned += "10" + "000000" + "11110000" + "00000001" + "1" * 32
    window = "1" + golomb(1) + golomb(2) + golomb(3) + golomb(4)
    stream = sps(head + aligned + "0" + "0" + SIZE + window + "0" + golomb(0))
    assert sequence_facts(stream) == SequenceFacts(128, 64, 122, 50, chroma_format=1, bit_depth=8)


def test_emulation_prevention_is_undone() -> None:
    stream = sps(START.format(sublayers=0) + "0" + "0" + "0" + golomb(65_535) + golomb(1 << 20) + "0" + "0" + golomb(2))
    assert b"\0\0\3" in stream
    facts = sequence_facts(stream)
    assert (facts.width, facts.height) == (65_535, 1 << 20)


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (b"", "no sequence parameter sets instead of one"),
        (b"\0\0\1", "no sequence parameter sets instead of one"),
        (b"\xff\xd8\xff\xe0 a JPEG", "no sequence parameter sets instead of one"),
        ((STREAMS / "vtm-twoframes.266").read_bytes(), "2 sequence parameter sets instead of one"),
        (sps(START.format(sublayers=0) + "000" + SIZE + "0" + "1"), "subpictures"),
        (sps(START.format(sublayers=0) + "000" + "0" * 40), "parameter set is damaged"),
        (sps(START.format(sublayers=0) + "000" + "0" * 9), "ends inside its sequence parameter set"),
        (sps(START.format(sublayers=7) + "1"), "ends inside its sequence parameter set"),
    ],
)
def test_damaged_parameter_sets_are_refused(stream: bytes, sentence: str) -> None:
    with pytest.raises(CodecError, match=sentence):
        sequence_facts(stream)


def test_every_truncation_ends_in_facts_or_a_codec_error() -> None:
    stream = (STREAMS / "vtm-color.266").read_bytes()
    whole = sequence_facts(stream)
    for length in range(len(stream)):
        try:
            assert sequence_facts(stream[:length]) == whole
        except CodecError as error:
            assert "sequence parameter set" in str(error)


@given(st.sampled_from(sorted(STREAMS.glob("*.266"))), st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_any_damage_ends_in_facts_or_a_codec_error(path: Path, at: int, patch: bytes) -> None:
    stream = path.read_bytes()
    try:
        sequence_facts(stream[:at] + patch + stream[at + len(patch) :])
    except CodecError as error:
        assert str(error)
