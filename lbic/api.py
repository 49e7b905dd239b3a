"""The Python API: four functions on Pillow images and bytes.

The pipeline is imported at the first call, so that ``import lbic`` (and ``lbic --help``) stays
fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from lbic import limits
from lbic.coding import SCALE_ONE
from lbic.errors import UsageError, check_number
from lbic.format import container
from lbic.format.container import Header

if TYPE_CHECKING:
    from lbic.rate.request import CompressRequest

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
    target_ssimulacra2: float | None = None,
) -> bytes:
    """Compress a Pillow image of any mode into the bytes of a .lbic file.

    The quality is given, or a target finds it by trying several.

    - ``q``: the codec's own quality; None is the codec's default.
    - ``codec``: vvc, vtm, jpeg, webp, avif or jpeg2000.
    - ``scale``: downsampling before the codec, 1..4 in steps of a sixteenth; None is 1, with a
      target the best of several.
    - ``effort``: 0 (fastest) to 4 (smallest files).
    - ``type``: the enhancement to record, by number or name; None is the catalog's advice, "auto"
      the type whose picture comes closest to the original.
    - ``goal``: what type "auto", and the scale for a target size, are chosen by: "fidelity"
      (PSNR) or "perceptual" (local contrast), which also makes codec vvc spend bytes where the
      eye sees them. A goal alone means type "auto".
    - ``target_size``: the best picture of at most so many bytes.
    - ``target_bpp``: the best picture of at most so many bits per pixel.
    - ``target_psnr``: the smallest file whose default decoding has at least this PSNR in dB.
    - ``target_ssimulacra2``: the smallest file whose default decoding has at least this
      SSIMULACRA2, a score by eye of at most 100: 70 is high quality, 50 medium.

    Raises UsageError for arguments of another type or out of range and for a goal that has
    nothing to choose, MissingError without an encoder, and TargetError for a target that no
    quality reaches.
    """
    from lbic.picture.load import from_pillow

    request = make_request(
        q=q,
        codec=codec,
        scale=scale,
        effort=effort,
        type=type,
        goal=goal,
        target_size=target_size,
        target_bpp=target_bpp,
        target_psnr=target_psnr,
        target_ssimulacra2=target_ssimulacra2,
    )
    return request.compress(from_pillow(_checked_image(image, "compress"))).data


def make_request(
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
    target_ssimulacra2: float | None = None,
    keep: frozenset[str] = frozenset(),
) -> CompressRequest:
    """Return the request that the arguments of ``compress`` mean; raises UsageError as it does.

    ``keep`` names the metadata items to store.
    """
    from lbic.enhance import choice, types
    from lbic.rate.request import CompressRequest

    targets = {"size": target_size, "bpp": target_bpp, "psnr": target_psnr, "ssimulacra2": target_ssimulacra2}
    named = [(name, value) for name, value in targets.items() if value is not None]
    if len(named) > 1 or (named and q is not None):
        raise UsageError("a target stands alone: one of q, target_size, target_bpp, target_psnr and target_ssimulacra2")
    return CompressRequest(
        codec=codec,
        quality=q,
        target=named[0] if named else None,
        scale=None if scale is None else scale_in_sixteenths(scale),
        effort=effort,
        type=choice.AUTO if type == choice.AUTO else None if type is None else types.parse(type),
        goal=None if goal is None else choice.parse_goal(goal),
        keep=keep,
    )


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
    """Decompress a .lbic file to a Pillow image (L, RGB, LA or RGBA), enhanced as the file
    recommends.

    - ``type``: the enhancement to run, by number or name; None is the file's recommendation, 0
      the codec's picture.
    - ``strength``: the weight of the enhanced picture against the codec's, 0..1.
    - ``profile``: "auto", "fast", "lite" or "full", the size of the networks.
    - ``device``: "auto", "cpu", "cuda" or another of docs/providers.md.
    - ``tile``: the side in pixels of the tiles that networks run on; smaller ones need less
      memory. None chooses.
    - ``max_pixels``: larger pictures are refused.

    The codec's library decodes in this process. The command line uses a worker process: where
    files come from strangers, call this function in a process of its own.

    Raises FormatError or CodecError for damaged data and for a picture of more than
    ``max_pixels``, UsageError for arguments of another type or out of range, and MissingError for
    a requested type or device that is missing.
    """
    from lbic import pipeline
    from lbic.enhance import types
    from lbic.enhance.session import Runtime

    kind = None if type is None else types.parse(type)
    settings = pipeline.DecompressSettings(kind, Runtime(profile, device, tile), strength, max_pixels)
    return pipeline.decompress(_checked_bytes(data, "decompress"), settings).image


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

    - ``type``: the enhancement to run, by number or name; None is the catalog's advice for the
      codec and quality.
    - ``codec``, ``q``: how the picture was coded before. None reads it from a JPEG file that
      Pillow opened; any other image is taken for one like those that the networks were trained
      on.
    - ``strength``, ``profile``, ``device``, ``tile``: as in ``decompress``.

    Returns an image of the same size, upright where EXIF has it turned. Raises UsageError for
    arguments of another type or out of range, and MissingError when the networks are not shipped
    or, without ``type``, none suits the picture.
    """
    from lbic.enhance import pictures, types
    from lbic.enhance.session import Runtime

    kind = None if type is None else types.parse(type)
    settings = pictures.EnhanceSettings(kind, codec, q, Runtime(profile, device, tile), strength)
    return pictures.enhance(_checked_image(image, "enhance"), settings).picture.joined()


def info(data: bytes) -> Header:
    """Read the header of a .lbic file without decoding it.

    Raises FormatError for data that is no .lbic file or has a damaged header.
    """
    return container.read_header(_checked_bytes(data, "info"))


def scale_in_sixteenths(scale: float) -> int:
    """Return a scale in sixteenths; raises UsageError unless it is one of 1, 1 1/16 .. 4."""
    check_number(scale, "scale")
    sixteenths = scale * SCALE_ONE
    if not 1 <= scale <= MAX_SCALE or sixteenths != int(sixteenths):
        raise UsageError(f"scale {scale:g} is not a sixteenth step within 1..{MAX_SCALE}")
    return int(sixteenths)


def _checked_image(image: object, function: str) -> Image.Image:
    """Return the image; raises UsageError for another type, and says how to get an image."""
    if isinstance(image, Image.Image):
        return image
    if isinstance(image, bytes | bytearray | memoryview):
        advice = "open the bytes of a file with PIL.Image.open(io.BytesIO(data))"
    elif hasattr(image, "__array_interface__"):
        advice = "make one of an array with PIL.Image.fromarray"
    else:
        advice = "open a file with PIL.Image.open"
    raise UsageError(f"image is a {_kind(image)}; lbic.{function} takes a PIL.Image.Image: {advice}")


def _checked_bytes(data: object, function: str) -> bytes:
    """Return data as bytes; raises UsageError, which names the type, when it is none."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    raise UsageError(f"data is a {_kind(data)}; lbic.{function} takes the bytes of a .lbic file")


def _kind(value: object) -> str:
    """Return the name of a value's type: str, numpy.ndarray."""
    kind = value.__class__
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
