"""Evaluations that lbic's documentation shows, so that anybody can run them again: one row each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """What ``lbic evaluate --preset NAME`` stands for: the options of these names.

    ``pictures`` says which set it is for, ``text`` what its page says before the figures. ``optional`` are codecs that
    are left out where their encoder is missing. One without codecs is no evaluation of this kind, but a table of its
    own.
    """

    name: str
    title: str
    pictures: str
    text: str
    codecs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    types: str = "0"
    metrics: str = "psnr"
    anchors: str | None = None


_QPS = "32,35,37,40,42"

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "table1",
            "Table I and Figures 3 and 5 of Jia et al.",
            "baby, bird, butterfly, head, woman (Set5), zebra and barbara (Set14)",
            """\
Jia et al., *Deep Convolutional Network based Image Quality Enhancement for Low Bit Rate Image Compression*:
luma PSNR of seven pictures, coded as gray pictures, at five rates by linear interpolation between qualities;
bytes are those of whole .lbic files, but for file:jpeg. The first two rows are the paper's, the second its proposed
method.""",
        ),
        Preset(
            "types",
            "The enhancement types of Kim et al. on Kodak",
            "the 24 Kodak pictures",
            """\
Figures 2 and 3 of Kim et al., *Towards the Perceptual Quality Enhancement of Low Bit-rate Compressed Images*:
types 1 to 4 against bits per pixel, by RGB-PSNR and by the perceptual index, or NIQE where Ma's model is not
at hand.""",
            codecs=(f"vvc:{_QPS}",),
            types="0,1,2,3,4",
            metrics="psnr,ms_ssim,lpips,pi",
        ),
        Preset(
            "peers",
            "Every codec on Kodak",
            "the 24 Kodak pictures",
            """\
Rows with `file:` are the formats' own files by their own encoders at their best effort (`file:vtm`: the bare stream
of the reference encoder), the others .lbic files with the enhancement type named, by libvvenc at lbic's default
effort, 2; without a type that is plain VVC. Bytes are those of whole files. Published rows are what their authors, or
those who measured them, report for the same pictures; they may count bytes otherwise.""",
            codecs=(
                "vvc:35,38,42,46",
                "file:hevc:33,36,39,42,45",
                "file:avif:1,8,17,27",
                "file:jxl:11,15,20,30",
                "file:webp:0,4,10,20",
                "file:jp2:480,240,160,120,80",
                "file:jpeg:2,5,8,12,16",
            ),
            optional=("file:vtm:35,38,42,46",),
            types="0,1,3",
            metrics="psnr,ms_ssim,lpips",
            anchors="kodak",
        ),
    )
}
