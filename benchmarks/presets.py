"""The pages that the documentation shows: evaluations of Kodak, and Table I."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """How a page begins."""

    name: str
    """What ``python -m benchmarks`` calls it, and its folder below docs/."""
    title: str
    pictures: str
    """The set of pictures that it is measured on."""
    text: str
    """What the page says before the figures."""


@dataclass(frozen=True)
class Preset(Page):
    """An evaluation: its codings, types and metrics, written as ``lbic evaluate`` takes them."""

    codecs: tuple[str, ...]
    optional: tuple[str, ...] = ()
    """Codecs that are left out where their encoder is missing."""
    types: str = "0"
    metrics: str = "psnr"
    anchors: str | None = None
    """The set of published curves to show beside the measured ones; None for no such curves."""


TABLE1 = Page(
    "table1",
    "Table I and Figures 3 and 5 of Jia et al.",
    "baby, bird, butterfly, head, woman (Set5), zebra and barbara (Set14)",
    """\
Jia et al., *Deep Convolutional Network based Image Quality Enhancement for Low Bit Rate Image
Compression*: luma PSNR of seven pictures at five rates. The pictures are coded as gray pictures,
and PSNR is interpolated linearly between qualities. Bytes are those of whole .lbic files;
`file:jpeg` is a JPEG file. The first two rows are the paper's: JPEG, and the method that it
proposes.""",
)

_QPS = "32,35,37,40,42"

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "types",
            "The enhancement types of Kim et al. on Kodak",
            "the 24 Kodak pictures",
            """\
Figures 2 and 3 of Kim et al., *Towards the Perceptual Quality Enhancement of Low Bit-rate
Compressed Images*: types 1 to 4 against bits per pixel, by RGB-PSNR and by the perceptual index
(PI). NIQE replaces PI where Ma's model is not installed.""",
            codecs=(f"vvc:{_QPS}",),
            types="0,1,2,3,4",
            metrics="psnr,ms_ssim,lpips,pi",
        ),
        Preset(
            "peers",
            "Every codec on Kodak",
            "the 24 Kodak pictures",
            """\
Rows with `file:` are each format's own file, written by its own encoder at its best effort
(`file:vtm` is the bare stream of the reference encoder). The other rows are .lbic files at effort
2, lbic's default; the row names the enhancement type, and a row without one is plain VVC. Bytes
are those of whole files. Published rows are the authors' figures for the same pictures, or those
of whoever measured them; they may count bytes differently.""",
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
            metrics="psnr,ms_ssim,ssimulacra2,lpips",
            anchors="kodak",
        ),
    )
}
