"""The Python API: four functions on Pillow images and bytes.

The pipeline is imported when first used, so that ``import lbic`` (and ``lbic --help``) stays fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lbic import limits
from lbic.coding import SCALE_ONE
from lbic.errors import UsageError
from lbic.format import container
from lbic.format.container import Header

if TYPE_CHECKING:
    from PIL import Image

MAX_SCALE = 4


def compress(
    image: Image.Image,
    *,
    q: int | None = None,
    codec: str = "vvc",
    scale: float | None = None,
    effort: int = 2,
    type: int | str | None = None,
    goal: str | None = None,
    target_size: int | None = None,
    target_bpp: float | None = None,
    target_psnr: float | None = None,
) -> bytes:
    """Compress a Pillow image of any mode into the bytes of a .lbic file.

    ``q`` is the codec's own quality (None: its default), ``scale`` 1..4 the downsampling before the codec (None: 1,
    or with a target the best of several), ``effort`` 0..4 speed against size, ``type`` the enhancement to recommend
    (None: the catalog's; "auto": the one whose picture comes closest to the original). ``goal`` is what that and
    the scale for a size go by: "fidelity", PSNR, or "perceptual", local contrast; given alone it means type "auto".
    One of the targets instead of ``q`` has the quality found by trying: the best picture of at most ``target_size``
    bytes or ``target_bpp`` bits per pixel, or the smallest file whose default decoding has at least ``target_psnr``
    dB. Raises UsageError for values out of range and for a goal that has nothing to choose, MissingError without an
    encoder and TargetError for a target that no quality reaches.
    """
    from lbic import pipeline
    from lbic.enhance import choice, types
    from lbic.picture.load import from_pillow
    from lbic.rate import target
    from lbic.rate.trials import Target

    given = {"size": target_size, "bpp": target_bpp, "psnr": target_psnr}
    wanted = [(name, value) for name, value in given.items() if value is not None]
    if wanted and (len(wanted) > 1 or q is not None):
        raise UsageError("a target stands alone: one of q, target_size, target_bpp and target_psnr")
    kind: types.EnhancementType | choice.Auto | None = None
    if type is not None:
        kind = choice.AUTO if type == choice.AUTO else types.parse(type)
    named = None if goal is None else choice.parse_goal(goal)
    settings = pipeline.CompressSettings(
        codec=codec,
        quality=q,
        scale=scale_in_sixteenths(1 if scale is None else scale),
        effort=effort,
        type=choice.wanted_type(kind, named, for_scale=bool(wanted) and scale is None and target_psnr is None),
        goal=named or choice.FIDELITY,
    )
    if not wanted:
        return pipeline.compress(image, settings).data
    picture = from_pillow(image)
    aim = Target.of(*wanted[0], picture.image.width * picture.image.height)
    scales = target.SCALES if scale is None else (settings.scale,)
    return target.compress(picture, settings, aim, scales).data


def decompress(
    data: bytes,
    *,
    type: int | str | None = None,
    strength: float = 1,
    profile: str = "auto",
    device: str = "auto",
    tile: int | None = None,
    max_pixels: int = limits.MAX_PIXELS,
) -> Image.Image:
    """Decompress a .lbic file to a Pillow image (L, RGB, LA or RGBA), enhanced as the file recommends.

    ``type`` overrides the recommendation (0 for the codec's plain picture); ``strength``, 0..1, is how far to go from
    that plain picture to the enhanced one. The codec's library decodes in this process, unlike in the command line:
    where files come from strangers, have the call in a process of its own. Raises FormatError or CodecError for
    damaged data and for a picture of more than ``max_pixels``, UsageError for values out of range, MissingError for a
    type or device that was asked for and is not here.
    """
    from lbic import pipeline
    from lbic.enhance import types
    from lbic.enhance.session import Runtime

    kind = None if type is None else types.parse(type)
    settings = pipeline.DecompressSettings(kind, Runtime(profile, device, tile), strength, max_pixels)
    return pipeline.decompress(data, settings).image


def enhance(
    image: Image.Image,
    *,
    type: int | str | None = None,
    q: int | None = None,
    codec: str | None = None,
    strength: float = 1,
    profile: str = "auto",
    device: str = "auto",
    tile: int | None = None,
) -> Image.Image:
    """Run an enhancement type on any picture that a codec damaged, an old JPEG for instance.

    ``codec`` and ``q`` tell what damaged it; left out, a JPEG file as Pillow opened it tells itself, and any other
    image is taken for what the networks were trained on. ``type`` None is the catalog's advice for that, ``strength``
    as in decompress. Returns an image of the same size, upright where EXIF has it turned. Raises UsageError for values
    out of range, MissingError when networks are not shipped or, without ``type``, none suits the picture.
    """
    from lbic import pipeline
    from lbic.enhance import types
    from lbic.enhance.session import Runtime

    kind = None if type is None else types.parse(type)
    settings = pipeline.EnhanceSettings(kind, codec, q, Runtime(profile, device, tile), strength)
    return pipeline.enhance(image, settings).picture.joined()


def info(data: bytes) -> Header:
    """Read the header of a .lbic file; nothing is decoded. Raises FormatError."""
    return container.read_header(data)


def scale_in_sixteenths(scale: float) -> int:
    """A scale as the format stores it; UsageError unless it is one of 1, 1 1/16 .. 4."""
    sixteenths = scale * SCALE_ONE
    if not 1 <= scale <= MAX_SCALE or sixteenths != int(sixteenths):
        raise UsageError(f"scale {scale:g} is not a sixteenth step within 1..{MAX_SCALE}")
    return int(sixteenths)
